/** `npm run backfill`: the rows of a table read again by the connector, while it streams, and carried into the lake. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { WorkflowUpdateFailedError, type WorkflowHandle } from '@temporalio/client'
import type { Client } from 'pg'
import type { Config } from '../../src/config/config.ts'
import { configOfProcess, controlOfProcess } from '../../src/config/process.ts'
import { resolveTable } from '../../src/config/tables.ts'
import type { Position } from '../../src/core/receipts.ts'
import type { TableStatus } from '../../src/core/tableState.ts'
import { openKafka } from '../../src/kafka/door.ts'
import { kafkaSettings } from '../../src/workers/doors.ts'
import { carrierOf } from '../table/carrier.ts'
import { Finding } from '../table/finding.ts'
import type { Answer } from '../table/output.ts'
import { count, span } from '../table/screens.ts'
import { withSource } from '../table/source.ts'
import { connectTemporal, noWorker, statusOf, workerPolls, type Temporal } from '../table/temporal.ts'
import type { BackfillCommand } from './commandLine.ts'
import { among, anyRow, askForSnapshot, readable, standing, type SourceTable } from './database.ts'
import { openLakeRows, type LakeRows, type ReadAgain } from './lakeRows.ts'
import { signalsFromHere, type Signals } from './signals.ts'
import { untilVisible, visibleNow } from './visibility.ts'

/** `say` hears how far it is. Throws `Finding` for what a person can mend. */
export async function runBackfill(
  { table: name, where, patienceMs }: BackfillCommand,
  say: (line: string) => void,
): Promise<Answer> {
  const config = configOfProcess()
  const { name: table, schema, table: bare, root } = resolveTable(config, name)
  const temporal = await connectTemporal()
  try {
    const handle = await carrying(temporal, table)
    const source = { schema, table: bare, where }
    return await withSource(config.pipeline.database, (database) =>
      readAgain({ config, handle, database, source, table, root, patienceMs, say }),
    )
  } finally {
    await temporal.close()
  }
}

/** The workflow of the table, flowing. */
async function carrying(temporal: Temporal, table: string): Promise<WorkflowHandle> {
  const control = controlOfProcess()
  const workflowId = await carrierOf(temporal, control, table)
  if (!(await workerPolls(temporal, control.taskQueue))) throw noWorker(temporal, control.taskQueue)
  const handle = temporal.client.workflow.getHandle(workflowId)
  refuseStanding(await statusOf(handle))
  return handle
}

function refuseStanding({ table, health, block }: TableStatus): void {
  if (health === 'running') return
  throw new Finding(`${table} does not flow: it is ${block ? `blocked by ${block.code}` : health}.`, {
    hint: block?.hint ?? `Let it go on: npm run table -- resume ${table}.`,
    code: block?.code ?? null,
  })
}

interface Place {
  readonly config: Config
  readonly handle: WorkflowHandle
  readonly database: Client
  readonly source: SourceTable
  readonly table: string
  readonly root: string
  readonly patienceMs: number
  readonly say: (line: string) => void
}

async function readAgain(place: Place): Promise<Answer> {
  const { config, handle, database, source, table, root, say } = place
  const expected = await readable(database, source)
  const kafka = openKafka(kafkaSettings(config))
  const rows = await openLakeRows(config, root)
  const startedAt = Date.now()
  try {
    const reading = { rows, signals: await signalsFromHere(kafka, config.pipeline.topicPrefix) }
    const since = (await statusOf(handle)).positions
    say(`${table}: the connector is asked to read about ${count(expected)} rows again`)
    let late = await readOnce(place, reading, source, expected)
    const carried = await rows.count(since)
    if (carried === 0 && (await anyRow(database, source))) throw unread(table)
    while (late.length > 0) late = await readLate(place, reading, late)
    const lost = await standing(database, source, rows.key, await rows.undead(since))
    if (lost > 0) throw undead(table, lost)
    const { lastCommit } = await statusOf(handle)
    const ms = Date.now() - startedAt
    const text = `${table}: ${count(carried)} rows were read again and are in the lake, after ${span(ms)}`
    return { exit: 0, text, json: { table, where: source.where, rows: carried, ms, version: lastCommit?.version } }
  } finally {
    rows.close()
    await kafka.close()
  }
}

