/** What a table costs in Temporal's history, and that nothing stands in it which only the lake and the database may hold. */
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js'
import type { WorkflowHandle } from '@temporalio/client'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readable } from '../../scripts/chaos/oracles/histories.ts'
import { freshDatabase, registerConnector, stackFacts, withClient, type TestDatabase } from './harness.ts'
import { openLane, statusOf, until, type Lane } from './lane.ts'

const canary = 'canary-7f3a'

let database: TestDatabase
let lane: Lane

beforeAll(async () => {
  database = await freshDatabase('history', 'empty')
  for (const table of ['idle', 'busy', 'secretive']) {
    await sql(`CREATE TABLE ${table} (id integer PRIMARY KEY, name text, born date, paid numeric(10,2), photo bytea)`)
    await insert(table, 1, 30)
  }
  await registerConnector(database, ['public.idle', 'public.busy', 'public.secretive'])
  lane = await openLane({ database, atRest: Promise.resolve() }, 'history')
  // Everything at its defaults, since the figures are about them.
  await lane.worker({ CDC_BATCH_MAX_ROWS: '', CDC_BATCH_MAX_AGE: '', CDC_BATCHES_PER_RUN: '', CDC_LOG_LEVEL: 'debug' })
})
afterAll(() => lane.close())

async function sql(text: string): Promise<void> {
  await withClient(database.url, (client) => client.query(text))
}

async function insert(table: string, from: number, to: number): Promise<void> {
  const values = `n, '${canary} ' || n, date '1971-03-01' + n % 9, 777.25, '\\xcafe'`
  await sql(`INSERT INTO ${table} SELECT ${values} FROM generate_series(${from}, ${to}) n`)
}

interface HistoryEvent {
  readonly eventType: string
}

async function historyOf(handle: WorkflowHandle): Promise<{ events: HistoryEvent[]; text: string }> {
  const text = historyToJSON(await handle.fetchHistory())
  return { events: (JSON.parse(text) as { events: HistoryEvent[] }).events, text }
}

/** Carried that far, and nothing more goes on: two seconds have brought no event. */
async function atRest(handle: WorkflowHandle, rows: number): Promise<HistoryEvent[]> {
  await until(async () => (await statusOf(handle)).rows === rows, 60_000)
  let { events } = await historyOf(handle)
  for (;;) {
    await sleep(2000)
    const later = (await historyOf(handle)).events
    if (later.length === events.length) return later
    events = later
  }
}

function byType(events: readonly HistoryEvent[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { eventType } of events) {
    const name = eventType.replace('EVENT_TYPE_', '').toLowerCase()
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}

describe.concurrent('the history of a table', () => {
  test('grows by fewer than ten events in an idle minute', async () => {
    const table = await lane.carry('idle')
    const before = await atRest(table, 30)
    await sleep(60_000)
    const after = (await historyOf(table)).events
    const grown = after.slice(before.length)
    console.log(`history: an idle minute costs ${grown.length} events`, byType(grown))
    expect(grown.length).toBeLessThan(10)
  })

  test('grows by a handful of events for one batch of three partitions', async () => {
    const table = await lane.carry('busy')
    const before = await atRest(table, 30)
    const { batches } = await statusOf(table)
    await insert('busy', 31, 90)
    const after = await atRest(table, 90)
    expect((await statusOf(table)).batches).toBe(batches + 1)
    const grown = byType(after.slice(before.length))
    const total = after.length - before.length
    console.log(`history: one batch of three partitions costs ${total} events, its poll and the next one's start included`, grown)
    // Three writes, one commit and one poll that ended, each in three events; beside them only the workflow's own tasks.
    expect(grown).toMatchObject({ activity_task_completed: 5, activity_task_started: 5, activity_task_scheduled: 5 })
    expect(total).toBeLessThanOrEqual(36)
  })

  test('holds no value of a row, no password and no secret of the store', async () => {
    const table = await lane.carry('secretive')
    await atRest(table, 30)
    await sql(`UPDATE secretive SET name = '${canary} again' WHERE id < 9; DELETE FROM secretive WHERE id = 9`)
    await table.executeUpdate('flush')
    await sql(
      `ALTER TABLE secretive ADD COLUMN odd bit varying(9); INSERT INTO secretive (id, name, odd) VALUES (99, '${canary}', '101')`,
    )
    await until(async () => (await statusOf(table)).health === 'blocked', 60_000)
    const { text } = await historyOf(table)
    const described = JSON.stringify([await table.describe(), await statusOf(table)], (_name, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    )
    const all = `${readable(text)}\n${described}`
    expect(all).toContain('public.secretive')
    expect(all).toContain('writeParquet')
    const { s3, postgres } = stackFacts()
    for (const [what, secret] of Object.entries({
      'a value': canary,
      'a date': '1971-03-0',
      'a decimal': '777.25',
      'bytes in base64': 'yv4=',
      'the secret of the store': s3.secretAccessKey,
      'the key of the store': s3.accessKeyId,
      'the password of the database': postgres.password,
    })) {
      // As a word: the keys of the stack are short ones.
      expect(new RegExp(`(?<![a-zA-Z])${secret.replaceAll('.', '\\.')}(?![a-zA-Z])`).test(all), what).toBe(false)
    }
  })
})
