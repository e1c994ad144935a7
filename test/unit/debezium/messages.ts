/** Messages as Debezium prints them and blocks as the Kafka room hands them over, for tests. */
import type { RecordBlock } from '../../../src/core/records.ts'

export interface Message {
  readonly key: string | Uint8Array | null
  readonly value: string | Uint8Array | null
}

const encoder = new TextEncoder()

/** Records lie one after another with other bytes between them, as in a real batch. */
export function blockOf(messages: readonly Message[]): RecordBlock {
  const pieces: Uint8Array[] = []
  let at = 0
  const put = (piece: string | Uint8Array | null): [number, number] => {
    push(encoder.encode('"}x'))
    if (piece === null) return [-1, -1]
    const start = at
    push(typeof piece === 'string' ? encoder.encode(piece) : piece)
    return [start, at]
  }
  const push = (bytes: Uint8Array) => {
    pieces.push(bytes)
    at += bytes.length
  }
  const keys = messages.map(({ key, value }) => [put(key), put(value)] as const)
  push(encoder.encode('"}}}'))
  return {
    bytes: Buffer.concat(pieces),
    count: messages.length,
    baseOffset: 100n,
    offsetDelta: Int32Array.from(messages, (_, i) => i),
    timestamp: Float64Array.from(messages, () => 1_770_091_506_500),
    keyStart: Int32Array.from(keys, ([key]) => key[0]),
    keyEnd: Int32Array.from(keys, ([key]) => key[1]),
    valueStart: Int32Array.from(keys, ([, value]) => value[0]),
    valueEnd: Int32Array.from(keys, ([, value]) => value[1]),
  }
}

export interface Envelope {
  readonly op?: string
  /** JSON text of the row before and after. */
  readonly before?: string
  readonly after?: string
  readonly source?: Record<string, unknown>
  readonly transaction?: string
}

const sourceFields = {
  version: '3.7.0.Final',
  connector: 'postgresql',
  name: 'cdc',
  ts_ms: 1770091506123,
  snapshot: 'false',
  db: 'airline',
  sequence: '["114126400","114126424"]',
  ts_us: 1770091506123456,
  ts_ns: 1770091506123456000,
  schema: 'public',
  table: 'bookings',
  txId: 744,
  lsn: 114126424,
  xmin: null,
  origin: null,
  origin_lsn: null,
}

export function envelope({ op = 'c', before = 'null', after = 'null', source = {}, transaction = 'null' }: Envelope): string {
  const from = JSON.stringify({ ...sourceFields, ...source })
  return `{"before":${before},"after":${after},"source":${from},"transaction":${transaction},"op":${JSON.stringify(op)},"ts_ms":1770091506500,"ts_us":1770091506500123,"ts_ns":1770091506500123456}`
}

export interface SchemaField {
  readonly field: string
  readonly type: string
  readonly name?: string
  readonly optional?: boolean
  readonly default?: unknown
  readonly parameters?: Record<string, string>
  /** Of an array. */
  readonly items?: Omit<SchemaField, 'field'>
}

/** The schema block of a value, as JsonConverter writes it. */
export function valueSchema(fields: readonly SchemaField[], table = 'bookings'): string {
  const row = (field: string) => ({
    type: 'struct',
    fields: fields.map((f) => ({ optional: true, ...f })),
    optional: true,
    name: `cdc.public.${table}.Value`,
    field,
  })
  return JSON.stringify({
    type: 'struct',
    fields: [
      row('before'),
      row('after'),
      sourceSchema,
      transactionSchema,
      { type: 'string', optional: false, field: 'op' },
      ...times,
    ],
    optional: false,
    name: `cdc.public.${table}.Envelope`,
    version: 2,
  })
}

export function keySchema(fields: readonly SchemaField[], table = 'bookings'): string {
  const names = fields.map((f) => ({ optional: false, ...f }))
  return JSON.stringify({ type: 'struct', fields: names, optional: false, name: `cdc.public.${table}.Key` })
}

export function wrapped(schema: string, payload: string): string {
  return `{"schema":${schema},"payload":${payload}}`
}

const times = ['ts_ms', 'ts_us', 'ts_ns'].map((field) => ({ type: 'int64', optional: true, field }))
const sourceSchema = {
  type: 'struct',
  fields: Object.entries(sourceFields).map(([field, value]) => ({
    type: typeof value === 'string' ? 'string' : 'int64',
    optional: value === null,
    field,
    ...(field === 'snapshot' && {
      name: 'io.debezium.data.Enum',
      version: 1,
      parameters: { allowed: 'first,first_in_data_collection,last_in_data_collection,last,false,true,incremental' },
      default: 'false',
    }),
  })),
  optional: false,
  name: 'io.debezium.connector.postgresql.Source',
  version: 1,
  field: 'source',
}
const transactionSchema = {
  type: 'struct',
  fields: [
    { type: 'string', optional: false, field: 'id' },
    { type: 'int64', optional: false, field: 'total_order' },
    { type: 'int64', optional: false, field: 'data_collection_order' },
  ],
  optional: true,
  name: 'event.block',
  version: 1,
  field: 'transaction',
}
