/** Bytes of Kafka records -> change events. Nothing of a row is parsed here: an event says where its values stand. */
import type { ChangeEvent, Op, RowImage } from '../core/events.ts'
import { CdcFailure, code } from '../core/failures.ts'
import type { EventLayout } from '../core/layout.ts'
import type { RecordBlock } from '../core/records.ts'
import type { LakeType } from '../core/schema.ts'
import { after, before, envelopeNames, op, source, totalOrder, transaction, transactionNames } from './envelope.ts'
import { LayoutKeeper } from './layouts.ts'
import { placeholdersOf } from './placeholders.ts'
import { keyFields, KeyReader } from './keyReader.ts'
import { ObjectReader } from './objectReader.ts'
import { Shapes, type Declaration, type DeclaredShapes, type KeyShape, type RowShape } from './rowShapes.ts'
import { expectEnd, skipSpace, startsWith, undecodable } from './scan.ts'
import { noHead, payloadHead, rowShapes, schemaHead, type SchemaBlocks } from './schemaBlock.ts'
import { Recent, SourceReader } from './source.ts'
import { isNull } from './values/misfit.ts'

export interface DecoderOptions {
  /** `unavailable.value.placeholder` of the connector. */
  readonly placeholder: string
  readonly table: { readonly schema: string; readonly table: string }
  /** Columns and key of tables.yaml, for topics without schemas. */
  readonly declared?: Declaration | null
  /** By column, what somebody chose instead of the usual type, the type that counts first (docs/types.md). */
  readonly lakeTypes?: ReadonlyMap<string, readonly LakeType[]>
  /** `full`: the table has REPLICA IDENTITY FULL, so `before` of a delete is the old row; else only the key is believed. */
  readonly replicaIdentity?: 'full' | null
}

export interface Decoder {
  /** Deletes carry the old row and not only the key: another rule by which records become rows. */
  readonly oldRows: boolean
  /**
   * Record `i` of `block`; null for a tombstone. The event and its spans are used again: they are valid until the next call.
   * Throws CDC3001 to CDC3005; `details.at` is then an offset in the value or key, as `details.part` says.
   */
  decode(block: RecordBlock, i: number): ChangeEvent | null
  /** Bytes of the value decoded last that are its schema, where that is one seen before; else 0. */
  readonly schemaBytes: number
  /**
   * How the record decoded last is laid out; the same object while records are laid out alike. Null: in a way that is read
   * slowly. To be asked after `decode` has returned an event of `block`.
   */
  layout(block: RecordBlock): EventLayout | null
}

export function createDecoder(options: DecoderOptions): Decoder {
  return new EnvelopeDecoder(options)
}

const envelopeHead = new TextEncoder().encode('{"before":')

const noKey: readonly string[] = []

type Writable<T> = { -readonly [K in keyof T]: T[K] }

class EnvelopeDecoder implements Decoder {
  readonly oldRows: boolean
  private readonly declared: DeclaredShapes | null
  private readonly rows: SchemaBlocks<RowShape>
  private readonly keys: KeyReader
  private readonly wrapper = new ObjectReader(['schema', 'payload'])
  private readonly envelope = new ObjectReader(envelopeNames)
  private readonly order = new ObjectReader(transactionNames)
  private readonly orders = new Recent()
  private readonly source: SourceReader
  private readonly layouts: LayoutKeeper
  private shape: RowShape | null = null
  private key: KeyShape | null = null
  /** What stood before the envelope read last; null: not what usually does. */
  private head: Uint8Array | null = null
  private part: 'key' | 'value' = 'value'
  private readonly image: Writable<RowImage> = {
    schema: { fields: [] },
    bytes: new Uint8Array(0),
    start: new Int32Array(0),
    end: new Int32Array(0),
  }
  private readonly event: Writable<ChangeEvent> = {
    op: 'r',
    image: null,
    key: noKey,
    sourceTsUs: null,
    commitLsn: null,
    lsn: null,
    txId: null,
    txOrder: null,
    snapshot: null,
  }

