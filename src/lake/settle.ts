/**
 * Before a table goes on, it has to be the one that the topic belongs to; where it is not, a person decides (DESIGN §4.2, §4.8,
 * §4.9). A decision is applied only to the state that it names: else it is refused, and nothing of it is applied.
 */
import { planFrom } from '../core/batchPlan.ts'
import { CdcFailure, code } from '../core/failures.ts'
import type { ResumeDecision } from '../core/jobs.ts'
import { parseOffset } from '../core/offsets.ts'
import type { Anchor, Link } from '../core/receipts.ts'
import type { TopicIdentity, TopicState } from '../core/records.ts'
import { choicesText, includes, topicChoices, topicDecisionOf, type TopicDecision } from '../core/topicDecisions.ts'
import { recreated, verdictOf, type Divergence } from '../core/verdict.ts'
import { admitPartitions } from './admission.ts'
import type { LakeContext, Provenance } from './context.ts'
import { openEpoch } from './epochs.ts'
import { acceptGap } from './gaps.ts'
import { startOf, type Snapshot } from './snapshot.ts'
import type { Start } from './start.ts'

/** What a person decided, and how Kafka is asked about it. */
export interface Asked {
  /** As `resume` took it. Decisions about columns are none of this file's. */
  readonly decision: ResumeDecision | null
  /** The topic now: looked at after the table, for another carrier may move the table meanwhile. */
  readonly look: () => Promise<TopicState>
  readonly startsOf: (state: TopicState) => Promise<readonly Start[]>
  /** The record that can be read there now; null where none can, `gone` where retention took it. */
  readonly recordAt: (partition: number, offset: bigint) => Promise<Anchor | null | 'gone'>
}

export interface Found {
  readonly snapshot: Snapshot
  /** A link that ends one of its chains: somebody began to open the next epoch. */
  readonly closed: Link | null
  readonly identity: TopicIdentity
}

/**
 * The table as it goes on. Throws CDC2003, CDC2008 with choices, CDC1005 for a decision that is refused. What retention took and
 * partitions that wait are left to the next poll, which knows the positions as they are then.
 */
export async function settle(ctx: LakeContext, found: Found, asked: Asked | null, provenance: Provenance): Promise<Snapshot> {
  const { snapshot, closed, identity } = found
  const decision = asked && topicDecisionOf(asked.decision)
  const state = asked && (await asked.look())
  const trouble = await troubleOf({ snapshot, closed, identity: state?.identity ?? identity }, asked, state)
  if (!asked || !state || !decision) {
    requireNone(trouble)
    return snapshot
  }
  if (!isOffered(snapshot, decision, topicChoices(trouble?.details['choices']))) throw refused(decision, trouble)
  const at = await apply(ctx, snapshot, decision, asked, state, provenance)
  const now = await asked.look()
  const rest = { snapshot: at, closed: at.epoch === snapshot.epoch ? closed : null, identity: now.identity }
  requireNone(await troubleOf(rest, asked, now))
  return at
}

async function troubleOf(found: Found, asked: Asked | null, state: TopicState | null): Promise<CdcFailure | null> {
  const { snapshot, closed, identity } = found
  if (closed !== null && closed.closed !== null) return halfOpened(closed.partition, closed.closed, identity)
  const { epoch, topic, topicId, binding, positions } = snapshot
  const standing = { epoch, topic: { clusterId: binding.clusterId, topic, id: topicId }, from: planFrom(positions) }
  if (identity.id !== topicId) return recreated(standing, identity)
  return asked && state && verdictOf(standing, state, await divergences(snapshot, state, asked))
}

/** Compares the last record of each chain with what Kafka holds in its place, where it still does (SEMANTICS R1.24). */
async function divergences({ anchors, positions }: Snapshot, state: TopicState, { recordAt }: Asked): Promise<Divergence[]> {
  const diverged: Divergence[] = []
  for (const { partition } of positions) {
    const anchor = anchors[partition]
    const mark = state.partitions.find((each) => each.partition === partition)
    if (!anchor || !mark) continue
    const offset = parseOffset(anchor.offset)
    if (offset < mark.low || offset >= mark.high) continue
    const found = await recordAt(partition, offset)
    if (found !== 'gone' && found?.hash !== anchor.hash) diverged.push({ partition, offset: anchor.offset })
  }
  return diverged
}

function requireNone(trouble: CdcFailure | null): void {
  if (trouble && trouble.code !== code.DataLoss && trouble.code !== code.PartitionsGrew) throw trouble
}

/** Offered now, or applied already by an attempt whose answer was lost. */
function isOffered(at: Snapshot, decision: TopicDecision, choices: readonly TopicDecision[]): boolean {
  if ('acceptGap' in decision) {
    const isOver = (partition: number, to: string): boolean => {
      const position = at.positions.find((each) => each.partition === partition)
      return position !== undefined && startOf(position) >= parseOffset(to)
    }
    return decision.acceptGap.every((gap) => {
      return isOver(gap.partition, gap.to) || choices.some((choice) => includes(choice, { acceptGap: [gap] }))
    })
  }
  return isApplied(at, decision) || choices.some((choice) => includes(choice, decision))
}

function isApplied(at: Snapshot, decision: TopicDecision): boolean {
  if ('openEpoch' in decision) return at.epoch === decision.openEpoch.epoch && at.topicId === decision.openEpoch.topicId
  if (!('admitPartitions' in decision)) return false
  return decision.admitPartitions.every((partition) => at.positions.some((each) => each.partition === partition))
}

async function apply(
  ctx: LakeContext,
  snapshot: Snapshot,
  decision: TopicDecision,
  { startsOf }: Asked,
  state: TopicState,
  provenance: Provenance,
): Promise<Snapshot> {
  if ('openEpoch' in decision) {
    if (isApplied(snapshot, decision)) return snapshot
    const { topic, id: topicId } = state.identity
    const next = { epoch: decision.openEpoch.epoch, topic, topicId }
    return openEpoch(ctx, snapshot, next, await startsOf(state), provenance, decision)
  }
  if ('acceptGap' in decision) {
    let at = snapshot
    for (const gap of decision.acceptGap) at = await acceptGap(ctx, at, gap, provenance, decision)
    return at
  }
  // From their very beginning: what retention took of them since is a gap, which is asked about.
  const admitted = (await startsOf(state)).filter(({ partition }) => decision.admitPartitions.includes(partition))
  const begin = admitted.map((start) => ({ ...start, offset: 0n }))
  return admitPartitions(ctx, snapshot, begin, { decision }, provenance)
}

function halfOpened(partition: number, epoch: number, { id }: TopicIdentity): CdcFailure {
  const message = `partition ${partition} is closed for epoch ${epoch}, which was not opened to its end`
  return new CdcFailure(code.TopicRecreated, message, {
    details: { partition, epoch, choices: [{ openEpoch: { epoch, topicId: id } }] },
  })
}

function refused(decision: TopicDecision, trouble: CdcFailure | null): CdcFailure {
  const choices = topicChoices(trouble?.details['choices'])
  const now = trouble ? trouble.message : 'table and topic go together'
  return new CdcFailure(
    code.DecisionRefused,
    `${JSON.stringify(decision)} is about another state; now: ${now}; ${choicesText(choices)}`,
    { details: { decision, choices } },
  )
}
