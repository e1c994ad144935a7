import { resolveTable } from '../config/tables.ts'
import type { ResolvedTable } from '../config/config.ts'
import { endsOf, planFrom, planRanges, samePlace, type BatchPlan } from '../core/batchPlan.ts'
import { code } from '../core/failures.ts'
import { barrierOf, isDrained, isUsed, newPartitions, type Barrier } from '../core/growth.ts'
import type { PollJob } from '../core/jobs.ts'
import { parseOffset } from '../core/offsets.ts'
import type { Position } from '../core/receipts.ts'
import type { TopicState } from '../core/records.ts'
import { fenced, verdictOf } from '../core/verdict.ts'
import { attended, provenance } from './attending.ts'
import { claimId, holdClaim } from './claim.ts'
import type { ActivityDeps } from './deps.ts'

/**
 * Which offsets are next: `[P, min(stable, P + maxRows))` of each partition that has something to read. At once where a range is
 * full, else after the batch has gathered for `maxAgeMs`, and empty when nothing came within `waitMs`.
 */
export function pollBatch(deps: ActivityDeps) {
  return (job: PollJob): Promise<BatchPlan> =>
    attended(async (signal) => {
      await deps.reach('poll.before')
      const table = resolveTable(deps.config, job.table)
      await holdClaim(deps.claims, claimId(deps.config.pipeline.name, table.name), job.carrier, table.name, code.ClaimLost)
      const plan = await nextPlan(deps, table, job, signal)
      await deps.reach('poll.after')
      return plan
    })
}

async function nextPlan(deps: ActivityDeps, table: ResolvedTable, job: PollJob, signal: AbortSignal): Promise<BatchPlan> {
  const { kafka, lake } = deps
  const refreshed = async (): Promise<readonly Position[] | null> => {
    const fresh = await lake.refresh(table, provenance(), signal)
    if (fresh.epoch !== job.epoch) throw fenced(job.epoch, fresh.epoch)
    return samePlace(planFrom(fresh.positions), job.from) ? null : fresh.positions
  }
  const looked = async (state: TopicState): Promise<BatchPlan | null> => {
    const trouble = verdictOf(job, state)
    if (!trouble) return null
    const nothing = { ranges: [], ends: endsOf(state.partitions), barrier: job.barrier }
    if (job.ahead) return { ...nothing, positions: null }
    const positions = await refreshed()
    if (positions) return { ...nothing, positions }
    throw trouble
  }

  if (job.barrier && isDrained(job.from, job.barrier)) return admission(deps, table, job, job.barrier, signal)

  const tail = tailOf(kafka, job, signal)
  let state = await tail.somethingToRead()
  const early = await looked(state)
  if (early) return early

  let barrier = job.barrier
  if (isUsed(newPartitions(job.from, state.partitions))) {
    // Read anew: the barrier has to be younger than the first record of a new partition that was seen.
    if (!barrier) barrier = barrierOf(job.from, (state = await kafka.describe(table.topic, signal)).partitions)
  } else barrier = null

  let ranges = planRanges(job.from, state.partitions, job.limits.maxRows)
  if (ranges.length > 0 && job.limits.maxAgeMs > 0 && !isFull(ranges, job.limits.maxRows)) {
    state = await tail.gathered(state)
    const late = await looked(state)
    if (late) return late
    ranges = planRanges(job.from, state.partitions, job.limits.maxRows)
  }
  const idle = ranges.length === 0 && !job.ahead && job.waitMs > 0
  return { ranges, ends: endsOf(state.partitions), positions: idle ? await refreshed() : null, barrier }
}

/** The old partitions stand where they ended when the new ones came into use: now these may be carried, too (DESIGN §4.9). */
async function admission(
  { kafka, lake }: ActivityDeps,
  table: ResolvedTable,
  job: PollJob,
  barrier: Barrier,
  signal: AbortSignal,
): Promise<BatchPlan> {
  const state = await kafka.describe(table.topic, signal)
  const ends = endsOf(state.partitions)
  if (job.ahead) return { ranges: [], ends, positions: null, barrier }
  const trouble = verdictOf(job, state)
  if (trouble) throw trouble
  const fresh = await lake.admit(table, state, barrier, provenance(), signal)
  if (fresh.epoch !== job.epoch) throw fenced(job.epoch, fresh.epoch)
  return { ranges: [], ends, positions: fresh.positions, barrier: null }
}

/** Past every offset: a partition that is not to wake anybody. */
const never = 2n ** 62n

/** Waiting for records, with partitions in sight that the table does not have. */
function tailOf(kafka: ActivityDeps['kafka'], job: PollJob, signal: AbortSignal) {
  const from = new Map(job.from.map((f) => [f.partition, parseOffset(f.from)]))
  const waiting = new Map(job.barrier?.partitions.map((partition) => [partition, never]))
  const wait = (positions: ReadonlyMap<number, bigint>, timeoutMs: number) =>
    kafka.waitForRecords(job.topic, positions, { timeoutMs, signal })
  const beside = (state: TopicState, at: bigint) =>
    new Map(newPartitions(job.from, state.partitions).map(({ partition }) => [partition, at]))

  return {
    async somethingToRead(): Promise<TopicState> {
      const state = await wait(new Map([...waiting, ...from]), job.waitMs)
      const grown = newPartitions(job.from, state.partitions)
      if (grown.length <= waiting.size || verdictOf(job, state) || planRanges(job.from, state.partitions, 1).length > 0)
        return state
      // That there are more partitions is known now: what is waited for is their first record, or one of the old ones.
      return isUsed(grown) && !job.barrier
        ? state
        : wait(new Map([...beside(state, job.barrier ? never : 0n), ...from]), job.waitMs)
    },
    /** Waits until the batch is old enough or one of its ranges is full. */
    gathered(state: TopicState): Promise<TopicState> {
      const full = new Map([...from].map(([partition, at]) => [partition, at + BigInt(job.limits.maxRows) - 1n]))
      return wait(new Map([...beside(state, never), ...full]), job.limits.maxAgeMs)
    },
  }
}

function isFull(ranges: BatchPlan['ranges'], maxRows: number): boolean {
  return ranges.some((r) => parseOffset(r.to) - parseOffset(r.from) >= BigInt(maxRows))
}