  constructor({ placeholder, table, declared, lakeTypes, replicaIdentity }: DecoderOptions) {
    this.oldRows = replicaIdentity === 'full'
    const shapes = new Shapes({ placeholders: placeholdersOf(placeholder), lakeTypes: lakeTypes ?? new Map() })
    this.declared = declared ? shapes.declared(declared) : null
    this.rows = rowShapes(shapes)
    this.keys = new KeyReader(shapes, this.declared?.key ?? shapes.key(noKey))
    this.source = new SourceReader(table)
    this.envelope.inner[source] = this.source.reader
    this.envelope.inner[transaction] = this.order
    this.layouts = new LayoutKeeper(this.envelope, this.source.reader, this.order, this.oldRows)
  }

  decode(block: RecordBlock, i: number): ChangeEvent | null {
    const start = block.valueStart[i]!
    if (start < 0) return null
    this.part = 'value'
    try {
      const shape = this.readValue(block.bytes, start, block.valueEnd[i]!)
      this.part = 'key'
      const key = this.keys.read(block.bytes, block.keyStart[i]!, block.keyEnd[i]!)
      this.part = 'value'
      this.shape = shape
      this.key = key
      return this.eventOf(block.bytes, shape, key)
    } catch (error) {
      const from = this.part === 'key' ? block.keyStart[i]! : start
      throw located(error, this.part, from)
    }
  }

  get schemaBytes(): number {
    return this.head?.length ?? 0
  }

  layout({ bytes }: RecordBlock): EventLayout | null {
    const { shape, key, head } = this
    if (shape === null || head === null) return null
    return this.layouts.layout(bytes, { shape, head, key, keyHead: this.keys.head })
  }

  /** Leaves the envelope's values in the readers. */
  private readValue(bytes: Uint8Array, start: number, end: number): RowShape {
    this.head = null
    if (startsWith(bytes, start, end, schemaHead)) {
      const at = start + schemaHead.length
      const known = this.rows.known(bytes, at, end)
      const next = known ? at + known.bytes.length : 0
      if (known && startsWith(bytes, next, end, payloadHead)) {
        const stop = this.readEnvelope(bytes, next + payloadHead.length, end, known.shape)
        if (bytes[stop] === 0x7d && stop + 1 === end) {
          this.head = known.head
          return known.shape
        }
        // Something follows the payload: read again, slowly.
      }
    } else if (startsWith(bytes, start, end, envelopeHead)) return this.readBare(bytes, start, end)

    const { wrapper } = this
    const from = skipSpace(bytes, start, end)
    expectEnd(bytes, wrapper.read(bytes, from, end), end)
    if (wrapper.start[1]! < 0) return this.readBare(bytes, from, end)
    const shape = wrapper.start[0]! < 0 || isNull(bytes, wrapper.start[0]!) ? this.declaredShapes().row : this.schemaOf(bytes)
    this.readEnvelope(bytes, wrapper.start[1]!, wrapper.end[1]!, shape)
    return shape
  }

  private schemaOf(bytes: Uint8Array): RowShape {
    return this.rows.at(bytes, this.wrapper.start[0]!, this.wrapper.end[0]!)
  }

  private readBare(bytes: Uint8Array, start: number, end: number): RowShape {
    const { row } = this.declaredShapes()
    this.head = noHead
    expectEnd(bytes, this.readEnvelope(bytes, start, end, row), end)
    return row
  }

  private readEnvelope(bytes: Uint8Array, start: number, end: number, shape: RowShape): number {
    this.envelope.inner[after] = shape.reader
    return this.envelope.read(bytes, start, end)
  }

  private declaredShapes(): DeclaredShapes {
    if (this.declared) return this.declared
    throw new CdcFailure(code.SchemaUnknown, 'a record without schema, and no columns are declared for the table')
  }

  private eventOf(bytes: Uint8Array, shape: RowShape, key: KeyShape | null): ChangeEvent {
    const { envelope, event, source: from } = this
    if (!isObject(bytes, envelope.start[source]!)) throw undecodable('the envelope has no source', 0)
    from.expectTable(bytes)
    event.op = this.opOf(bytes)
    event.key = key === null ? noKey : key.names
    event.sourceTsUs = from.tsUs(bytes)
    event.commitLsn = from.commitLsn(bytes)
    event.lsn = from.lsn(bytes)
    event.txId = from.txId(bytes)
    event.snapshot = from.snapshot(bytes)
    const ordered = isObject(bytes, envelope.start[transaction]!)
    event.txOrder = ordered ? this.orders.at(bytes, this.order.start[totalOrder]!, this.order.end[totalOrder]!) : null
    event.image = event.op === 't' ? null : event.op === 'd' ? this.deleted(bytes, shape, key) : this.row(bytes, shape, event.op)
    return event
  }

