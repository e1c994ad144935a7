/** Waits until everything that PostgreSQL committed so far is in the lake. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Client as TemporalClient, Connection, WorkflowFailedError } from '@temporalio/client'
import type { Client } from 'pg'
import type { TableStatus } from '../../src/core/tableState.ts'
import type { TemporalFacts } from '../stack/temporal.ts'

const patienceMs = 120_000

/**
 * Debezium has confirmed the database's log up to now, twice: all of it is in Kafka, and can be read. For Kafka answers a commit
 * before its marks stand in all partitions, but no transaction after it begins before they do.
 */
export async function drainDatabase(database: Client, withinMs = patienceMs): Promise<void> {
  await confirmed(database, withinMs)
  await confirmed(database, withinMs)
}

/** A heartbeat moves a quiet slot. */
async function confirmed(database: Client, withinMs: number): Promise<void> {
  const deadline = Date.now() + withinMs
  const { rows } = await database.query<{ lsn: string }>('SELECT pg_current_wal_insert_lsn() AS lsn')
  for (;;) {
    await database.query('UPDATE cdc.heartbeat SET beat_at = now()')
    const slots = await database.query<{ done: boolean }>(
      'SELECT confirmed_flush_lsn >= $1::pg_lsn AS done FROM pg_replication_slots WHERE database = current_database()',
      [rows[0]!.lsn],
    )
    if (slots.rows.length > 0 && slots.rows.every(({ done }) => done)) return
    if (Date.now() > deadline) throw new Error('Debezium has not read the database to its end: see the log of connect')
    await sleep(100)
  }
}

/** Each table by its own word: `flush` answers once all that was readable at the call is committed. */
export async function drainTables(temporal: TemporalFacts, workflowIds: readonly string[], withinMs = patienceMs): Promise<void> {
  const connection = await Connection.connect({ address: temporal.address })
  try {
    const { workflow } = new TemporalClient({ connection, namespace: temporal.namespace })
    for (const id of workflowIds) {
      const table = workflow.getHandle(id)
      const flushed = table.executeUpdate<TableStatus, []>('flush').catch(async (error: unknown) => {
        const { status } = await table.describe()
        const why: unknown = status.name === 'FAILED' ? await table.result().catch((failed: unknown) => failed) : error
        return new Error(`workflow ${id} (${status.name}): ${reasonOf(why)}`)
      })
      const late = new Error(`workflow ${id} has not flushed after ${withinMs / 1000} s: see the log of the worker`)
      const first = await Promise.race([flushed, sleep(withinMs, late, { ref: false })])
      if (first instanceof Error) throw first
    }
  } finally {
    await connection.close()
  }
}

function reasonOf(error: unknown): string {
  const cause = error instanceof WorkflowFailedError ? error.cause : error
  return cause instanceof Error ? cause.message : String(cause)
}
