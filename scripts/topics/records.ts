/** Records of a topic as Kafka has them, one by one: to be looked at, not to be carried. */
import type { TopicState } from '../../src/core/records.ts'
import { openKafka, type KafkaDoor } from '../../src/kafka/door.ts'

export interface TopicRecord {
  readonly partition: number
  readonly offset: bigint
  readonly key: Buffer | null
  /** null: a tombstone. */
  readonly value: Buffer | null
}

/** A door with room for whatever the stack's connector sends. To be closed. */
export function openReader(brokers: readonly string[]): KafkaDoor {
  const [maxBatchBytes, fetchBytes] = [64 * 1024 * 1024, 4 * 1024 * 1024]
  return openKafka({ brokers: [...brokers], clientId: 'cdc-reader', maxBatchBytes, fetchBytes })
}

/** Committed records up to each partition's stable end; from its beginning, unless `from` names a place. */
export async function* recordsOf(
  kafka: KafkaDoor,
  { identity, partitions }: TopicState,
  signal: AbortSignal,
  from: ReadonlyMap<number, bigint> = new Map(),
): AsyncGenerator<TopicRecord> {
  for (const { partition, low, stable } of partitions) {
    const range = { topic: identity, partition, from: from.get(partition) ?? low, to: stable, signal }
    for await (const { blocks } of kafka.read(range)) {
      for (const { bytes, baseOffset, offsetDelta, keyStart, keyEnd, valueStart, valueEnd, count } of blocks) {
        const part = (start: number, end: number) => (start < 0 ? null : Buffer.from(bytes.subarray(start, end)))
        // Copied before anybody can wait: the block's memory is used again.
        const records = Array.from({ length: count }, (_, i) => ({
          partition,
          offset: baseOffset + BigInt(offsetDelta[i]!),
          key: part(keyStart[i]!, keyEnd[i]!),
          value: part(valueStart[i]!, valueEnd[i]!),
        }))
        yield* records
      }
    }
  }
}
