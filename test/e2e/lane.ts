/**
 * One way from Kafka to a lake of its own: a pipeline name, a task queue, a lake prefix, workers that can be killed. Many lanes
 * carry the same topics at a time, so that faults are tried side by side; both sides are compared once the database rests.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client, Connection, type WorkflowHandle } from '@temporalio/client'
import { drainDatabase } from '../../scripts/demo/drain.ts'
import { runLoad } from '../../scripts/demo/load.ts'
import { endProcess, hasEnded } from '../../scripts/stack/processes.ts'
import type { PartRecord } from '../../scripts/stack/runfile.ts'
import { startWorker } from '../../scripts/stack/worker.ts'
import { compareTable, type Comparison } from '../../scripts/verify/compare.ts'
import { installJournal, type TableKey } from '../../scripts/verify/journal.ts'
import { openLakeReader } from '../../scripts/verify/lakeReader.ts'
import type { TableStatus } from '../../src/core/tableState.ts'
import { freshDatabase, registerConnector, stackFacts, withClient, type TestDatabase } from './harness.ts'

export const bookings: TableKey = { table: 'bookings', key: ['booking_id'] }

/** A database under load whose changes are in Kafka; `atRest` resolves when the load is over and all of it is in Kafka. */
export interface Source {
  readonly database: TestDatabase
  readonly atRest: Promise<void>
}

export async function sourceUnderLoad(name: string, seconds: number): Promise<Source> {
  const database = await freshDatabase(name)
  await withClient(database.url, (client) => installJournal(client, [bookings]))
  await registerConnector(database, ['public.bookings'])
  const atRest = (async () => {
    const signal = new AbortController().signal
    await runLoad(database.url, { writers: 3, untilMs: Date.now() + seconds * 1000, signal }, () => {})
    await withClient(database.url, drainDatabase)
  })()
  atRest.catch(() => undefined)
  return { database, atRest }
}

export interface Lane {
  readonly id: string
  readonly client: Client
  /** Where a table of schema public stands in the lake. */
  readonly rootOf: (table: string) => string
  readonly worker: (env?: Record<string, string>) => Promise<PartRecord>
  readonly start: (workflowId?: string, input?: { readonly table: string }) => Promise<WorkflowHandle>
  /** Starts a table of schema public under the workflow id that Sluice gives it. */
  readonly carry: (table: string) => Promise<WorkflowHandle>
  /** The same, with the one row of its snapshot in the lake. */
  readonly flowing: (table: string) => Promise<WorkflowHandle>
  /** The topic of a table of schema public. */
  readonly topicOf: (table: string) => string
  /** Waits until the table has committed so many batches. */
  readonly batches: (handle: WorkflowHandle, least: number) => Promise<void>
  /** Waits for the source's rest, flushes, and compares both sides. */
  readonly verdict: (handle: WorkflowHandle, table?: TableKey) => Promise<Comparison>
  readonly close: () => Promise<void>
}

export async function openLane(source: Source, fault: string): Promise<Lane> {
  const stack = stackFacts()
  const { database } = source
  const id = `${fault}-${randomUUID().slice(0, 6)}`
  const lakePrefix = `${database.bucketPrefix}/${id}`
  const connection = await Connection.connect({ address: stack.temporal.address })
  const client = new Client({ connection, namespace: stack.temporal.namespace })
  const rootOf = (table: string) => `s3://${stack.s3.bucket}/${lakePrefix}/${database.database}/public/${table}`
  const workers: PartRecord[] = []
  const start = async (workflowId = `tableCdc/${id}/public.bookings`, input = { table: 'bookings' }) => {
    await client.workflow.start('tableCdc', { workflowId, taskQueue: id, args: [input] })
    return client.workflow.getHandle(workflowId)
  }
  const carry = (table: string) => start(`tableCdc/${id}/public.${table}`, { table })

  return {
    id,
    client,
    rootOf,
    start,
    carry,
    async flowing(table) {
      const handle = await carry(table)
      await until(async () => (await statusOf(handle)).rows === 1, 60_000)
      return handle
    },
    topicOf: (table) => `${database.topicPrefix}.public.${table}`,
    async worker(env = {}) {
      const own = {
        CDC_PIPELINE: id,
        CDC_TASK_QUEUE: id,
        CDC_BATCH_MAX_ROWS: '2500',
        CDC_BATCH_MAX_AGE: '250ms',
        CDC_BATCHES_PER_RUN: '25',
        CDC_SEARCH_ATTRIBUTES: 'false',
        ...env,
      }
      const name = `worker-${id}-${workers.length + 1}`
      const { database: db, topicPrefix } = database
      const worker = await startWorker(stack, { name, topicPrefix, database: db, lakePrefix, env: own })
      workers.push(worker)
      return worker
    },
    batches: (handle, least) => until(async () => (await statusOf(handle)).batches >= least, 90_000),
    async verdict(handle, table = bookings) {
      await source.atRest
      await handle.executeUpdate('flush')
      const lake = await openLakeReader(stack.s3)
      try {
        const compared = await withClient(database.url, (db) => compareTable(db, lake, { ...table, root: rootOf(table.table) }))
        const { expected, delta, glob } = compared
        console.log(
          `${fault}: expected ${expected}, found ${delta.found}, twice ${glob.twice}, missing ${Math.max(delta.missing, glob.missing)}`,
        )
        return compared
      } finally {
        lake.close()
      }
    },
    async close() {
      await Promise.all(workers.map((worker) => endProcess(worker.pid, worker.mark, 'SIGKILL', 5000)))
      await connection.close()
    },
  }
}

/** Nothing missing, nothing twice, nothing out of order, by Delta and by glob. */
const flawless = { missing: 0, surplus: 0, misplaced: 0, twice: 0 }
export const exactlyOnce = { delta: flawless, glob: flawless, stateMissing: 0, stateSurplus: 0, equal: true }

export async function statusOf(handle: WorkflowHandle): Promise<TableStatus> {
  return await handle.query<TableStatus, []>('status')
}

/** A query may be refused while no worker runs: that is only asked again. */
export async function until(holds: () => Promise<boolean>, withinMs: number): Promise<void> {
  const deadline = Date.now() + withinMs
  for (;;) {
    if (await holds().catch(() => false)) return
    if (Date.now() > deadline) throw new Error(`not so after ${withinMs / 1000} s`)
    await sleep(100)
  }
}

export async function died(worker: PartRecord): Promise<void> {
  if (!(await hasEnded(worker.pid, worker.mark, 120_000))) throw new Error(`${worker.part} still runs`)
}
