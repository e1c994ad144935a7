/** Changes of a table of many columns. */
import { stringify } from 'yaml'
import { randomOf, whole } from '../scripts/random.ts'
import { envelope } from '../test/unit/debezium/messages.ts'
import { openProducer, type OutRecord } from './producer.ts'
import { seed, type BenchTopic } from './topic.ts'

export interface WidePlan {
  readonly messages: number
  readonly columns: number
}

const table = 'public.wide'
const types = ['bigint', 'text', 'numeric(10,2)', 'timestamp with time zone']

/** Only inserts: every message is a row. */
export async function makeWideTopic(brokers: readonly string[], { messages, columns }: WidePlan): Promise<BenchTopic> {
  const [topicPrefix, partitions] = [`bench-wide-${columns}`, 3]
  const topic = `${topicPrefix}.${table}`
  const producer = openProducer(brokers)
  try {
    await producer.createTopic(topic, partitions)
    const { bytes } = await producer.produce(topic, inserts({ messages, columns }, partitions))
    return { topic, topicPrefix, database: 'airline', table, partitions, messages, changes: messages, bytes, schemas: false }
  } finally {
    await producer.close()
  }
}

/** tables.yaml for it. */
export function wideDeclaration(count: number): string {
  const columns = [{ name: 'id', type: 'bigint' }, ...namesOf(count).map((name, i) => ({ name, type: types[i % types.length]! }))]
  return stringify({ tables: { [table]: { key: ['id'], columns } } })
}

function namesOf(count: number): string[] {
  return Array.from({ length: count - 1 }, (_, i) => `column_${i}`)
}

function* inserts({ messages, columns }: WidePlan, partitions: number): Generator<OutRecord> {
  const random = randomOf(seed)
  const names = namesOf(columns)
  const values = [
    () => String(whole(random, 0, 1e9)),
    () => `"note ${whole(random, 0, 1e6)}"`,
    () => `"${whole(random, 0, 1e6)}.${whole(random, 10, 99)}"`,
    () => `"2026-11-20T10:${whole(random, 10, 59)}:${whole(random, 10, 59)}.${whole(random, 100_000, 999_999)}Z"`,
  ]
  for (let id = 1; id <= messages; id++) {
    const after = `{"id":${id}${names.map((name, i) => `,"${name}":${values[i % values.length]!()}`).join('')}}`
    const source = { table: 'wide', lsn: 33_485_712 + id * 64 }
    yield {
      partition: id % partitions,
      timestampMs: Date.UTC(2026, 10, 20),
      key: `{"id":${id}}`,
      value: envelope({ after, source }),
    }
  }
}
