/**
 * Waits until a topic has records to read, for all waiting tables of a worker at once: one ListOffsets a leader, often while
 * there is traffic, seldom while it is quiet. Never a long poll of Fetch: a connection answers in order, so everyone would
 * wait behind it.
 */
import type { TopicIdentity, TopicState } from '../core/records.ts'
import { abortable, isUnavailable } from './abortable.ts'
import type { TopicMetadata } from './metadata.ts'

export interface WaitOptions {
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

export interface TailWatcher {
  /**
   * Resolves with the topic's state once a partition is stable beyond its position (one that is not named counts as read up
   * to 0), its id or number of partitions changed, or the time is over. Rejects with CDC2002 when the topic is gone, with
   * CDC2001 when the time is over and Kafka still does not answer.
   */
  waitForRecords(topic: TopicIdentity, positions: ReadonlyMap<number, bigint>, options: WaitOptions): Promise<TopicState>
  close(): void
}

/** What the watcher asks; a test gives its own. */
export interface TailSource {
  /** Stable offsets of the topics: topic -> partition -> offset, without those that cannot be had now. Never rejects. */
  stableOffsets(topics: readonly TopicMetadata[]): Promise<Map<string, Map<number, bigint>>>
  metadata(topic: string, fresh: boolean): Promise<TopicMetadata>
  describe(topic: string, signal?: AbortSignal): Promise<TopicState>
}

export interface TailTiming {
  /** Between two looks at a topic: from `busyMs` after a change, growing to `idleMs`. */
  readonly busyMs: number
  readonly idleMs: number
  /** How old the metadata of a waiting topic may get. */
  readonly metadataMs: number
}

const usualTiming: TailTiming = { busyMs: 50, idleMs: 500, metadataMs: 10_000 }
const growth = 1.5

interface Waiter {
  readonly topic: TopicIdentity
  readonly positions: ReadonlyMap<number, bigint>
  intervalMs: number
  dueAt: number
  metadataAt: number
  readonly changed: () => void
  readonly failed: (error: unknown) => void
}

export function tailWatcher(source: TailSource, timing: TailTiming = usualTiming): TailWatcher {
  const waiters = new Set<Waiter>()
  let timer: NodeJS.Timeout | undefined
  let looking = false
  let closed = false

  function schedule(): void {
    clearTimeout(timer)
    if (looking || closed || waiters.size === 0) return
    const dueAt = Math.min(...[...waiters].map((waiter) => waiter.dueAt))
    timer = setTimeout(() => void look(), Math.max(0, dueAt - Date.now()))
  }

  async function look(): Promise<void> {
    looking = true
    const due = [...waiters].filter((waiter) => waiter.dueAt <= Date.now() + timing.busyMs / 2)
    const known = await Promise.all(due.map(knownTopic))
    const unique = new Map(known.filter((topic) => topic !== null).map((topic) => [topic.identity.topic, topic]))
    const offsets = unique.size === 0 ? null : await source.stableOffsets([...unique.values()])
    due.forEach((waiter, i) => judge(waiter, known[i] ?? null, offsets?.get(waiter.topic.topic)))
    for (const waiter of due) {
      waiter.dueAt = Date.now() + waiter.intervalMs
      waiter.intervalMs = Math.min(timing.idleMs, waiter.intervalMs * growth)
    }
    looking = false
    schedule()
  }

  async function knownTopic(waiter: Waiter): Promise<TopicMetadata | null> {
    try {
      const fresh = Date.now() - waiter.metadataAt > timing.metadataMs
      const topic = await source.metadata(waiter.topic.topic, fresh)
      if (fresh) waiter.metadataAt = Date.now()
      return topic
    } catch (error) {
      if (!isUnavailable(error)) waiter.failed(error)
      return null
    }
  }

  function judge(waiter: Waiter, topic: TopicMetadata | null, offsets: ReadonlyMap<number, bigint> = new Map()): void {
    if (!topic) return
    if (offsets.size < topic.partitions.length) waiter.metadataAt = 0 // leaders may have moved
    const moved = [...offsets].some(([partition, stable]) => stable > (waiter.positions.get(partition) ?? 0n))
    const grown = waiter.positions.size > 0 && topic.partitions.length !== waiter.positions.size
    if (moved || grown || topic.identity.id !== waiter.topic.id) waiter.changed()
  }

  return {
    async waitForRecords(topic, positions, { timeoutMs, signal }) {
      let waiter: Waiter | undefined
      let timeout: NodeJS.Timeout | undefined
      const ready = new Promise<void>((resolve, reject) => {
        waiter = {
          topic,
          positions,
          intervalMs: timing.busyMs,
          dueAt: 0,
          metadataAt: 0,
          changed: resolve,
          failed: reject,
        }
        waiters.add(waiter)
        timeout = setTimeout(resolve, timeoutMs)
        schedule()
      })
      try {
        await abortable(ready, signal)
      } finally {
        clearTimeout(timeout)
        waiters.delete(waiter!)
        schedule()
      }
      return source.describe(topic.topic, signal)
    },

    close() {
      closed = true
      clearTimeout(timer)
    },
  }
}
