/** Changes of a table of bookings as Debezium prints them, under the connector profile of docker/connect: the same ones for a seed. */
import { pick, randomOf, whole } from '../scripts/random.ts'
import { keySchema, valueSchema, wrapped, type SchemaField } from '../test/unit/debezium/messages.ts'
import type { OutRecord } from './producer.ts'

/** The twelve columns, in PostgreSQL's types, as a topic without schemas needs them declared. */
export const bookings = {
  name: 'public.bookings',
  columns: {
    booking_id: 'bigint',
    customer_id: 'bigint',
    flight_id: 'integer',
    price: 'numeric(10,2)',
    seat: 'text',
    booked_at: 'timestamp with time zone',
    status: 'text',
    departs_at: 'timestamp without time zone',
    operates_on: 'date',
    paid: 'boolean',
    weight: 'double precision',
    note: 'text',
  },
  key: ['booking_id'],
} as const

const numeric = {
  '__debezium.source.column.type': 'NUMERIC',
  '__debezium.source.column.length': '10',
  '__debezium.source.column.scale': '2',
}
const fields: readonly SchemaField[] = [
  { field: 'booking_id', type: 'int64', optional: false },
  { field: 'customer_id', type: 'int64' },
  { field: 'flight_id', type: 'int32' },
  { field: 'price', type: 'string', parameters: numeric },
  { field: 'seat', type: 'string' },
  { field: 'booked_at', type: 'string', name: 'io.debezium.time.ZonedTimestamp' },
  { field: 'status', type: 'string' },
  { field: 'departs_at', type: 'string', name: 'io.debezium.time.IsoTimestamp' },
  { field: 'operates_on', type: 'string', name: 'io.debezium.time.IsoDate' },
  { field: 'paid', type: 'boolean' },
  { field: 'weight', type: 'double' },
  { field: 'note', type: 'string' },
]

export interface MessagePlan {
  /** Records, tombstones included. */
  readonly messages: number
  readonly topicPrefix: string
  readonly partitions: number
  /** Each message brings its schema, as Debezium's default has it. */
  readonly schemas: boolean
  readonly seed: number
  /** Without its schema, which is public. Default bookings. */
  readonly table?: string
  /** Time of the next change, us since 1970. Default: all fall into one day, so that how many they are does not decide about files. */
  readonly clock?: () => number
}

const dayMs = Date.UTC(2026, 10, 20)
const spanUs = 20 * 3600 * 1e6
const statuses = ['BOOKED', 'BOOKED', 'BOOKED', 'CHECKED_IN', 'FLOWN', 'CANCELLED']
const notes = [
  'window seat please',
  'travels with a child',
  'vegan meal',
  'extra legroom',
  'wheelchair to the gate',
  'late arrival',
]
/** Of the living rows, so many are remembered to be changed. */
const remembered = 10_000