interface Reading {
  readonly rows: LakeRows
  readonly signals: Signals
}

/** Until the lake has what was read. Answers with the rows of which an older state may have been read than was streamed before. */
async function readOnce(place: Place, reading: Reading, source: SourceTable, expected: number): Promise<ReadAgain[]> {
  const { handle, database, say } = place
  const since = (await statusOf(handle)).positions
  const visible = await visibleNow(database)
  const id = randomUUID()
  await askForSnapshot(database, id, source)
  await untilRead(place, { ...reading, id, expected, since })
  say('the connector has read all of them; waiting until the lake has them')
  await flushed(handle)
  return reading.rows.overtaken(since, visible)
}

/** So many keys in one condition. */
const mostKeys = 10_000

async function readLate(place: Place, reading: Reading, late: readonly ReadAgain[]): Promise<ReadAgain[]> {
  const { database, source, table, patienceMs, say } = place
  const now = late.slice(0, mostKeys)
  say(`${count(late.length)} rows changed just when they were read: they are read once more`)
  if (!(await untilVisible(database, [...new Set(now.map(({ tx }) => tx))], patienceMs))) throw unseen(table, patienceMs)
  const where = among(database, reading.rows.key, now)
  return [...late.slice(mostKeys), ...(await readOnce(place, reading, { ...source, where }, now.length))]
}

/** Says how far it is until the connector has read the table. */
async function untilRead(
  place: Place,
  { id, expected, since, rows, signals }: Reading & { id: string; expected: number; since: readonly Position[] },
): Promise<void> {
  const { handle, patienceMs, table, say } = place
  let [heardAt, carried] = [Date.now(), 0]
  for (;;) {
    const { heard, done } = await signals.next(id)
    if (done) return
    refuseStanding(await statusOf(handle))
    const now = await rows.count(since)
    if (now > carried) say(`${count(now)} of about ${count(expected)} rows are in the lake`)
    if (heard || now > carried) heardAt = Date.now()
    if (Date.now() - heardAt > patienceMs) throw silent(table, patienceMs)
    carried = now
    await sleep(1000)
  }
}

function silent(table: string, patienceMs: number): Finding {
  return new Finding(`Nothing was heard of the connector for ${span(patienceMs)}; it may still read ${table} again.`, {
    hint:
      'Look whether its task runs (GET /connectors/<name>/status at Kafka Connect), and whether it has signal.data.collection=cdc.signal ' +
      'and table.include.list with cdc.signal, as docker/connect/sluice-source.json has.',
  })
}

function unread(table: string): Finding {
  return new Finding(`The connector read no row of ${table}, though there are some.`, {
    hint: `Look whether its table.include.list has ${table}; its log says why it passed over a table.`,
  })
}

function unseen(table: string, patienceMs: number): Finding {
  return new Finding(
    `The connector has streamed changes of ${table} that the database does not show yet, after ${span(patienceMs)}: rows that were read again may be older.`,
    {
      hint: 'A commit that waits for a synchronous standby is such a change: look at pg_stat_activity for wait_event SyncRep, then run the backfill again.',
    },
  )
}

function undead(table: string, rows: number): Finding {
  return new Finding(
    `${rows === 1 ? '1 row' : `${count(rows)} rows`} of ${table} ${rows === 1 ? 'is' : 'are'} in the database, though the last that was streamed is a delete: the connector missed an insert, and ${table}_now does not show it.`,
    {
      hint: 'Touch such rows: UPDATE ... SET ... is carried as any change. The log of changes has them with __snapshot incremental.',
    },
  )
}

async function flushed(handle: WorkflowHandle): Promise<void> {
  try {
    await handle.executeUpdate<TableStatus, []>('flush')
  } catch (error) {
    if (error instanceof WorkflowUpdateFailedError) throw new Finding(error.cause?.message ?? error.message)
    throw error
  }
}
