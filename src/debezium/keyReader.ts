/** The key of a record: with its schema in the message, or bare. */
import { CdcFailure, code } from '../core/failures.ts'
import { memberNames, ObjectReader } from './objectReader.ts'
import type { KeyShape, RowShape, Shapes } from './rowShapes.ts'
import { expectEnd, skipSpace, startsWith, undecodable } from './scan.ts'
import { keyShapes, noHead, payloadHead, schemaHead, type SchemaBlocks } from './schemaBlock.ts'

export class KeyReader {
  private readonly shapes: Shapes
  private readonly blocks: SchemaBlocks<KeyShape>
  private readonly wrapper = new ObjectReader(['schema', 'payload'])
  /** The names that keys without schema had last. */
  private bare: KeyShape
  /** What stood before the object read last; null: not what usually does. */
  head: Uint8Array | null = null

  /** `expected`: the key that bare ones most likely are. */
  constructor(shapes: Shapes, expected: KeyShape) {
    this.shapes = shapes
    this.blocks = keyShapes(shapes)
    this.bare = expected
  }

  /** Leaves the key's values in the shape's reader. Null: the message has no key. */
  read(bytes: Uint8Array, start: number, end: number): KeyShape | null {
    this.head = null
    if (start < 0) return null
    if (startsWith(bytes, start, end, schemaHead)) {
      const at = start + schemaHead.length
      const known = this.blocks.known(bytes, at, end)
      const next = known ? at + known.bytes.length : 0
      if (known && startsWith(bytes, next, end, payloadHead)) {
        const stop = known.shape.reader.read(bytes, next + payloadHead.length, end)
        if (bytes[stop] === 0x7d && stop + 1 === end) {
          this.head = known.head
          return whole(known.shape)
        }
      }
    }
    const { wrapper } = this
    const from = skipSpace(bytes, start, end)
    expectEnd(bytes, wrapper.read(bytes, from, end), end)
    if (wrapper.start[1]! >= 0 && wrapper.start[0]! >= 0 && bytes[wrapper.start[0]!] === 0x7b) {
      const shape = this.blocks.at(bytes, wrapper.start[0]!, wrapper.end[0]!)
      shape.reader.read(bytes, wrapper.start[1]!, wrapper.end[1]!)
      return whole(shape)
    }
    this.head = noHead
    this.bare.reader.read(bytes, from, end)
    if (!this.bare.reader.exact) {
      // Names come with the data, types do not: a key other than the declared one is for the table to refuse.
      this.bare = this.shapes.key(memberNames(bytes, from, end))
      this.bare.reader.read(bytes, from, end)
    }
    return this.bare
  }
}

function whole(shape: KeyShape): KeyShape {
  if (!shape.reader.exact) throw undecodable('the key has other columns than its schema', 0)
  return shape
}

/** Where the key's columns stand among those of the row. CDC4005 where the row lacks one. */
export function keyFields(shape: RowShape, key: KeyShape): Int32Array {
  const known = shape.keyFields.get(key)
  if (known) return known
  const fields = Int32Array.from(key.names, (name) => {
    const index = shape.schema.fields.findIndex((field) => field.name === name)
    if (index >= 0) return index
    const message = `the key has a column ${JSON.stringify(name)} that the row lacks`
    throw new CdcFailure(code.KeyChanged, message, { details: { key: key.names } })
  })
  shape.keyFields.set(key, fields)
  return fields
}
