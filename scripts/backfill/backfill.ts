/** `npm run backfill`: the rows of a table read again by the connector, while it streams, and carried into the lake. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { WorkflowUpdateFailedError, type WorkflowHandle } from '@temporalio/client'
import type { Client } from 'pg'
import type { Config } from '../../src/config/config.ts'
import { configOfProcess, controlOfProcess } from '../../src/config/process.ts'
import { resolveTable } from '../../src/config/tables.ts'
import type { TableStatus } from '../../src/core/tableState.ts'
import { openKafka } from '../../src/kafka/door.ts'
import { kafkaSettings } from '../../src/workers/deps.ts'
import { carrierOf } from '../table/carrier.ts'
import { Finding } from '../table/finding.ts'
import type { Answer } from '../table/output.ts'
import { count, span } from '../table/screens.ts'
import { withSource } from '../table/source.ts'
import { connectTemporal, noWorker, statusOf, workerPolls, type Temporal } from '../table/temporal.ts'
import type { BackfillCommand } from './commandLine.ts'
import { anyRow, askForSnapshot, readable, type SourceTable } from './database.ts'
import { openRowsSince, type RowsSince } from './lakeRows.ts'
import { signalsFromHere, type Signals } from './signals.ts'

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
  const rows = await openRowsSince(config, root, (await statusOf(handle)).positions)
  const startedAt = Date.now()
  try {
    const signals = await signalsFromHere(kafka, config.pipeline.topicPrefix)
    const id = randomUUID()
    await askForSnapshot(database, id, source)
    say(`${table}: the connector is asked to read about ${count(expected)} rows again`)
    await untilRead(place, { id, expected, rows, signals })
    say('the connector has read all of them; waiting until the lake has them')
    const { lastCommit } = await flushed(handle)
    const carried = await rows.count()
    if (carried === 0 && (await anyRow(database, source))) throw unread(table)
    const ms = Date.now() - startedAt
    const text = `${table}: ${count(carried)} rows were read again and are in the lake, after ${span(ms)}`
    return { exit: 0, text, json: { table, where: source.where, rows: carried, ms, version: lastCommit?.version } }
  } finally {
    rows.close()
    await kafka.close()
  }
}

interface Reading {
  readonly id: string
  readonly expected: number
  readonly rows: RowsSince
  readonly signals: Signals
}

/** Says how far it is until the connector has read the table. */
async function untilRead(place: Place, { id, expected, rows, signals }: Reading): Promise<void> {
  const { handle, patienceMs, table, say } = place
  let [heardAt, carried] = [Date.now(), 0]
  for (;;) {
    const { heard, done } = await signals.next(id)
    if (done) return
    refuseStanding(await statusOf(handle))
    const now = await rows.count()
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

async function flushed(handle: WorkflowHandle): Promise<TableStatus> {
  try {
    return await handle.executeUpdate<TableStatus, []>('flush')
  } catch (error) {
    if (error instanceof WorkflowUpdateFailedError) throw new Finding(error.cause?.message ?? error.message)
    throw error
  }
}
