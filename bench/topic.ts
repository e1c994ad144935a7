/** Topics of the bench: made once a run, the same bytes for a seed. */
import { stringify } from 'yaml'
import { bookings, changesOfBookings } from './messages.ts'
import { openProducer } from './producer.ts'

export interface TopicPlan {
  /** Records, tombstones included. */
  readonly messages: number
  /** Whether each message brings its schema. Default false: contenders that know only bare rows read the same topic. */
  readonly schemas?: boolean
  /** Default 3. */
  readonly partitions?: number
  /** Default: a name for what the topic holds. */
  readonly topicPrefix?: string
  /** Of schema public; default bookings. */
  readonly table?: string
}

export interface BenchTopic {
  readonly topic: string
  readonly topicPrefix: string
  readonly database: string
  readonly table: string
  readonly partitions: number
  readonly messages: number
  /** Messages that are a change: all but tombstones. So many rows stand in the lake afterwards. */
  readonly changes: number
  /** Of keys and values, before compression. */
  readonly bytes: number
  readonly schemas: boolean
}

export const seed = 20261126

export async function makeTopic(brokers: readonly string[], plan: TopicPlan): Promise<BenchTopic> {
  const { messages, schemas = false, partitions = 3, table = 'bookings' } = plan
  const { topicPrefix = `bench${schemas ? '-schemas' : ''}${messages === 1_000_000 ? '' : `-${messages}`}` } = plan
  const topic = `${topicPrefix}.public.${table}`
  const producer = openProducer(brokers)
  let changes = 0
  function* counted() {
    for (const record of changesOfBookings({ messages, topicPrefix, partitions, schemas, seed, table })) {
      if (record.value !== null) changes++
      yield record
    }
  }
  try {
    await producer.createTopic(topic, partitions)
    const { bytes } = await producer.produce(topic, counted())
    const read = { topic, topicPrefix, database: 'airline', table: `public.${table}` }
    return { ...read, partitions, messages, changes, bytes, schemas }
  } finally {
    await producer.close()
  }
}

/** tables.yaml for topics whose messages bring no schemas: every table is one of bookings. */
export function declaration(tables: readonly string[] = [bookings.name]): string {
  const columns = Object.entries(bookings.columns).map(([name, type]) => ({ name, type }))
  return stringify({ tables: Object.fromEntries(tables.map((table) => [table, { key: bookings.key, columns }])) })
}
