/**
 * What a person may decide where table and topic do not go together. A failure lists its `choices`, each exactly as it is to be
 * typed: a decision names what it is about, so that it is refused where that is no longer so, and may be applied twice.
 */
import { CdcFailure, code } from './failures.ts'
import type { OffsetText } from './offsets.ts'

/** Records `[from, to)` of a partition that Kafka deleted before they were carried. */
export interface Gap {
  readonly partition: number
  readonly from: OffsetText
  readonly to: OffsetText
}

export type TopicDecision =
  /** Go on with the topic as it is now, from its beginning, under the next epoch (DESIGN §4.2). */
  | { readonly openEpoch: { readonly epoch: number; readonly topicId: string } }
  /** Go on without these records (DESIGN §4.8). */
  | { readonly acceptGap: readonly Gap[] }
  /** Carry these partitions, too; the order of one key is by LSN only from here on (DESIGN §4.9). */
  | { readonly admitPartitions: readonly number[] }

/** Null for whatever is no decision: an unknown name, a field too many or too few, a value of the wrong kind. */
export function topicDecisionOf(value: unknown): TopicDecision | null {
  const [name, ...more] = isObject(value) ? Object.keys(value) : []
  if (name === undefined || more.length > 0) return null
  const asked = (value as Record<string, unknown>)[name]
  const known =
    (name === 'openEpoch' && has(asked, ['epoch', 'topicId'])) ||
    (name === 'acceptGap' && isList(asked) && asked.every((gap) => has(gap, ['from', 'partition', 'to']))) ||
    (name === 'admitPartitions' && isList(asked) && asked.every((partition) => Number.isInteger(partition)))
  return known ? (value as TopicDecision) : null
}

/** The choice is this decision, or accepts more gaps than it. */
export function includes(choice: TopicDecision, decision: TopicDecision): boolean {
  return partsOf(decision).every((part) => partsOf(choice).includes(part)) && (isGap(decision) || partsOf(choice).length === 1)
}

/**
 * Throws CDC1001, telling what to type, where a table's failure listed such choices and the decision is none of them. Decisions of
 * other kinds (src/core/decisions.ts) are let pass where no choice of this kind was listed.
 */
export function requireChoice(decision: unknown, choices: unknown): void {
  const offered = topicChoices(choices)
  const known = topicDecisionOf(decision)
  if (known ? offered.some((choice) => includes(choice, known)) : offered.length === 0) return
  throw new CdcFailure(code.InvalidInput, `${JSON.stringify(decision)} is not what the table asks; ${choicesText(offered)}`, {
    hint: 'Type one of the choices in the details of status as it stands there, or resume without a decision.',
    details: { choices: offered },
  })
}

/** Those of a failure's choices that are about the topic. */
export function topicChoices(choices: unknown): TopicDecision[] {
  return Array.isArray(choices) ? choices.flatMap((choice) => topicDecisionOf(choice) ?? []) : []
}

export function choicesText(choices: readonly TopicDecision[]): string {
  if (choices.length === 0) return 'it asks for no decision: resume without one'
  return `choices: ${choices.map((choice) => JSON.stringify(choice)).join(' or ')}`
}

function isGap(decision: TopicDecision): decision is Extract<TopicDecision, { acceptGap: unknown }> {
  return 'acceptGap' in decision
}

/** One text for each thing that is decided: each gap is a decision of its own, the partitions are admitted together. */
function partsOf(decision: TopicDecision): string[] {
  if (isGap(decision)) return decision.acceptGap.map(({ partition, from, to }) => `gap ${partition} ${from} ${to}`)
  if ('admitPartitions' in decision) return [`partitions ${decision.admitPartitions.join(' ')}`]
  return [`epoch ${decision.openEpoch.epoch} ${decision.openEpoch.topicId}`]
}

function has(value: unknown, names: readonly string[]): boolean {
  return isObject(value) && JSON.stringify(Object.keys(value).sort()) === JSON.stringify(names)
}

function isList(value: unknown): value is unknown[] {
  return Array.isArray(value) && value.length > 0
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
