/** The records of a topic as the protocol sees them: offsets with gaps, days that turn, columns that appear. */
import type { Column } from '../../src/core/schema.ts'
import type { Random } from '../../scripts/random.ts'
import { below } from './scheduler.ts'

export interface KafkaRecord {
  readonly offset: number
  /** days since 1970; stragglers of an earlier day come late */
  readonly day: number
  readonly columns: readonly string[]
  /**
   * `maybe`: some versions of the code keep it, others see nothing to keep. `bad`: no row can be made of it. `doubtful`: some versions
   * make a row of it, to others it is bad.
   */
  readonly keep: 'yes' | 'no' | 'maybe' | 'bad' | 'doubtful'
}

export interface KafkaLog {
  readonly clusterId: string
  readonly topicId: string
  readonly partitions: readonly (readonly KafkaRecord[])[]
  /** One past the last offset of each partition. */
  readonly ends: readonly number[]
}

export const firstDay = 20_781

export function kafkaLog(random: Random, identity: { clusterId: string; topicId: string }, partitions: number): KafkaLog {
  const logs = Array.from({ length: partitions }, () => partitionLog(random))
  return { ...identity, partitions: logs, ends: logs.map((records) => (records.at(-1)?.offset ?? -1) + 1 + below(random, 3)) }
}

function partitionLog(random: Random): readonly KafkaRecord[] {
  const records: KafkaRecord[] = []
  const length = 15 + below(random, 25)
  let [offset, day, columns] = [below(random, 3), firstDay, 1]
  while (records.length < length) {
    if (random() < 0.08) day += 1 + below(random, 2)
    if (random() < 0.06) columns++
    const late = random() < 0.1 ? 1 : 0
    const fills = Array.from({ length: columns }, (_, i) => `c${i}`).filter((_, i) => i === 0 || random() < 0.8)
    const kind = random()
    records.push({ offset, day: day - late, columns: fills, keep: keepOf(kind) })
    offset += 1 + (random() < 0.2 ? below(random, 3) : 0)
  }
  return records
}

function keepOf(kind: number): KafkaRecord['keep'] {
  if (kind < 0.68) return 'yes'
  if (kind < 0.82) return 'no'
  return kind < 0.9 ? 'maybe' : kind < 0.95 ? 'bad' : 'doubtful'
}

export function columnOf(name: string): Column {
  return { name, type: 'string' }
}
