/**
 * A carrier whose topic changes under it, and the person who is asked then: takes one of the choices, at once or much later,
 * when it may be about a state that is no longer so.
 */
import { planFrom, planRanges, samePlace } from '../../src/core/batchPlan.ts'
import { CdcFailure, code } from '../../src/core/failures.ts'
import { isDrained, isUsed, newPartitions, type Barrier } from '../../src/core/growth.ts'
import type { ResumeDecision } from '../../src/core/jobs.ts'
import type { Receipt } from '../../src/core/receipts.ts'
import type { TopicState } from '../../src/core/records.ts'
import { topicChoices, type TopicDecision } from '../../src/core/topicDecisions.ts'
import { fenced, verdictOf, withChoices } from '../../src/core/verdict.ts'
import * as shipped from '../../src/lake/table.ts'
import { provenance, retried, writeRange, type Carrier } from './carrier.ts'
import { firstDay } from './kafkaLog.ts'
import { below } from './scheduler.ts'
import type { TopicWorld } from './topicWorld.ts'

/** What parks a table in this world, and is asked about. */
const asked: readonly string[] = [code.TopicRecreated, code.DataLoss, code.PartitionsGrew, code.DecisionRefused]

/** Until the newest topic is in the table as far as Kafka still has it. */
export async function carryDeciding(carrier: Carrier, world: TopicWorld): Promise<void> {
  const { random, chaos } = carrier
  const history: Done[] = []
  let decision: TopicDecision | null = null
  for (let calm = 0; ;) {
    try {
      return await carryUntilParked(carrier, world, decision, history)
    } catch (error) {
      if (!(error instanceof CdcFailure) || !asked.includes(error.code)) throw error
      if (!chaos() && calm++ > 20) throw error
      const choices = topicChoices(error.details['choices'])
      decision = choices[below(random, choices.length)] ?? null
      if (decision && 'acceptGap' in decision && random() < 0.3) decision = { acceptGap: decision.acceptGap.slice(0, 1) }
      for (let wait = random() < 0.2 ? 30 : 1; wait > 0 && chaos(); wait--) await carrier.wait()
    }
  }
}

function startsOf({ partitions }: TopicState): Promise<shipped.Start[]> {
  return Promise.resolve(partitions.map(({ partition, low }) => ({ partition, offset: low, day: firstDay })))
}

function open(carrier: Carrier, world: TopicWorld, decision: ResumeDecision | null): Promise<shipped.Snapshot> {
  return retried(() => {
    const state = world.state()
    const { clusterId, topic, id: topicId } = state.identity
    const claimed = { clusterId, topic, topicId, deltaCompat: 'none' as const }
    const recordAt = () => Promise.resolve('gone' as const)
    const look = () => Promise.resolve(world.state())
    const asking = { decision, look, startsOf, recordAt }
    return carrier.protocol.openTable(carrier.ctx, claimed, () => startsOf(state), provenance, asking)
  })
}

interface Done {
  readonly table: shipped.Snapshot
  readonly receipts: readonly Receipt[]
}

async function carryUntilParked(
  carrier: Carrier,
  world: TopicWorld,
  decision: TopicDecision | null,
  history: Done[],
): Promise<void> {
  const { ctx, random, protocol, chaos } = carrier
  let table = await open(carrier, world, decision)
  let barrier: Barrier | null = null
  for (let idle = 0; ;) {
    if (!chaos() && idle++ > 80) throw new Error(`${carrier.name} makes no progress at ${JSON.stringify(table.positions)}`)
    const from = planFrom(table.positions)
    const state = world.state()
    const { epoch, topic, topicId: id, binding } = table
    const trouble = verdictOf({ epoch, topic: { clusterId: binding.clusterId, topic, id }, from }, state)
    if (trouble) {
      const at = table
      const fresh = await retried(async () => protocol.walkPending(ctx, await shipped.catchUp(ctx, at), provenance))
      if (fresh.epoch !== epoch) throw fenced(epoch, fresh.epoch)
      if (samePlace(planFrom(fresh.positions), from)) throw trouble
      table = fresh
      continue
    }
    const used = isUsed(newPartitions(from, state.partitions))
    if (used && barrier && isDrained(from, barrier)) {
      const [at, leave] = [table, { barrier }]
      const begin = barrier.partitions.map((partition) => ({ partition, offset: 0n, day: firstDay }))
      table = await retried(() => protocol.admitPartitions(ctx, at, begin, leave, provenance))
      barrier = null
      continue
    }
    if (used) barrier ??= protocol.barrierOf(from, world.state().partitions)
    const ranges = planRanges(from, state.partitions, 1 + below(random, 12))
    if (ranges.length === 0 && !used && !chaos()) return
    if (ranges.length === 0) await carrier.wait()

    const receipts: Receipt[] = []
    for (const { partition, to } of ranges) {
      const receipt = await carryOne(carrier, world, table, partition, Number(to))
      receipts.push(receipt)
      const [at, { growth }] = [table, receipt]
      if (growth) table = await retried(() => protocol.growSchema(ctx, at, growth, provenance))
      requireEpoch(epoch, table)
    }
    history.push({ table, receipts })
    const before = table
    table = await retried(() => protocol.commitReceipts(ctx, before, receipts, provenance))
    requireEpoch(epoch, table)
    if (table.version !== before.version) idle = 0
    if (world.columnsDecided && chaos() && random() < 0.2) {
      // Somebody decides about a column while the table is carried.
      const [at, rule] = [table, { source: `c${below(random, 4)}`, as: `c${below(random, 4)}__2` }]
      table = await retried(() => protocol.decide(ctx, at, { rules: [rule], key: null, since: null }, provenance))
      requireEpoch(epoch, table)
    }
    if (chaos() && random() < 0.2) {
      // A reset or a replayed history: old inputs come again, in any order.
      const stale = history[below(random, history.length)]!
      if (random() < 0.5) table = stale.table
      else await retried(() => protocol.commitReceipts(ctx, stale.table, stale.receipts, provenance))
    }
  }
}

async function carryOne(
  carrier: Carrier,
  world: TopicWorld,
  table: shipped.Snapshot,
  partition: number,
  to: number,
): Promise<Receipt> {
  const { ctx, protocol } = carrier
  const position = shipped.positionOf(table, partition)
  const from = shipped.startOf(position)
  const log = world.logs.find(({ topicId }) => topicId === table.topicId)!
  try {
    return await retried(() => {
      world.requireReadable(table.topicId, partition, Number(from))
      return writeRange({ ...carrier, log }, table, position, to)
    })
  } catch (error) {
    if (!(error instanceof CdcFailure) || error.policy !== 'park') throw error
    // No verdict before the next link was looked at (DESIGN §4.8).
    const standing = await retried(() => protocol.adoptLink(ctx, table, position))
    if (standing === null) throw withChoices(error, { ...table, partition, from: String(from) })
    shipped.requireOpen(standing)
    return shipped.receiptOf(standing, true, ctx.clock())
  }
}

function requireEpoch(epoch: number, table: shipped.Snapshot): void {
  if (table.epoch !== epoch) throw fenced(epoch, table.epoch)
}
