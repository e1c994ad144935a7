/** What Kafka itself has: every committed record, by offset. */
import type { KafkaDoor } from '../../../src/kafka/door.ts'

/** Offsets of the records that are no tombstones, ascending, by partition. */
export async function recordsOf(kafka: KafkaDoor, topic: string): Promise<Map<number, number[]>> {
  const records = new Map<number, number[]>()
  await readTopic(kafka, topic, (partition, offset) => {
    const offsets = records.get(partition) ?? []
    if (offsets.length === 0) records.set(partition, offsets)
    offsets.push(offset)
  })
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
  await readTopic(kafka, topic, (_partition, _offset, value) => {
    const { payload } = JSON.parse(Buffer.from(value).toString()) as { payload: Mark }
    const changes = payload.data_collections?.find((each) => each.data_collection === table)
    if (payload.status === 'END' && changes) ends.set(payload.id.split(':')[0]!, changes.event_count)
  })
  return ends
}

async function readTopic(
  kafka: KafkaDoor,
  topic: string,
  each: (partition: number, offset: number, value: Uint8Array) => void,
): Promise<void> {
  const signal = AbortSignal.timeout(120_000)
  const { identity, partitions } = await kafka.describe(topic, signal)
  for (const { partition, low, stable } of partitions) {
    for await (const { blocks } of kafka.read({ topic: identity, partition, from: low, to: stable, signal })) {
      for (const { bytes, baseOffset, offsetDelta, valueStart, valueEnd, count } of blocks) {
        for (let i = 0; i < count; i++) {
          if (valueStart[i]! < 0) continue
          each(partition, Number(baseOffset) + offsetDelta[i]!, bytes.subarray(valueStart[i], valueEnd[i]))
        }
      }
    }
  }
}
