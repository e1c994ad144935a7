/** The room's one door: everything Sluice asks of Kafka. */
import type { RangeReader, ReadRequest, TopicIdentity, TopicState } from '../core/records.ts'
import { persist } from './abortable.ts'
import { openConnections } from './connection.ts'
import { reachableOffsets, watermarks } from './listOffsets.ts'
import { metadataCache } from './metadata.ts'
import { offsetMirror, type OffsetMirror } from './offsetMirror.ts'
import { partitionSource } from './partitionSource.ts'
import { rangeReader } from './rangeReader.ts'
import { tailWatcher, type TailWatcher } from './tailWatcher.ts'
import { cleanupPolicy } from './topicConfig.ts'
import { unavailable } from './brokerErrors.ts'
import type { KafkaSettings } from './settings.ts'

export type { KafkaLog, KafkaSettings } from './settings.ts'
export type { GroupOffsets } from './offsetMirror.ts'

export interface KafkaDoor extends RangeReader, OffsetMirror, Pick<TailWatcher, 'waitForRecords'> {
  /** Identity and watermarks belong together: the id is the same before and after. Throws CDC2001, CDC2002. */
  describe(topic: string, signal?: AbortSignal): Promise<TopicState>
  /** `delete`, `compact` or `compact,delete`. */
  cleanupPolicy(topic: string, signal?: AbortSignal): Promise<string>
  close(): Promise<void>
}

/** Short operations ride over a broker's blink, not over an outage: their callers try again. */
const shortPatienceMs = 2_000

/** How long one look of the tail watcher waits for a leader, ms. */
const lookMs = 3_000

/** Opens nothing yet: the first call connects, and so does the first after any failure. */
export function openKafka(settings: KafkaSettings): KafkaDoor {
  const connections = openConnections(settings)
  const metadata = metadataCache(connections)

  async function describeOnce(topic: string, signal?: AbortSignal): Promise<TopicState> {
    const before = await metadata.topic(topic, { fresh: true, signal })
    const partitions = await watermarks(connections, before, signal)
    const after = await metadata.topic(topic, { fresh: true, signal })
    if (after.identity.id !== before.identity.id) throw unavailable(`topic ${topic} is just being made anew`)
    return { identity: after.identity, partitions }
  }

  const patiently = <T>(attempt: () => Promise<T>, signal?: AbortSignal): Promise<T> =>
    persist(attempt, { patienceMs: shortPatienceMs, signal })
  const describe = (topic: string, signal?: AbortSignal): Promise<TopicState> =>
    patiently(() => describeOnce(topic, signal), signal)
  const policy = (topic: string, signal?: AbortSignal): Promise<string> =>
    patiently(() => cleanupPolicy(connections, topic, signal), signal)

  const source = partitionSource(connections, metadata, {
    fetchBytes: settings.fetchBytes,
    patienceMs: settings.patienceMs ?? 30_000,
    compacted: async (topic, signal) => (await policy(topic, signal)).includes('compact'),
  })
  const ranges = rangeReader(source, { maxBatchBytes: settings.maxBatchBytes })
  const tail = tailWatcher({
    stableOffsets: (topics) => reachableOffsets(connections, 'stable', topics, lookMs),
    metadata: (topic, fresh) => metadata.topic(topic, { fresh }),
    describe,
  })
  const mirror = offsetMirror(connections)

  return {
    describe,
    cleanupPolicy: policy,
    read: (range: ReadRequest) => ranges.read(range),
    waitForRecords: (topic: TopicIdentity, positions, options) => tail.waitForRecords(topic, positions, options),
    mirrorOffsets: (group, topic, offsets, signal) =>
      patiently(() => mirror.mirrorOffsets(group, topic, offsets, signal), signal),
    groupOffsets: (group, topic, partitions, signal) =>
      patiently(() => mirror.groupOffsets(group, topic, partitions, signal), signal),
    async close() {
      tail.close()
      await connections.close()
    },
  }
}
