/**
 * Fetches from whoever leads a partition now, and turns refusals into what they mean: a topic made anew (CDC2003), records
 * gone by retention (CDC2004), a log that ends too early (CDC2008). None of these is said before fresh metadata or the
 * leader's own watermarks confirm it, more than once where a new leader may only be behind.
 */
import { CdcFailure, code } from '../core/failures.ts'
import { giveBackMemory } from '../core/keptMemory.ts'
import type { TopicIdentity, Watermarks } from '../core/records.ts'
import { persist } from './abortable.ts'
import { brokerError, refused, unavailable } from './brokerErrors.ts'
import type { Connections } from './connection.ts'
import { fetchRequest, readFetch, type FetchAnswer } from './fetch.ts'
import { watermarks } from './listOffsets.ts'
import type { MetadataCache, TopicMetadata } from './metadata.ts'

/** What a range is read from; a test gives its own. */
export interface PartitionSource {
  /** An answer without error. Patient with brokers that are away. */
  fetch(topic: TopicIdentity, partition: number, offset: bigint, signal: AbortSignal): Promise<FetchAnswer>
  /** Nobody reads the answer's records any more: another one may take their place. */
  giveBack(answer: FetchAnswer): void
  watermarks(topic: TopicIdentity, partition: number, signal: AbortSignal): Promise<Watermarks>
  compacted(topic: TopicIdentity, signal: AbortSignal): Promise<boolean>
}

export interface SourceOptions {
  readonly fetchBytes: number
  readonly patienceMs: number
  readonly compacted: (topic: string, signal: AbortSignal) => Promise<boolean>
}

/** So often in a row the leader must say that its log ends below an offset before that is believed. */
const confirmations = 5

export function partitionSource(connections: Connections, metadata: MetadataCache, options: SourceOptions): PartitionSource {
  const { fetchBytes, patienceMs } = options

  async function current(topic: TopicIdentity, signal: AbortSignal): Promise<TopicMetadata> {
    const cached = await metadata.topic(topic.topic, { signal })
    if (cached.identity.id === topic.id) return cached
    const fresh = await metadata.topic(topic.topic, { fresh: true, signal })
    if (fresh.identity.id === topic.id) return fresh
    throw new CdcFailure(code.TopicRecreated, `topic ${topic.topic} was made anew: its id is no longer ${topic.id}`, {
      details: { topic: topic.topic, was: topic.id, is: fresh.identity.id },
    })
  }

  async function askWatermarks(topic: TopicIdentity, partition: number, signal: AbortSignal): Promise<Watermarks> {
    try {
      const known = await current(topic, signal)
      const all = await watermarks(connections, { ...known, partitions: pick(known, partition) }, signal)
      return all[0]!
    } catch (error) {
      metadata.forget(topic.topic)
      throw error
    }
  }

  async function fetchOnce(topic: TopicIdentity, partition: number, offset: bigint, signal: AbortSignal): Promise<FetchAnswer> {
    const [leader] = pick(await current(topic, signal), partition)
    if (!leader.leader) throw unavailable(`${topic.topic}/${partition} has no leader`)
    const request = fetchRequest({ topicId: topic.id, partition, offset, leaderEpoch: leader.leaderEpoch, maxBytes: fetchBytes })
    return readFetch(await connections.send(leader.leader, 'read', request, signal), partition)
  }

  return {
    watermarks: (topic, partition, signal) => persist(() => askWatermarks(topic, partition, signal), { patienceMs, signal }),

    compacted: (topic, signal) => options.compacted(topic.topic, signal),

    giveBack: ({ records }) => giveBackMemory(records),

    async fetch(topic, partition, offset, signal) {
      let endsBelow = 0
      return persist(
        async () => {
          let answer: FetchAnswer
          try {
            answer = await fetchOnce(topic, partition, offset, signal)
          } catch (error) {
            metadata.forget(topic.topic)
            throw error
          }
          if (answer.error === brokerError.none) return answer
          metadata.forget(topic.topic)
          const what = `a fetch of ${topic.topic}/${partition} at ${offset}`
          if (answer.error === brokerError.corruptMessage) {
            throw new CdcFailure(code.CorruptBatch, `the broker itself finds ${topic.topic}/${partition} corrupt at ${offset}`)
          }
          if (answer.error === brokerError.offsetOutOfRange) {
            const marks = await askWatermarks(topic, partition, signal)
            if (marks.low > offset) throw dataLoss(topic, partition, offset, marks.low)
            if (marks.high < offset && ++endsBelow >= confirmations) throw logTruncated(topic, partition, offset, marks.high)
          }
          throw refused(what, answer.error)
        },
        { patienceMs, signal },
      )
    },
  }
}

export function dataLoss(topic: TopicIdentity, partition: number, from: bigint, low: bigint): CdcFailure {
  const message = `${topic.topic}/${partition} begins at ${low}, after ${from}: ${low - from} offsets were never carried`
  return new CdcFailure(code.DataLoss, message, { details: { partition, from: `${from}`, low: `${low}` } })
}

export function logTruncated(topic: TopicIdentity, partition: number, offset: bigint, high: bigint): CdcFailure {
  const message = `${topic.topic}/${partition} ends at ${high}, before ${offset}`
  return new CdcFailure(code.LogTruncated, message, { details: { partition, offset: `${offset}`, high: `${high}` } })
}

function pick(topic: TopicMetadata, partition: number): [TopicMetadata['partitions'][number]] {
  const found = topic.partitions.find((each) => each.partition === partition)
  if (!found) throw unavailable(`${topic.identity.topic} has no partition ${partition} (yet)`)
  return [found]
}
