/**
 * In-message schemas. The bytes of `"schema":{...}` are the same from message to message, so they are the key of a small
 * cache: compared, not parsed. They are only that; what a schema means is told by its fields (DESIGN §5).
 */
import { utf8 } from './jsonString.ts'
import { undecodable } from './scan.ts'
import type { KeyShape, RowShape, Shapes } from './rowShapes.ts'
import type { ConnectField } from './fields.ts'

export interface Block<Shape> {
  readonly bytes: Buffer
  /** The message up to its payload. */
  readonly head: Uint8Array
  readonly shape: Shape
}

const encoder = new TextEncoder()
/** How a message with its schema begins, and what stands between the two. */
export const schemaHead = encoder.encode('{"schema":')
export const payloadHead = encoder.encode(',"payload":')

/** Of a message that is the payload itself. */
export const noHead = new Uint8Array(0)

/** Old and new shapes alternate while a schema changes; a few is plenty. */
const maxBlocks = 8

export class SchemaBlocks<Shape> {
  private readonly parse: (schema: unknown, at: number) => Shape
  /** The one used last comes first. */
  private readonly blocks: Block<Shape>[] = []

  constructor(parse: (schema: unknown, at: number) => Shape) {
    this.parse = parse
  }

  /** The known block whose bytes stand at `pos`. A block is one whole JSON object, so it is the whole value there. */
  known(bytes: Uint8Array, pos: number, end: number): Block<Shape> | null {
    const { blocks } = this
    for (let i = 0; i < blocks.length; i++) {
      const block = blocks[i]!
      const stop = pos + block.bytes.length
      if (stop > end || block.bytes.compare(bytes, pos, stop) !== 0) continue
      if (i > 0) {
        blocks.splice(i, 1)
        blocks.unshift(block)
      }
      return block
    }
    return null
  }

  /** The value [start, end) is a schema: from the cache, or parsed. Throws CDC3001, CDC3002. */
  at(bytes: Uint8Array, start: number, end: number): Shape {
    const known = this.known(bytes, start, end)
    if (known && known.bytes.length === end - start) return known.shape
    let schema: unknown
    const text = utf8(bytes, start, end)
    try {
      schema = JSON.parse(text)
    } catch {
      throw undecodable('the schema is not JSON', start)
    }
    const shape = this.parse(schema, start)
    const block = Buffer.from(bytes.subarray(start, end))
    this.blocks.unshift({ bytes: block, head: Buffer.concat([schemaHead, block, payloadHead]), shape })
    if (this.blocks.length > maxBlocks) this.blocks.pop()
    return shape
  }
}

/** Schema of a message's value: an envelope, whose field `after` is the row. */
export function rowShapes(shapes: Shapes): SchemaBlocks<RowShape> {
  return new SchemaBlocks((schema, at) => {
    const after = fieldsOf(schema, at).find((field) => field['field'] === 'after')
    if (!after) throw undecodable('the schema is not one of change events: it has no field "after"', at)
    return shapes.row(fieldsOf(after, at).map((field) => connectField(field, at)))
  })
}

/** Schema of a message's key: the names of the key's columns. */
export function keyShapes(shapes: Shapes): SchemaBlocks<KeyShape> {
  return new SchemaBlocks((schema, at) => shapes.key(fieldsOf(schema, at).map((field) => connectField(field, at).name)))
}

type Json = Record<string, unknown>

function fieldsOf(schema: unknown, at: number): Json[] {
  const fields = isObject(schema) && schema['type'] === 'struct' ? schema['fields'] : null
  if (!Array.isArray(fields) || !fields.every(isObject)) throw undecodable('the schema is not one of a struct', at)
  return fields
}

function connectField(field: Json, at: number): ConnectField {
  const { field: name, type, name: semantic = null, parameters = null, items = null } = field
  if (typeof name !== 'string' || typeof type !== 'string' || (semantic !== null && typeof semantic !== 'string')) {
    throw undecodable('the schema has a field without name or type', at)
  }
  const texts = new Map<string, string>()
  if (isObject(parameters)) {
    for (const [key, value] of Object.entries(parameters)) if (typeof value === 'string') texts.set(key, value)
  }
  if (type === 'array' && !isObject(items)) throw undecodable('the schema has an array without items', at)
  const elements = isObject(items) ? connectField({ ...items, field: name }, at) : null
  return { name, type, semantic, parameters: texts, items: type === 'array' ? elements : null }
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
