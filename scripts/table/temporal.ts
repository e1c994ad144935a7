/** The command line's door to Temporal: the same environment and temporal.toml as the `temporal` command reads. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Client, Connection, WorkflowFailedError, WorkflowNotFoundError, type WorkflowHandle } from '@temporalio/client'
import { ApplicationFailure } from '@temporalio/common'
import { loadClientConnectConfig } from '@temporalio/envconfig'
import { failureRules, isFailureCode } from '../../src/core/failures.ts'
import type { TableStatus } from '../../src/core/tableState.ts'
import { Finding } from './finding.ts'
import type { Retrying } from './screens.ts'

export interface Temporal {
  readonly client: Client
  readonly connection: Connection
  readonly address: string
  readonly namespace: string
  readonly close: () => Promise<void>
}

export async function connectTemporal(): Promise<Temporal> {
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig()
  const address = connectionOptions.address ?? '127.0.0.1:7233'
  try {
    const connection = await Connection.connect({ ...connectionOptions, address, connectTimeout: '5s' })
    const client = new Client({ connection, namespace })
    return { client, connection, address, namespace, close: () => connection.close() }
  } catch (error) {
    const why = ((error as Error).message.split('\n')[0] ?? '').replace(/\.$/, '')
    throw new Finding(`Temporal cannot be reached at ${address} (${why}): start it, or set TEMPORAL_ADDRESS or TEMPORAL_PROFILE.`)
  }
}

/** How a workflow stands: `null` where there is none of that id. */
export async function describe(temporal: Temporal, workflowId: string) {
  try {
    const { status, raw, runId } = await temporal.client.workflow.getHandle(workflowId).describe()
    const pending = (raw.pendingActivities ?? []).find(({ attempt, lastFailure }) => (attempt ?? 1) > 1 && lastFailure)
    return {
      state: status.name as string,
      running: status.name === 'RUNNING',
      firstRunId: raw.workflowExecutionInfo?.firstRunId || runId,
      retrying: pending ? retryingOf(pending) : null,
    }
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null
    throw error
  }
}

interface Pending {
  readonly activityType?: { readonly name?: string | null } | null
  readonly attempt?: number | null
  readonly lastFailure?: {
    readonly message?: string | null
    readonly applicationFailureInfo?: { readonly type?: string | null } | null
  } | null
}

function retryingOf({ activityType, attempt, lastFailure }: Pending): Retrying {
  const type = lastFailure?.applicationFailureInfo?.type
  return {
    activity: activityType?.name ?? 'activity',
    attempt: attempt ?? 1,
    message: lastFailure?.message ?? '',
    hint: isFailureCode(type) ? failureRules[type].hint : null,
  }
}

/** A worker asked for work lately. Pollers come back at least once a minute. */
export async function workerPolls({ client, namespace }: Temporal, taskQueue: string): Promise<boolean> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace,
    taskQueue: { name: taskQueue },
    taskQueueType: 1,
  })
  return (pollers ?? []).some(({ lastAccessTime }) => Date.now() - Number(lastAccessTime?.seconds ?? 0) * 1000 < 90_000)
}

export function noWorker({ namespace }: Temporal, taskQueue: string): Finding {
  return new Finding(`No worker polls task queue ${taskQueue} in namespace ${namespace}, so nobody can answer for the table.`, {
    hint: 'Start one: npm start. If one runs, compare its TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE and CDC_TASK_QUEUE.',
  })
}

/** Why a closed execution failed, with its code and hint where it has them. */
export async function failureOf(handle: WorkflowHandle, workflowId: string, state: string): Promise<Finding> {
  const error: unknown = await handle.result().catch((failed: unknown) => failed)
  const cause = error instanceof WorkflowFailedError ? error.cause : null
  const message = cause?.message ?? `it is ${state.toLowerCase()}`
  if (!(cause instanceof ApplicationFailure) || !isFailureCode(cause.type)) {
    return new Finding(`Workflow ${workflowId} has ended: ${message}`)
  }
  const [details] = (cause.details ?? []) as [{ hint?: string }?]
  return new Finding(`Workflow ${workflowId} has failed: ${message}`, {
    code: cause.type,
    hint: details?.hint ?? failureRules[cause.type].hint,
  })
}

export function statusOf(handle: WorkflowHandle): Promise<TableStatus> {
  return handle.query<TableStatus>('status')
}

/** Looks again and again until something is found or the time is over; then null. */
export async function lookUntil<T>(deadline: number, look: () => Promise<T | null>): Promise<T | null> {
  for (;;) {
    const found = await look()
    if (found !== null) return found
    if (Date.now() > deadline) return null
    await sleep(200)
  }
}