/** 60 % inserts, 34 % updates, the rest deletes, each followed by its tombstone; transactions of 1 to 10 changes. */
export function* changesOfBookings(plan: MessagePlan): Generator<OutRecord> {
  const random = randomOf(plan.seed)
  const print = printer(plan)
  const living: number[] = []
  const stepUs = Math.floor(spanUs / plan.messages)
  let nextId = 1
  let lsn = 33_485_712
  let txId = 789
  let left = 0
  let order = 0
  let begun = lsn
  for (let sent = 0; sent < plan.messages; sent++) {
    if (left === 0) {
      left = whole(random, 1, 10)
      order = 0
      txId++
      begun = lsn
    }
    left--
    const chance = random()
    const at = living.length === 0 ? -1 : whole(random, 0, living.length - 1)
    const op = at < 0 || chance < 0.6 ? 'c' : chance < 0.94 ? 'u' : 'd'
    const id = op === 'c' ? nextId++ : living[at]!
    if (op === 'c') living[living.length < remembered ? living.length : whole(random, 0, remembered - 1)] = id
    lsn += whole(random, 7, 40) * 8
    const atUs = plan.clock?.() ?? dayMs * 1000 + sent * stepUs + whole(random, 0, 999)
    const place = { id, op, lsn, begun, txId, order: ++order, atUs } as const
    const partition = (Math.imul(id, 0x9e37_79b1) >>> 0) % plan.partitions
    const timestampMs = Math.floor(atUs / 1000) + 200
    const key = print.key(id)
    yield { partition, timestampMs, key, value: print.value(place, op === 'd' ? null : rowOf(id, atUs)) }
    if (op !== 'd') continue
    living[at] = living.at(-1)!
    living.pop()
    if (++sent < plan.messages) yield { partition, timestampMs, key, value: null }
  }

  function rowOf(id: number, atUs: number): string {
    const departs = dayMs + whole(random, 1, 300) * 86_400_000 + whole(random, 0, 287) * 300_000
    const departsAt = new Date(departs).toISOString().slice(0, 19)
    const seat = random() < 0.15 ? 'null' : `"${whole(random, 1, 40)}${pick(random, 'ABCDEF'.split(''))}"`
    const note = random() < 0.3 ? 'null' : `"${pick(random, notes)} ${whole(random, 0, 999_999)}"`
    return (
      `{"booking_id":${id},"customer_id":${whole(random, 1, 200_000)},"flight_id":${whole(random, 1, 3000)},` +
      `"price":"${whole(random, 39, 2400)}.${String(whole(random, 0, 99)).padStart(2, '0')}","seat":${seat},` +
      `"booked_at":"${instant(atUs)}","status":"${pick(random, statuses)}","departs_at":"${departsAt}Z",` +
      `"operates_on":"${departsAt.slice(0, 10)}Z","paid":${random() < 0.8},"weight":${whole(random, 1, 128) / 4},"note":${note}}`
    )
  }
}

interface Place {
  readonly id: number
  readonly op: 'c' | 'u' | 'd'
  readonly lsn: number
  readonly begun: number
  readonly txId: number
  readonly order: number
  readonly atUs: number
}

/** Without REPLICA IDENTITY FULL a delete brings the key, and filler for the rest (SEMANTICS R1.6). */
const filler = Object.keys(bookings.columns)
  .slice(1)
  .map((name) => `,"${name}":null`)
  .join('')

function printer({ topicPrefix, schemas, table = 'bookings' }: MessagePlan) {
  const [ofKey, ofValue] = [keySchema([fields[0]!], table), valueSchema(fields, table)]
  return {
    key: (id: number): string => (schemas ? wrapped(ofKey, `{"booking_id":${id}}`) : `{"booking_id":${id}}`),
    value({ id, op, lsn, begun, txId, order, atUs }: Place, row: string | null): string {
      const ms = Math.floor(atUs / 1000)
      const us = String(atUs % 1000).padStart(3, '0')
      const seen = `${ms + 150}`
      const text =
        `{"before":${op === 'd' ? `{"booking_id":${id}${filler}}` : 'null'},"after":${row},"source":{"version":"3.7.0.Final",` +
        `"connector":"postgresql","name":"${topicPrefix}","ts_ms":${ms},"snapshot":null,"db":"airline",` +
        `"sequence":"[\\"${begun}\\",\\"${lsn}\\"]","ts_us":${ms}${us},"ts_ns":${ms}${us}000,"schema":"public","table":"${table}",` +
        `"txId":${txId},"lsn":${lsn},"xmin":null,"origin":null,"origin_lsn":null},"transaction":{"id":"${txId}:${lsn}",` +
        `"total_order":${order},"data_collection_order":${order}},"op":"${op}","ts_ms":${seen},"ts_us":${seen}${us},` +
        `"ts_ns":${seen}${us}083}`
      return schemas ? wrapped(ofValue, text) : text
    },
  }
}

function instant(atUs: number): string {
  const text = new Date(Math.floor(atUs / 1000)).toISOString()
  return `${text.slice(0, -1)}${String(atUs % 1000).padStart(3, '0')}Z`
}
