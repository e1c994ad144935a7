/** What Kafka itself has: every committed record, by offset. */
import type { KafkaDoor } from '../../../src/kafka/door.ts'
import { recordsOf, type TopicRecord } from '../../topics/records.ts'

/** Offsets of the records that are no tombstones, ascending, by partition. */
export async function offsetsOf(kafka: KafkaDoor, topic: string): Promise<Map<number, number[]>> {
  const records = new Map<number, number[]>()
  for await (const { partition, offset, value } of allOf(kafka, topic)) {
    if (value === null) continue
    const offsets = records.get(partition) ?? []
    if (offsets.length === 0) records.set(partition, offsets)
    offsets.push(Number(offset))
  }
  return records
}

/** How many changes of a table (`schema.table`) each transaction had, by the marks that Debezium puts at their ends. */
export async function transactionEnds(kafka: KafkaDoor, topic: string, table: string): Promise<Map<string, number>> {
  interface Mark {
    readonly status: string
    readonly id: string
    readonly data_collections: readonly { readonly data_collection: string; readonly event_count: number }[] | null
  }
  const ends = new Map<string, number>()
  for await (const { value } of allOf(kafka, topic)) {
    if (value === null) continue
    const { payload } = JSON.parse(value.toString()) as { payload: Mark }
    const changes = payload.data_collections?.find((each) => each.data_collection === table)
    if (payload.status === 'END' && changes) ends.set(payload.id.split(':')[0]!, changes.event_count)
  }
  return ends
}

async function* allOf(kafka: KafkaDoor, topic: string): AsyncGenerator<TopicRecord> {
  const signal = AbortSignal.timeout(120_000)
  yield* recordsOf(kafka, await kafka.describe(topic, signal), signal)
}
