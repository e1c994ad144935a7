/**
 * The loop of one table: poll N+1 while N is written, write N+1 while N is committed, never further ahead (DESIGN §3).
 * `head` is where the table stands once the commit in flight has gone through.
 */
import {
  CancellationScope,
  allHandlersFinished,
  condition,
  isCancellation,
  log,
  patched,
  workflowInfo,
} from '@temporalio/workflow'
import type { BatchPlan, PlanFrom } from '../core/batchPlan.ts'
import { heldRecords, planAfter, planFrom, planFromHere, rangesText, samePlace, stillTrue } from '../core/batchPlan.ts'
import type { Committed } from '../core/jobs.ts'
import type { OffsetRange } from '../core/offsets.ts'
import type { Position, Receipt } from '../core/receipts.ts'
import { advance, committed, follow, looked } from '../core/tableState.ts'
import { background, together, type Background } from './background.ts'
import { commitOffsets, pollBatch, writeParquet } from './proxies.ts'
import { change, limitsOf, now, show, type Flush, type Run } from './run.ts'

interface Poll {
  readonly work: Background<BatchPlan>
  readonly from: readonly PlanFrom[]
  /** Flushes that were called before this poll began: its ends answer them. */
  readonly flushes: readonly Flush[]
}

/**
 * Returns when somebody wishes to stop or has decided something, or when the history is long enough to continue as new; nothing
 * is in flight then.
 */
export async function carryBatches(run: Run): Promise<'stop' | 'decided' | 'again'> {
  const opened = run.opened!
  let head: readonly Position[] = opened.positions
  let batches = 0
  let poll: Poll | null = null
  let commit: Background<Committed> | null = null

  const settle = async (): Promise<void> => {
    const running = commit
    if (!running) return
    await condition(() => running.done)
    commit = null
    head = note(run, running.take())
  }
  const cutShort = (): void => {
    if (poll && !poll.work.done) poll.work.cancel()
    poll = null
  }

  try {
    for (;;) {
      if (isDone(commit)) await settle()

      const due = workflowInfo().continueAsNewSuggested || batches >= opened.batchesPerRun
      if (run.stopWished || run.resumeWished || run.state.paused || (due && allHandlersFinished())) {
        cutShort()
        await settle()
        if (run.stopWished) return 'stop'
        if (run.resumeWished) return 'decided'
        if (run.state.paused) await rest(run)
        else if (due && allHandlersFinished()) return 'again'
        continue
      }

      if (poll && !poll.work.done && (unheard(run, poll) || !samePlace(poll.from, planFrom(head)))) cutShort()
      const polling: Poll = (poll ??= startPoll(run, planFrom(head), commit !== null))
      await condition(() => polling.work.done || isDone(commit) || isWished(run) || unheard(run, polling))
      if (!polling.work.done || isDone(commit)) continue
      poll = null
      const plan = polling.work.take()
      run.barrier = plan.barrier ?? null
      change(run, looked(run.state, plan.ends, now()))
      warnOfHeldRecords(run)
      for (const flush of polling.flushes) flush.ends ??= plan.ends

      if (plan.positions) {
        await settle()
        head = plan.positions
        change(run, { positions: head })
        continue
      }
      const ranges = rangesFrom(run, plan.ranges, planFrom(head))
      if (ranges.length === 0) {
        await settle()
        continue
      }

      poll = startPoll(run, planAfter(planFrom(head), ranges), true)
      let receipts = await write(run, ranges, head)
      if (commit) {
        await settle()
        receipts = follow(receipts, head)
        if (receipts.length === 0) continue
      }
      head = advance(head, receipts)
      commit = startCommit(run, receipts)
      batches++
      if (receipts.some((r) => r.growth)) await settle()
    }
  } catch (error) {
    // A commit in flight counts: let it end, but a cancelled workflow does not wait for a store that is away for long.
    const running = commit
    if (running) {
      await CancellationScope.nonCancellable(async () => {
        if (isCancellation(error)) await condition(() => running.done, '20 s')
        else await condition(() => running.done)
      })
      if (running.done) noteIfGood(run, running)
    }
    throw error
  } finally {
    cutShort()
  }
}

