/** What stands between a table and its topic, and what a person can decide about it. Nothing is read here. */
import type { PlanFrom } from './batchPlan.ts'
import type { TopicDecision, Gap } from './topicDecisions.ts'
import { CdcFailure, code } from './failures.ts'
import { isMultiplied, newPartitions } from './growth.ts'
import { offsetText, parseOffset, type OffsetText } from './offsets.ts'
import type { TopicIdentity, TopicState, Watermarks } from './records.ts'

/** The table as its log has it: the newest epoch, and where reading goes on. */
export interface Standing {
  readonly epoch: number
  readonly topic: TopicIdentity
  readonly from: readonly PlanFrom[]
}

/** A partition whose log no longer holds the last record that was carried. */
export interface Divergence {
  readonly partition: number
  readonly offset: OffsetText
}

/**
 * The failure to park with, its choices in the details; null where the table can go on. Growth by a whole multiple is no
 * failure. `diverged` is what a look at the anchors found.
 */
export function verdictOf(at: Standing, state: TopicState, diverged: readonly Divergence[] = []): CdcFailure | null {
  const { identity, partitions } = state
  if (identity.clusterId !== at.topic.clusterId || identity.id !== at.topic.id) return recreated(at, identity)
  const marks = new Map(partitions.map((mark) => [mark.partition, mark]))
  const missing = at.from.find(({ partition }) => !marks.has(partition))
  if (missing) {
    return new CdcFailure(code.KafkaUnavailable, `the brokers do not tell of partition ${missing.partition} of ${identity.topic}`)
  }
  return truncated(at, marks, diverged) ?? lost(at, marks) ?? grown(at, partitions)
}

/** Another carrier opened an epoch while this one was carrying an older one: its receipts are void, what it wrote is adopted. */
export function fenced(epoch: number, newest: number): CdcFailure {
  return new CdcFailure(code.TopicRecreated, `epoch ${newest} of the table was opened while epoch ${epoch} was carried`, {
    hint: 'The table goes on in a newer epoch: resume, without a decision.',
    details: { epoch, newest },
  })
}

/** A failure of a read, told with the choices that the position leaves; others are given back as they are. */
export function withChoices(
  error: unknown,
  at: { epoch: number; partition: number; from: OffsetText; topicId: string },
): unknown {
  if (!(error instanceof CdcFailure) || 'choices' in error.details || 'newest' in error.details) return error
  const choice = choiceAt(error, at)
  if (choice === null) return error
  const message = error.message.slice(error.code.length + 1)
  return new CdcFailure(error.code, message, {
    hint: error.hint,
    details: { ...error.details, choices: [choice] },
    cause: error,
  })
}

function choiceAt(
  { code: failed, details }: CdcFailure,
  at: { epoch: number; partition: number; from: OffsetText; topicId: string },
): TopicDecision | null {
  const { is, low } = details
  if (failed === code.TopicRecreated && typeof is === 'string') return openEpoch(at.epoch, is)
  if (failed === code.LogTruncated) return openEpoch(at.epoch, at.topicId)
  if (failed !== code.DataLoss || typeof low !== 'string') return null
  return { acceptGap: [{ partition: at.partition, from: at.from, to: low }] }
}

function openEpoch(epoch: number, topicId: string): TopicDecision {
  return { openEpoch: { epoch: epoch + 1, topicId } }
}

/** Another topic stands under the name: no decision leads to another cluster. */
export function recreated({ epoch, topic }: Standing, found: TopicIdentity): CdcFailure {
  const choices = found.clusterId === topic.clusterId ? [openEpoch(epoch, found.id)] : []
  return new CdcFailure(code.TopicRecreated, `topic ${topic.topic} is ${found.id}, not ${topic.id} as the table has it`, {
    details: { bound: topic, found, choices },
  })
}

function truncated(at: Standing, marks: ReadonlyMap<number, Watermarks>, diverged: readonly Divergence[]): CdcFailure | null {
  const { epoch, topic, from } = at
  const choices = [openEpoch(epoch, topic.id)]
  for (const { partition, from: position } of from) {
    const { low, high } = marks.get(partition)!
    if (high >= parseOffset(position)) continue
    const details = { partition, position, low: offsetText(low), high: offsetText(high), choices }
    const message = `partition ${partition} of ${topic.topic} ends at ${high}, the table stands at ${position}`
    return new CdcFailure(code.LogTruncated, message, { details })
  }
  const [first] = diverged
  if (!first) return null
  const message = `partition ${first.partition} of ${topic.topic} holds another record at ${first.offset} than was carried from there`
  return new CdcFailure(code.LogTruncated, message, { details: { ...first, choices } })
}

function lost({ topic, from }: Standing, marks: ReadonlyMap<number, Watermarks>): CdcFailure | null {
  const gaps: Gap[] = from.flatMap(({ partition, from: position }) => {
    const { low } = marks.get(partition)!
    return low > parseOffset(position) ? [{ partition, from: position, to: offsetText(low) }] : []
  })
  const [first] = gaps
  if (!first) return null
  const { partition, from: position, to: low } = first
  const details = { partition, position, low, high: offsetText(marks.get(partition)!.high), choices: [{ acceptGap: gaps }] }
  const message = `partition ${partition} of ${topic.topic} begins at ${low}, the table stands at ${position}`
  return new CdcFailure(code.DataLoss, message, { details })
}

function grown({ topic, from }: Standing, marks: readonly Watermarks[]): CdcFailure | null {
  const partitions = newPartitions(from, marks).map(({ partition }) => partition)
  if (partitions.length === 0 || isMultiplied(from, marks)) return null
  const message = `${topic.topic} has ${marks.length} partitions, no multiple of the ${from.length} that the table admits`
  return new CdcFailure(code.PartitionsGrew, message, { details: { partitions, choices: [{ admitPartitions: partitions }] } })
}
