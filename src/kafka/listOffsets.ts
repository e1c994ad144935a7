/** ListOffsets v6: where a partition begins and ends, asked of its leader under the leader epoch. */
import { maxOffset } from '../core/offsets.ts'
import type { Watermarks } from '../core/records.ts'
import { abortable } from './abortable.ts'
import { brokerError, refused, unavailable } from './brokerErrors.ts'
import type { BrokerAddress, Connections, WireRequest } from './connection.ts'
import type { PartitionLeader, TopicMetadata } from './metadata.ts'
import { WireReader, WireWriter } from './wire.ts'

/** `stable` is what read_committed may read up to: an open transaction holds it below `high`. */
export type Mark = 'low' | 'stable' | 'high'

export interface MarkedTopic {
  readonly topic: string
  readonly partitions: readonly Pick<PartitionLeader, 'partition' | 'leaderEpoch'>[]
}

export interface ListedOffset {
  readonly topic: string
  readonly partition: number
  readonly error: number
  readonly offset: bigint
}

export function listOffsetsRequest(mark: Mark, topics: readonly MarkedTopic[]): WireRequest {
  const timestamp = mark === 'low' ? -2n : -1n
  const body = new WireWriter()
    .tags()
    .int32(-1)
    .int8(mark === 'stable' ? 1 : 0)
    .array(topics, ({ topic, partitions }, writer) =>
      writer
        .string(topic)
        .array(partitions, ({ partition, leaderEpoch }, w) => w.int32(partition).int32(leaderEpoch).int64(timestamp).tags())
        .tags(),
    )
    .tags()
    .end()
  return { apiKey: 2, apiVersion: 6, apiName: 'ListOffsets', body, throttleAt: 1 }
}

export function readListOffsets(answer: Buffer): ListedOffset[] {
  const reader = new WireReader(answer)
  reader.tags()
  reader.int32()
  const topics = reader.array((r) => {
    const topic = r.string()
    const partitions = r.array((p) => {
      const partition = p.int32()
      const error = p.int16()
      p.int64()
      const offset = p.int64()
      p.int32()
      p.tags()
      return { topic, partition, error, offset }
    })
    r.tags()
    return partitions
  })
  return topics.flat()
}

/**
 * One mark of every partition of the topics, leaders asked side by side: topic -> partition -> offset. Throws CDC2001 when a
 * partition has no leader or its leader refuses; the caller forgets its metadata then.
 */
export async function listOffsets(
  connections: Connections,
  mark: Mark,
  topics: readonly TopicMetadata[],
  signal?: AbortSignal,
): Promise<Map<string, Map<number, bigint>>> {
  const listed = await Promise.all(
    byLeader(topics).map(({ leader, marked }) => connections.send(leader, 'control', listOffsetsRequest(mark, marked), signal)),
  )
  const offsets = new Map(topics.map(({ identity }) => [identity.topic, new Map<number, bigint>()]))
  for (const { topic, partition, error, offset } of listed.flatMap(readListOffsets)) {
    if (error !== brokerError.none) throw refused(`offsets of ${topic}/${partition}`, error)
    offsets.get(topic)?.set(partition, offset)
  }
  return offsets
}

/**
 * The same for a watcher of many topics: whatever cannot be had now is left out, so that one topic without a leader, or one
 * broker that hangs, holds up nobody else. Never throws.
 */
export async function reachableOffsets(
  connections: Connections,
  mark: Mark,
  topics: readonly TopicMetadata[],
  withinMs: number,
): Promise<Map<string, Map<number, bigint>>> {
  const led = topics.map((topic) => ({ ...topic, partitions: topic.partitions.filter((each) => each.leader !== null) }))
  const signal = AbortSignal.timeout(withinMs)
  const answers = await Promise.allSettled(
    byLeader(led).map(async ({ leader, marked }) =>
      readListOffsets(await connections.send(leader, 'control', listOffsetsRequest(mark, marked), signal)),
    ),
  )
  const offsets = new Map(topics.map(({ identity }) => [identity.topic, new Map<number, bigint>()]))
  for (const { topic, partition, error, offset } of answers.flatMap((each) => (each.status === 'fulfilled' ? each.value : []))) {
    if (error === brokerError.none) offsets.get(topic)?.set(partition, offset)
  }
  return offsets
}

/** Asked in this order, each mark bounds the next, whatever happens meanwhile: low <= stable <= high. */
export async function watermarks(connections: Connections, topic: TopicMetadata, signal?: AbortSignal): Promise<Watermarks[]> {
  const marks = Promise.all((['low', 'stable', 'high'] as const).map((mark) => listOffsets(connections, mark, [topic], signal)))
  const [lows, stables, highs] = (await abortable(marks, signal)).map((offsets) => offsets.get(topic.identity.topic)!)
  return topic.partitions.map(({ partition }) => {
    const low = lows!.get(partition)
    const stable = stables!.get(partition)
    const high = highs!.get(partition)
    if (low === undefined || stable === undefined || high === undefined) {
      throw unavailable(`no offsets of ${topic.identity.topic}/${partition} in the answer`)
    }
    return { partition, low, stable: maxOffset(low, stable), high: maxOffset(low, high) }
  })
}

function byLeader(topics: readonly TopicMetadata[]): { leader: BrokerAddress; marked: MarkedTopic[] }[] {
  const leaders = new Map<string, { leader: BrokerAddress; marked: { topic: string; partitions: PartitionLeader[] }[] }>()
  for (const { identity, partitions } of topics) {
    for (const each of partitions) {
      if (!each.leader) throw unavailable(`${identity.topic}/${each.partition} has no leader`)
      const key = `${each.leader.host}:${each.leader.port}`
      const group = leaders.get(key) ?? { leader: each.leader, marked: [] }
      leaders.set(key, group)
      const last = group.marked.at(-1)
      if (last?.topic === identity.topic) last.partitions.push(each)
      else group.marked.push({ topic: identity.topic, partitions: [each] })
    }
  }
  return [...leaders.values()]
}
