/** The claim's door to Temporal (DESIGN §3). Everything is read from mutable state, never from visibility, which lags. */
import { Client, WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError, type ConnectionLike } from '@temporalio/client'
import type { Claims } from '../activities/deps.ts'
import type { Carrier } from '../core/jobs.ts'
import type { tableClaim } from '../workflows/index.ts'

export function temporalClaims(connection: ConnectionLike, namespace: string, taskQueue: string): Claims {
  const { workflow } = new Client({ connection, namespace })
  return {
    async start(workflowId, holder) {
      try {
        await workflow.start<typeof tableClaim>('tableClaim', {
          workflowId,
          taskQueue,
          memo: { ...holder },
          workflowIdConflictPolicy: 'FAIL',
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          staticSummary: `held by ${holder.workflowId}`,
        })
        return true
      } catch (error) {
        if (error instanceof WorkflowExecutionAlreadyStartedError) return false
        throw error
      }
    },

    describe: (workflowId) =>
      found(async () => {
        const { status, runId, memo } = await workflow.getHandle(workflowId).describe()
        return { running: status.name === 'RUNNING', runId, holder: holderOf(memo) }
      }),

    runningFirstRunId: (workflowId) =>
      found(async () => {
        const { status, runId, raw } = await workflow.getHandle(workflowId).describe()
        if (status.name !== 'RUNNING') return null
        return raw.workflowExecutionInfo?.firstRunId || runId
      }),

    async terminate(workflowId, runId, reason) {
      await found(() => workflow.getHandle(workflowId, runId).terminate(reason))
    },
  }
}

async function found<T>(call: () => Promise<T>): Promise<T | null> {
  try {
    return await call()
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null
    throw error
  }
}

function holderOf(memo: Record<string, unknown> | undefined): Carrier | null {
  const { workflowId, firstRunId } = memo ?? {}
  return typeof workflowId === 'string' && typeof firstRunId === 'string' ? { workflowId, firstRunId } : null
}
