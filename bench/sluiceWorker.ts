/** Sluice as users run it: built, a worker process of its own, tables started and asked through Temporal. */
import { randomUUID } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Client, Connection } from '@temporalio/client'
import { endProcess } from '../scripts/stack/processes.ts'
import { projectRoot } from '../scripts/stack/places.ts'
import { runTool } from '../scripts/stack/tools.ts'
import { startWorker, type WorkerStack } from '../scripts/stack/worker.ts'
import type { TableStatus } from '../src/core/tableState.ts'
import { filesBelow } from './bucket.ts'
import { meter } from './meter.ts'
import type { Contender } from './part.ts'
import { declaration, type BenchTopic } from './topic.ts'

export interface SluicePlan {
  readonly topicPrefix: string
  readonly database: string
  /** More of the worker's environment: batch limits, memory budget, an endpoint with a proxy in between. */
  readonly env?: Readonly<Record<string, string>>
  /** tables.yaml; the declared bookings unless given. */
  readonly tables?: string
  /** Node's own options, such as --cpu-prof. */
  readonly nodeOptions?: readonly string[]
  /** Another worker of this pipeline: it shares queue and lake. */
  readonly beside?: Sluice
}

export interface Sluice {
  /** Names pipeline, task queue and folder in the lake. */
  readonly id: string
  readonly pid: number
  readonly client: Client
  readonly log: string
  /** Where a table stands, below the bucket. */
  prefixOf(table: string): string
  workflowId(table: string): string
  /** Starts the workflow of a table. */
  start(table: string): Promise<void>
  /** Resolves once everything that was readable at the call is committed. */
  flush(table: string): Promise<TableStatus>
  status(table: string): Promise<TableStatus>
  /** Ends the worker in its own way: what it writes at its end is there afterwards. Tables are left as they are. */
  stop(): Promise<void>
}

let workers = 0
let built: Promise<unknown> | null = null

/** As `npm start` does before it starts the worker; once a bench. */
function build(): Promise<unknown> {
  return runTool(process.execPath, ['scripts/build.mjs'], { cwd: projectRoot })
}

/** What `npm start` gives to Node: environment and arguments. */
function started(): { readonly env: Readonly<Record<string, string>>; readonly args: readonly string[] } {
  const { scripts } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as { scripts: { start: string } }
  const [environment = '', command = ''] = scripts.start.split(' node ')
  const variables = [...environment.matchAll(/(\w+)=(\S+)/g)].map(([, name, value]) => [name, value] as const)
  return { env: Object.fromEntries(variables) as Record<string, string>, args: command.split(' ') }
}

/** Resolves when the worker is ready for its first table. */
export async function startSluice(stack: WorkerStack, plan: SluicePlan): Promise<Sluice> {
  const id = plan.beside?.id ?? `sluice-${randomUUID().slice(0, 8)}`
  const name = `worker-${++workers}`
  const lakePrefix = `bench/${id}`
  const tables = join(stack.dir, `${id}.yaml`)
  writeFileSync(tables, plan.tables ?? declaration())
  const { topicPrefix, database, nodeOptions = [] } = plan
  const own = { CDC_PIPELINE: id, CDC_TASK_QUEUE: id, CDC_CONFIG: tables, CDC_SEARCH_ATTRIBUTES: 'false' }
  await (built ??= build())
  const start = started()
  const env = { ...start.env, ...own, ...plan.env }
  const program = [...nodeOptions, ...start.args]
  const worker = await startWorker(stack, { name, topicPrefix, database, lakePrefix, env, program })
  const connection = await Connection.connect({ address: stack.temporal.address })
  const client = new Client({ connection, namespace: stack.temporal.namespace })
  const workflowId = (table: string) => `tableCdc/${id}/${table}`
  const handle = (table: string) => client.workflow.getHandle(workflowId(table))
  return {
    id,
    pid: worker.pid,
    client,
    log: worker.log,
    prefixOf: (table) => `${lakePrefix}/${database}/${table.replace('.', '/')}`,
    workflowId,
    start: async (table) => {
      await client.workflow.start('tableCdc', { workflowId: workflowId(table), taskQueue: id, args: [{ table }] })
    },
    flush: (table) => handle(table).executeUpdate<TableStatus, []>('flush'),
    status: (table) => handle(table).query<TableStatus, []>('status'),
    async stop() {
      await connection.close()
      await endProcess(worker.pid, worker.mark, 'SIGTERM', 30_000)
    },
  }
}

/** Starts the topic's table and waits until all of it is committed. Throws where rows are missing. */
export async function catchUp(sluice: Sluice, { table, changes }: BenchTopic): Promise<TableStatus> {
  await sluice.start(table)
  const status = await sluice.flush(table)
  if (status.rows !== changes) throw new Error(`${status.rows} rows of ${changes} stand in the lake; see ${sluice.log}`)
  return status
}

/** Each run has a worker, a pipeline and a folder of its own. */
export function sluiceContender(stack: WorkerStack, env: Readonly<Record<string, string>> = {}): Contender {
  return {
    name: 'Sluice',
    async run(topic) {
      const sluice = await startSluice(stack, { ...topic, env })
      try {
        const cost = meter(sluice.pid)
        await catchUp(sluice, topic)
        const usage = cost.stop()
        return { ...usage, ...(await filesBelow(stack.s3, sluice.prefixOf(topic.table))) }
      } finally {
        await sluice.stop()
      }
    },
  }
}
