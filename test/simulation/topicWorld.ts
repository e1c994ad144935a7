/** A topic that lives: it is deleted and made again, loses its oldest records, gets more partitions. Keys, and time as steps. */
import { CdcFailure, code } from '../../src/core/failures.ts'
import type { TopicState } from '../../src/core/records.ts'
import { firstDay, type KafkaLog, type KafkaRecord } from './kafkaLog.ts'
import type { Random } from '../../scripts/random.ts'
import { below } from './scheduler.ts'

export interface KeyedRecord extends KafkaRecord {
  readonly key: number
  /** Step at which it is written: over all partitions, in the order of the database. */
  readonly time: number
}

export interface LivingLog extends KafkaLog {
  readonly partitions: readonly (readonly KeyedRecord[])[]
  readonly born: number
  /** Partitions at first, and from `grownAt` on. */
  readonly counts: readonly [number, number]
  readonly grownAt: number
  /** How many steps the last stable offset is behind, by partition: a transaction that stays open. */
  readonly lags: readonly number[]
  /** From step `at` on nothing below `low` of a partition is there. */
  readonly retention: readonly { readonly partition: number; readonly at: number; readonly low: number }[]
}

export interface TopicWorld {
  readonly logs: readonly LivingLog[]
  /** People decide about columns as well. */
  readonly columnsDecided: boolean
  state(): TopicState
  /** Throws as a read by topic id does: CDC2003, CDC2004. */
  requireReadable(topicId: string, partition: number, from: number): void
}

const keys = 8

export function topicWorld(random: Random, now: () => number, restless: () => boolean, columnsDecided: boolean): TopicWorld {
  const births = [0, ...(random() < 0.5 ? [40 + below(random, 120)] : []), ...(random() < 0.2 ? [165 + below(random, 60)] : [])]
  const logs = births.map((born, index) => livingLog(random, born, `topic-${index + 1}`))
  const current = (): LivingLog => logs.filter(({ born }) => !restless() || born <= now()).at(-1)!
  const lowOf = ({ retention }: LivingLog, partition: number): number =>
    Math.max(
      0,
      ...retention.filter((cut) => cut.partition === partition && (!restless() || cut.at <= now())).map(({ low }) => low),
    )
  const endAt = (log: LivingLog, partition: number, step: number): number => {
    if (!restless()) return log.ends[partition]!
    return (log.partitions[partition]!.findLast(({ time }) => time <= step)?.offset ?? -1) + 1
  }
  return {
    logs,
    columnsDecided,
    state() {
      const log = current()
      const count = !restless() || now() >= log.grownAt ? log.counts[1] : log.counts[0]
      return {
        identity: { clusterId: log.clusterId, topic: 'topic', id: log.topicId },
        partitions: Array.from({ length: count }, (_, partition) => {
          const high = endAt(log, partition, now())
          const low = Math.min(lowOf(log, partition), high)
          const stable = Math.max(low, endAt(log, partition, now() - log.lags[partition]!))
          return { partition, low: BigInt(low), stable: BigInt(stable), high: BigInt(high) }
        }),
      }
    },
    requireReadable(topicId, partition, from) {
      const log = current()
      if (log.topicId !== topicId) throw new CdcFailure(code.TopicRecreated, 'made anew', { details: { is: log.topicId } })
      const low = lowOf(log, partition)
      if (low > from) throw new CdcFailure(code.DataLoss, 'gone', { details: { low: String(low) } })
    },
  }
}

function livingLog(random: Random, born: number, topicId: string): LivingLog {
  const first = 1 + below(random, 2)
  const growth = random()
  const more = growth < 0.4 ? first * (2 + below(random, 2)) : growth < 0.5 && first === 2 ? 3 : first
  const grownAt = born + 20 + below(random, 80)
  const partitions: KeyedRecord[][] = Array.from({ length: more }, () => [])
  const next = partitions.map(() => 0)
  let [day, columns, time] = [firstDay, 1, born]
  for (let n = 20 + below(random, 40); n > 0; n--) {
    time += below(random, 5)
    if (random() < 0.04) day++
    if (random() < 0.03) columns++
    const key = below(random, keys)
    const partition = key % (time >= grownAt ? more : first)
    const offset = next[partition]! + (random() < 0.1 ? 1 : 0)
    next[partition] = offset + 1
    const kind = random()
    const keep = kind < 0.8 ? 'yes' : kind < 0.93 ? 'no' : 'maybe'
    const fills = Array.from({ length: columns }, (_, i) => `c${i}`).filter((_, i) => i === 0 || random() < 0.8)
    partitions[partition]!.push({ offset, day, columns: fills, keep, key, time })
  }
  const ends = next.map((end) => end + below(random, 2))
  const retention = partitions.flatMap((_, partition) => {
    const cuts = random() < 0.5 ? 0 : 1 + below(random, 3)
    const lows = Array.from({ length: cuts }, () => below(random, ends[partition]! + 1)).sort((a, b) => a - b)
    const ats = lows.map(() => born + 15 + below(random, 180)).sort((a, b) => a - b)
    return lows.map((low, index) => ({ partition, at: ats[index]!, low }))
  })
  const lags = partitions.map(() => (random() < 0.4 ? below(random, 40) : 0))
  return { clusterId: 'cluster-a', topicId, partitions, ends, born, counts: [first, more], grownAt, lags, retention }
}
