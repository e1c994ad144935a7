/** The workflow of each table, seen and handled from outside as a person at the command line would. */
import { setTimeout as sleep } from 'node:timers/promises'
import { WorkflowNotFoundError, type Client, type WorkflowHandle } from '@temporalio/client'
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js'
import type { TableStatus } from '../../src/core/tableState.ts'
import type { TemporalFacts } from '../stack/temporal.ts'
import type { RunHistory } from './story.ts'

export interface Carriers {
  readonly client: Client
  readonly temporal: TemporalFacts
  readonly tables: readonly string[]
  readonly idOf: (table: string) => string
  readonly handle: (table: string) => WorkflowHandle
  /** Of the runs of a table's workflow, the newest first. */
  readonly histories: (table: string) => AsyncIterable<RunHistory>
  /** Starts a table's workflow; harmless while it runs. */
  readonly start: (table: string) => Promise<void>
  readonly startAll: () => Promise<void>
  /** Waits until the workflow is closed, and says how. */
  readonly closed: (table: string, withinMs: number) => Promise<string>
  /** While a fault handles a table, nobody complains that it does not run. Ends with the work. */
  readonly inHand: <T>(table: string, work: () => Promise<T>) => Promise<T>
  /** What a person would have to mend: tables that are blocked, failed or ended though nobody asked for it. Mends it, too. */
  readonly troubles: () => Promise<string[]>
}

export function openCarriers(
  client: Client,
  { name, tables, temporal }: { name: string; tables: readonly string[]; temporal: TemporalFacts },
): Carriers {
  const held = new Set<string>()
  const idOf = (table: string) => `tableCdc/${name}/public.${table}`
  const handle = (table: string) => client.workflow.getHandle(idOf(table))
  const start = async (table: string) => {
    await client.workflow.start('tableCdc', {
      workflowId: idOf(table),
      taskQueue: name,
      args: [{ table }],
      workflowIdConflictPolicy: 'USE_EXISTING',
    })
  }

  async function trouble(table: string): Promise<string | null> {
    if (held.has(table)) return null
    const { status } = await handle(table).describe()
    if (held.has(table)) return null
    if (status.name !== 'RUNNING') {
      const why: unknown = await handle(table)
        .result()
        .catch((error: unknown) => ((error as Error).cause as Error | undefined)?.message ?? (error as Error).message)
      await start(table)
      return `${table} is ${status.name} though nobody ended it: ${typeof why === 'string' ? why : JSON.stringify(why)}`
    }
    const { block } = await client.withDeadline(Date.now() + 5000, () => handle(table).query<TableStatus, []>('status'))
    if (!block || held.has(table)) return null
    await handle(table).executeUpdate('resume', { args: [null] })
    return `${table} was parked by ${block.code}: ${block.message}`
  }

  return {
    client,
    temporal,
    tables,
    idOf,
    handle,
    async *histories(table) {
      const workflowId = idOf(table)
      for await (const { runId } of client.workflow.list({ query: `WorkflowId = '${workflowId}'` })) {
        const history = await client.workflow.getHandle(workflowId, runId).fetchHistory()
        yield { workflowId, runId, json: historyToJSON(history) }
      }
    },
    start,
    async startAll() {
      for (const table of tables) await start(table)
    },
    async closed(table, withinMs) {
      const deadline = Date.now() + withinMs
      for (;;) {
        const { status } = await handle(table).describe()
        if (status.name !== 'RUNNING') return status.name
        if (Date.now() > deadline) throw new Error(`${idOf(table)} still runs after ${withinMs / 1000} s`)
        await sleep(100)
      }
    },
    async inHand(table, work) {
      held.add(table)
      try {
        return await work()
      } finally {
        held.delete(table)
      }
    },
    async troubles() {
      // Whoever cannot be asked just now is asked again the next time.
      const found = await Promise.all(tables.map((table) => trouble(table).catch(unasked)))
      return found.filter((text) => text !== null)
    },
  }
}

function unasked(error: unknown): string | null {
  return error instanceof WorkflowNotFoundError ? `a workflow is gone from Temporal: ${error.message}` : null
}