  private opOf(bytes: Uint8Array): Op {
    const start = this.envelope.start[op]!
    if (start < 0 || bytes[start] !== 0x22) throw undecodable('the envelope has no op', start)
    if (this.envelope.end[op]! - start === 3) {
      switch (bytes[start + 1]) {
        case 0x72:
          return 'r'
        case 0x63:
          return 'c'
        case 0x75:
          return 'u'
        case 0x64:
          return 'd'
        case 0x74:
          return 't'
        case 0x6d:
          throw new CdcFailure(code.UnsupportedOperation, 'a logical message (op m) stands in the topic of a table')
      }
    }
    throw new CdcFailure(code.UnsupportedOperation, 'an operation other than r, c, u, d and t')
  }

  private row(bytes: Uint8Array, shape: RowShape, op: Op): RowImage {
    if (!isObject(bytes, this.envelope.start[after]!)) throw undecodable('the envelope has no row after the change', 0)
    // Under REPLICA IDENTITY FULL each update tells the old row.
    if (this.oldRows && op === 'u') this.expectBefore(bytes)
    return this.wholeRow(bytes, shape, after)
  }

  /** The row that the shape's reader read last, from `side` of the envelope. */
  private wholeRow(bytes: Uint8Array, shape: RowShape, side: typeof before | typeof after): RowImage {
    const { start, end, members } = shape.reader
    // Each member is a column and none stands twice: the number tells whether one is missing.
    if (shape.complete && members !== shape.schema.fields.length) {
      throw undecodable('the row lacks a column of its schema', this.envelope.start[side]!)
    }
    return this.imageOf(bytes, shape, start, end)
  }

  private expectBefore(bytes: Uint8Array): void {
    if (isObject(bytes, this.envelope.start[before]!)) return
    throw new CdcFailure(code.UnsupportedOperation, 'replicaIdentity is full, and a change comes without the old row', {
      hint: 'The table has no REPLICA IDENTITY FULL: give it that in PostgreSQL, or take replicaIdentity out of tables.yaml.',
    })
  }

  /**
   * Without REPLICA IDENTITY FULL only the key is sure: the other columns of `before` are filler, NULL or a zero value, and
   * nothing in the record tells which (SEMANTICS R1.6). So the old row is taken only where somebody said that it is one.
   */
  private deleted(bytes: Uint8Array, shape: RowShape, key: KeyShape | null): RowImage {
    if (this.oldRows) {
      this.expectBefore(bytes)
      shape.reader.read(bytes, this.envelope.start[before]!, this.envelope.end[before]!)
      return this.wholeRow(bytes, shape, before)
    }
    if (key === null || key.names.length === 0) {
      throw new CdcFailure(code.UnsupportedOperation, 'a delete in a table without a key: nothing says which row it was', {
        hint: 'Give the table a primary key, name its columns in message.key.columns of the connector, or, where it has REPLICA IDENTITY FULL, set replicaIdentity: full in tables.yaml.',
      })
    }
    const fields = keyFields(shape, key)
    if (shape.keyShape !== key) {
      shape.keyStart.fill(-1)
      shape.keyShape = key
    }
    for (let i = 0; i < fields.length; i++) {
      shape.keyStart[fields[i]!] = key.reader.start[i]!
      shape.keyEnd[fields[i]!] = key.reader.end[i]!
    }
    return this.imageOf(bytes, shape, shape.keyStart, shape.keyEnd)
  }

  private imageOf(bytes: Uint8Array, shape: RowShape, start: Int32Array, end: Int32Array): RowImage {
    const { image } = this
    image.schema = shape.schema
    image.bytes = bytes
    image.start = start
    image.end = end
    return image
  }
}

function isObject(bytes: Uint8Array, start: number): boolean {
  return start >= 0 && bytes[start] === 0x7b
}

/** A failure of the scanner says where in the block; people look for it in the record. */
function located(error: unknown, part: 'key' | 'value', from: number): unknown {
  if (!(error instanceof CdcFailure) || error.code !== code.UndecodableRecord) return error
  const at = Math.max(0, Number(error.details['at'] ?? from) - from)
  const what = error.message.slice(error.code.length + 1)
  return new CdcFailure(error.code, `${what} (at byte ${at} of the ${part})`, { details: { ...error.details, part, at } })
}
