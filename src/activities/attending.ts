/** What every activity does around its work: heartbeats on a timer, cancellation passed down, failures told in one way. */
import { activityInfo, Context, log } from '@temporalio/activity'
import { CancelledFailure } from '@temporalio/common'
import type { Provenance } from './deps.ts'
import { toApplicationFailure } from './failures.ts'

const heartbeatMs = 2_000

/**
 * Runs `work` with the signal that says "stop": set when the workflow cancels or the worker shuts down. Work that ends by an
 * error after that counts as cancelled, whatever the error.
 */
export async function attended<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const context = Context.current()
  const signal = context.cancellationSignal
  const beat = setInterval(() => context.heartbeat(), heartbeatMs)
  try {
    return await work(signal)
  } catch (error) {
    if (signal.aborted) await context.cancelled
    if (!(error instanceof CancelledFailure)) log.debug('activity failed', { error })
    throw toApplicationFailure(error)
  } finally {
    clearInterval(beat)
  }
}

export function provenance(): Provenance {
  const { workflowExecution } = activityInfo()
  if (!workflowExecution) throw new Error('not started by a workflow')
  return { workflowId: workflowExecution.workflowId, runId: workflowExecution.runId }
}
