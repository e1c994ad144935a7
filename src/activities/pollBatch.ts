import { resolveTable } from '../config/tables.ts'
import type { ResolvedTable } from '../config/config.ts'
import { planRanges, type BatchPlan, type PlanFrom } from '../core/batchPlan.ts'
import { CdcFailure, code } from '../core/failures.ts'
import type { PollJob } from '../core/jobs.ts'
import { offsetText, parseOffset } from '../core/offsets.ts'
import type { TopicState } from '../core/records.ts'
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

async function nextPlan(
  { kafka, lake }: ActivityDeps,
  table: ResolvedTable,
  job: PollJob,
  signal: AbortSignal,
): Promise<BatchPlan> {
  const from = new Map(job.from.map((f) => [f.partition, parseOffset(f.from)]))
  const looked = async (state: TopicState): Promise<BatchPlan | null> => {
    const trouble = troubleOf(table, job, state)
    if (!trouble) return null
    if (job.ahead) return { ranges: [], ends: endsOf(state), positions: null }
    const fresh = await lake.refresh(table, provenance(), signal)
    if (!stands(fresh.positions, job.from)) return { ranges: [], ends: endsOf(state), positions: fresh.positions }
    throw trouble
  }

  let state = await kafka.waitForRecords(job.topic, from, { timeoutMs: job.waitMs, signal })
  const early = await looked(state)
  if (early) return early

  let ranges = planRanges(job.from, state.partitions, job.limits.maxRows)
  if (ranges.length > 0 && job.limits.maxAgeMs > 0 && !isFull(ranges, job.limits.maxRows)) {
    state = await gathered({ kafka }, job, from, signal)
    const late = await looked(state)
    if (late) return late
    ranges = planRanges(job.from, state.partitions, job.limits.maxRows)
  }
  if (ranges.length === 0 && !job.ahead && job.waitMs > 0) {
    const fresh = await lake.refresh(table, provenance(), signal)
    if (!stands(fresh.positions, job.from)) return { ranges, ends: endsOf(state), positions: fresh.positions }
  }
  return { ranges, ends: endsOf(state), positions: null }
}

/** Waits until the batch is old enough or one of its ranges is full. */
async function gathered(
  { kafka }: Pick<ActivityDeps, 'kafka'>,
  job: PollJob,
  from: ReadonlyMap<number, bigint>,
  signal: AbortSignal,
): Promise<TopicState> {
  const full = new Map([...from].map(([partition, at]) => [partition, at + BigInt(job.limits.maxRows) - 1n]))
  return kafka.waitForRecords(job.topic, full, { timeoutMs: job.limits.maxAgeMs, signal })
}

function isFull(ranges: BatchPlan['ranges'], maxRows: number): boolean {
  return ranges.some((r) => parseOffset(r.to) - parseOffset(r.from) >= BigInt(maxRows))
}

function endsOf(state: TopicState): BatchPlan['ends'] {
  return state.partitions.map((p) => ({ partition: p.partition, end: offsetText(p.stable) }))
}

function stands(positions: readonly { partition: number; base: string; seen: string }[], from: readonly PlanFrom[]): boolean {
  const at = new Map(from.map((f) => [f.partition, parseOffset(f.from)]))
  return (
    positions.length === from.length &&
    positions.every((p) => {
      const [base, seen] = [parseOffset(p.base), parseOffset(p.seen)]
      return at.get(p.partition) === (base > seen ? base : seen)
    })
  )
}

/** What stands between these positions and the topic, before anybody looked at the log again. */
function troubleOf(table: ResolvedTable, job: PollJob, state: TopicState): CdcFailure | null {
  const { identity, partitions } = state
  if (identity.clusterId !== job.topic.clusterId || identity.id !== job.topic.id) {
    return new CdcFailure(
      code.TopicRecreated,
      `topic ${table.topic} is ${identity.id}, not ${job.topic.id} as the table has it`,
      {
        details: { bound: job.topic, found: identity },
      },
    )
  }
  const marks = new Map(partitions.map((p) => [p.partition, p]))
  for (const { partition, from } of job.from) {
    const mark = marks.get(partition)
    if (!mark) return new CdcFailure(code.KafkaUnavailable, `the brokers do not tell of partition ${partition} of ${table.topic}`)
    const at = parseOffset(from)
    const details = { partition, position: from, low: offsetText(mark.low), high: offsetText(mark.high) }
    const place = `partition ${partition} of ${table.topic}`
    if (mark.low > at) {
      return new CdcFailure(code.DataLoss, `${place} begins at ${mark.low}, the table stands at ${from}`, { details })
    }
    if (mark.high < at) {
      return new CdcFailure(code.LogTruncated, `${place} ends at ${mark.high}, the table stands at ${from}`, { details })
    }
  }
  const known = new Set(job.from.map((f) => f.partition))
  const extra = partitions.filter((p) => !known.has(p.partition)).map((p) => p.partition)
  if (extra.length === 0) return null
  return new CdcFailure(code.PartitionsGrew, `${table.topic} has partitions that the table does not admit: ${extra.join(', ')}`, {
    details: { partitions: extra },
  })
}
