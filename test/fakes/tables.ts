/** Tables carried by the shipped workflow and activities over rooms made of memory, on a real Temporal server. */
import { randomUUID } from 'node:crypto'
import { Client, Connection, type WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client'
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js'
import { DefaultLogger, NativeConnection, Runtime, bundleWorkflowCode, type WorkflowBundle } from '@temporalio/worker'
import { createActivities, type Activities } from '../../src/activities/index.ts'
import type { TableStatus } from '../../src/core/tableState.ts'
import { temporalClaims } from '../../src/workers/claims.ts'
import { tableWorker, workflowsPath } from '../../src/workers/tableWorker.ts'
import type { tableCdc } from '../../src/workflows/index.ts'
import { fakeConfig, fakeRooms, pause, type FakeRooms } from './rooms.ts'

export interface TemporalFacts {
  readonly address: string
  readonly namespace: string
}

export interface FakeTables {
  readonly client: Client
  readonly rooms: FakeRooms
  readonly taskQueue: string
  readonly pipeline: string
  start(input: unknown, workflowId?: string): Promise<WorkflowHandleWithFirstExecutionRunId<typeof tableCdc>>
  history(workflowId: string, runId?: string): Promise<HistoryEvent[]>
  /** Stops the worker and starts another one, as a new process would. */
  restart(): Promise<void>
  stop(): Promise<void>
}

export interface HistoryEvent {
  readonly eventType: string
  readonly [field: string]: unknown
}

let bundle: Promise<WorkflowBundle> | undefined

export function workflowBundle(): Promise<WorkflowBundle> {
  return (bundle ??= bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') }))
}

/** Each with a pipeline and a task queue of its own, so that tests share a server and nothing else. */
export async function fakeTables(
  temporal: TemporalFacts,
  options: { env?: Record<string, string>; change?: (activities: Activities) => Activities } = {},
): Promise<FakeTables> {
  quiet()
  const pipeline = `p${randomUUID().slice(0, 8)}`
  const taskQueue = `cdc-${pipeline}`
  const rooms = fakeRooms()
  const { address, namespace } = temporal
  const native = await NativeConnection.connect({ address })
  const connection = await Connection.connect({ address })
  const client = new Client({ connection, namespace })
  const made = createActivities({
    config: fakeConfig({ CDC_PIPELINE: pipeline, ...options.env }),
    kafka: rooms.kafka,
    lake: rooms.lake,
    carry: rooms.carry,
    claims: temporalClaims(native, namespace, taskQueue),
    reach: () => {},
  })
  const activities = options.change?.(made) ?? made

  const startWorker = async () => {
    const worker = await tableWorker({ connection: native, namespace, taskQueue, activities, bundle: await workflowBundle() })
    return { worker, running: worker.run() }
  }
  let current = await startWorker()
  const stopWorker = async () => {
    if (current.worker.getState() === 'RUNNING') current.worker.shutdown()
    await current.running
  }
  return {
    client,
    rooms,
    taskQueue,
    pipeline,
    start: (input, workflowId = `t-${randomUUID()}`) =>
      client.workflow.start<typeof tableCdc>('tableCdc', { taskQueue, workflowId, args: [input as { table: string }] }),
    async history(workflowId, runId) {
      const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory()
      return (JSON.parse(historyToJSON({ events: events ?? [] })) as { events: HistoryEvent[] }).events
    },
    async restart() {
      await stopWorker()
      current = await startWorker()
    },
    async stop() {
      await stopWorker()
      await connection.close()
      await native.close()
    },
  }
}

let quieted = false
function quiet(): void {
  if (quieted) return
  quieted = true
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { forward: {}, filter: 'ERROR' } },
  })
}

/** Waits until it holds; the test's own time limit ends the waiting. */
export async function until<T>(look: () => Promise<T | null | undefined | false> | T | null | undefined | false): Promise<T> {
  for (;;) {
    const found = await look()
    if (found) return found
    await pause(25)
  }
}

export function statusOf(handle: { query: (name: string) => Promise<unknown> }): Promise<TableStatus> {
  return handle.query('status') as Promise<TableStatus>
}