/** A marker of a patch costs history: only where the plan was made for another place than the table's. */
function rangesFrom(run: Run, planned: BatchPlan['ranges'], from: readonly PlanFrom[]): readonly OffsetRange[] {
  const still = stillTrue(planned, from)
  if (still.length === planned.length || !patched('planFromHere')) return still
  return planFromHere(planned, from, limitsOf(run)!.maxRows)
}

const heldTooLongMs = 60_000

/** Debezium's transactions are open for milliseconds: one that stays open hides everything behind it, and the table looks idle. */
function warnOfHeldRecords({ state }: Run): void {
  if (state.heldSince === null || Date.now() - Date.parse(state.heldSince) < heldTooLongMs) return
  const held = heldRecords(state.ends)
  log.warn('records wait behind a transaction of a producer that is still open', { held, since: state.heldSince })
}

function isWished(run: Run): boolean {
  return run.stopWished || run.resumeWished !== null || run.state.paused
}

function isDone(work: Background<unknown> | null): boolean {
  return work?.done ?? false
}

/** A flush came after this poll began. */
function unheard(run: Run, poll: Poll): boolean {
  for (const flush of run.flushes) if (!flush.ends && !poll.flushes.includes(flush)) return true
  return false
}

async function rest(run: Run): Promise<void> {
  run.resting = true
  try {
    await condition(() => !run.state.paused || run.stopWished)
  } finally {
    run.resting = false
  }
}

function startPoll(run: Run, from: readonly PlanFrom[], ahead: boolean): Poll {
  const { topic, epoch } = run.opened!
  const limits = limitsOf(run)!
  const flushing = run.flushes.size > 0
  const flushes = [...run.flushes].filter((flush) => !flush.ends)
  const job = {
    table: run.table,
    carrier: carrier(),
    topic,
    epoch,
    from,
    limits: flushing ? { ...limits, maxAgeMs: 0 } : limits,
    waitMs: flushes.length > 0 ? 0 : limits.idleWaitMs,
    ahead,
    barrier: run.barrier,
  }
  const text = from.map((f) => `${f.partition}:${f.from}`).join(' ')
  const work = background(() => pollBatch.executeWithOptions({ summary: `${run.table} from ${shortened(text)}` }, [job]))
  return { work, from, flushes }
}

function write(run: Run, ranges: readonly OffsetRange[], head: readonly Position[]): Promise<Receipt[]> {
  const { topic, epoch } = run.opened!
  const limits = limitsOf(run)!
  const at = new Map(head.map((p) => [p.partition, p]))
  return together(
    ranges.map((range) => () => {
      const { base, day, high } = at.get(range.partition)!
      const job = { table: run.table, topic, epoch, ...range, base, day, limits, ...(high !== undefined && { high }) }
      return writeParquet.executeWithOptions({ summary: `${run.table} ${rangesText([range])}` }, [job])
    }),
  )
}

/** Never left behind half-way: cancelling the workflow does not cancel a commit. */
function startCommit(run: Run, receipts: readonly Receipt[]): Background<Committed> {
  const { topic, epoch } = run.opened!
  const ranges = receipts.map((r) => ({ partition: r.partition, from: r.base, to: r.next }))
  const rows = receipts.reduce((sum, r) => sum + (r.link?.rows ?? 0), 0)
  const summary = shortened(`${run.table} ${rows} rows ${rangesText(ranges)}`)
  const job = { table: run.table, topic, epoch, receipts }
  return background(() => commitOffsets.executeWithOptions({ summary }, [job]), { cancellable: false })
}

function note(run: Run, done: Committed): readonly Position[] {
  run.state = committed(run.state, done, now())
  const lag = done.newestSourceTs === null ? null : Math.max(0, Math.round(Date.now() / 1000 - Number(done.newestSourceTs) / 1e6))
  show(run, lag)
  return done.positions
}

function noteIfGood(run: Run, running: Background<Committed>): void {
  try {
    note(run, running.take())
  } catch {
    // The failure that is already on its way is told; this one shows again when the table is opened.
  }
}

export function carrier(): { workflowId: string; firstRunId: string } {
  const { workflowId, firstExecutionRunId } = workflowInfo()
  return { workflowId, firstRunId: firstExecutionRunId }
}

function shortened(text: string): string {
  return text.length <= 200 ? text : `${text.slice(0, 199)}…`
}
