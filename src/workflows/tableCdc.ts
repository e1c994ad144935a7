/**
 * `tableCdc`: carries one table for as long as it is wanted. The log in the lake is the truth, this history its memory:
 * every run begins by adopting the position in the log, so that a lost, reset or terminated history resumes exactly.
 */
import { CancellationScope, condition, continueAsNew, allHandlersFinished } from '@temporalio/workflow'
import { parseInput, type TableInput } from '../core/tableInput.ts'
import { carrier, carryBatches } from './batches.ts'
import { background } from './background.ts'
import { handleMessages } from './messages.ts'
import { blockOf, causeOf } from './parking.ts'
import { claimTable, openTable, releaseClaim } from './proxies.ts'
import { change, newRun, now, show, status, type Run } from './run.ts'
import type { TableStatus } from '../core/tableState.ts'

export async function tableCdc(input: TableInput): Promise<TableStatus> {
  const run = begin(input)
  handleMessages(run)
  const claim = { table: run.table, carrier: carrier() }
  try {
    await claimTable.executeWithOptions({ summary: run.table }, [claim])
  } catch (error) {
    throw causeOf(error)
  }

  const release = () => CancellationScope.nonCancellable(() => releaseClaim(claim).catch(() => undefined))
  let next: 'stop' | 'again'
  try {
    next = await live(run)
  } catch (error) {
    await release()
    throw causeOf(error)
  }
  if (next === 'again') return continueAsNew<typeof tableCdc>({ table: run.table, state: run.state })

  await release()
  change(run, { stopped: true, block: null })
  await condition(allHandlersFinished)
  return status(run)
}

function begin(input: unknown): Run {
  try {
    const { table, state } = parseInput(input)
    return newRun(table, state)
  } catch (error) {
    throw causeOf(error)
  }
}

/** Open, with what somebody decided, carry, park, and again, until somebody stops it or the history is long enough. */
async function live(run: Run): Promise<'stop' | 'again'> {
  for (;;) {
    try {
      if (!(await open(run))) return 'stop'
      const end = await carryBatches(run)
      if (end !== 'decided') return end
    } catch (error) {
      const block = blockOf(error, now())
      if (!block) throw error
      // Where somebody has decided something meanwhile, the failure shows again if it stays.
      if (run.resumeWished === null) change(run, { block })
      await condition(() => run.resumeWished !== null || run.stopWished)
      if (run.stopWished) return 'stop'
    }
  }
}

/** False where somebody wished to stop while the store or Kafka was away. */
async function open(run: Run): Promise<boolean> {
  const wish = run.resumeWished
  run.resumeWished = null
  const job = { table: run.table, decision: wish?.decision ?? null }
  const opening = background(() => openTable.executeWithOptions({ summary: run.table }, [job]))
  await condition(() => opening.done || run.stopWished)
  if (!opening.done) {
    opening.cancel()
    return false
  }
  if (wish) wish.taken = true
  run.opened = opening.take()
  run.barrier = null
  run.state = { ...run.state, positions: run.opened.positions }
  show(run)
  return true
}
