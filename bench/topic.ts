/** Topics of the bench: made once a run, the same bytes for a seed. */
import { bookings, changesOfBookings } from './messages.ts'
import { openProducer } from './producer.ts'

export interface TopicPlan {
  /** Records, tombstones included. */
  readonly messages: number
  /** Whether each message brings its schema. Default false: contenders that know only bare rows read the same topic. */
  readonly schemas?: boolean
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
const partitions = 3

export async function makeTopic(brokers: readonly string[], { messages, schemas = false }: TopicPlan): Promise<BenchTopic> {
  const topicPrefix = `bench${schemas ? '-schemas' : ''}${messages === 1_000_000 ? '' : `-${messages}`}`
  const topic = `${topicPrefix}.${bookings.name}`
  const producer = openProducer(brokers)
  let changes = 0
  function* counted() {
    for (const record of changesOfBookings({ messages, topicPrefix, partitions, schemas, seed })) {
      if (record.value !== null) changes++
      yield record
    }
  }
  try {
    await producer.createTopic(topic, partitions)
    const { bytes } = await producer.produce(topic, counted())
    return { topic, topicPrefix, database: 'airline', table: bookings.name, partitions, messages, changes, bytes, schemas }
  } finally {
    await producer.close()
  }
}

/** tables.yaml for a topic whose messages bring no schemas. */
export function declaration(): string {
  const columns = Object.entries(bookings.columns).map(([name, type]) => `      - { name: ${name}, type: '${type}' }\n`)
  return `tables:\n  ${bookings.name}:\n    key: [${bookings.key.join(', ')}]\n    columns:\n${columns.join('')}`
}
