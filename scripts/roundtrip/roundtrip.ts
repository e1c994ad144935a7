/**
 * One table with a column of every type: rows by a seed, half of them before the connector starts and half while it streams,
 * then updates and deletes; carried by the real pipeline and read back by readers that are not ours.
 */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client as TemporalClient, Connection } from '@temporalio/client'
import pg from 'pg'
import { stringify } from 'yaml'
import { drainDatabase, drainTables } from '../demo/drain.ts'
import { createDatabase } from '../stack/airline.ts'
import { deleteConnector, registerConnector } from '../stack/connector.ts'
import { endProcess } from '../stack/processes.ts'
import { askPython, duckdbDelta, duckdbHttpfs } from '../stack/readers.ts'
import type { StackFacts } from '../stack/start.ts'
import { startWorker } from '../stack/worker.ts'
import { installJournal } from '../verify/journal.ts'
import { lakeTypes, roundtripColumns, setUp } from './columns.ts'
import { changeRows, insertRows, type Changes } from './load.ts'
import { randomOf } from '../random.ts'

export interface RoundtripPlan {
  readonly rows: number
  readonly seed: number
  readonly progress: (text: string) => void
}

interface Differences {
  readonly count: number
  /** Id, number of its change, what PostgreSQL says, what was read. */
  readonly examples: readonly [number, number, unknown, unknown][]
}

export interface ReaderReport {
  readonly rows: number
  /** Changes that only PostgreSQL has, and that only the lake has. */
  readonly missing: number
  readonly surplus: number
  readonly differences: Readonly<Record<string, Differences>>
}

export interface RoundtripReport {
  readonly types: number
  readonly columns: number
  /** Changes that PostgreSQL committed, snapshot reads included. */
  readonly changes: number
  readonly load: Changes
  readonly readers: Readonly<Record<string, ReaderReport>>
  readonly equal: boolean
}

/** A message of this table is some 40 kB, and the machine may be busy. */
const patienceMs = 900_000
const placeholder = 'cdc-unavailable-roundtrip'

export async function roundtrip(stack: StackFacts, { rows, seed, progress }: RoundtripPlan): Promise<RoundtripReport> {
  const id = `roundtrip_${randomBytes(3).toString('hex')}`
  const url = await createDatabase(stack.postgres, id, 'template1')
  const database = new pg.Client({ connectionString: url })
  const scratch = await mkdtemp(join(tmpdir(), 'sluice-roundtrip-'))
  const plan = {
    ...{ name: id, postgres: stack.postgres, database: id, topicPrefix: id, slot: id, publication: id },
    ...{ tables: ['public.every'], unavailablePlaceholder: placeholder },
  }
  const ends: (() => Promise<unknown>)[] = [() => rm(scratch, { recursive: true, force: true }), () => database.end()]
  try {
    await database.connect()
    await database.query(`SET TimeZone = 'UTC'; SET jit = off; ${setUp}; CREATE TABLE every (id bigint PRIMARY KEY,
      ${roundtripColumns.map(({ name, type }) => `"${name}" ${type}`).join(', ')})`)
    // So wide a row is TOASTed column by column, and an update then says only what it changed: not what is compared here.
    await database.query('ALTER TABLE every REPLICA IDENTITY FULL')
    const random = randomOf(seed)
    const before = Math.ceil(rows / 2)
    await insertRows(database, { from: 0, to: before, streamed: false, random })
    await installJournal(database, [{ table: 'every', key: ['id'] }])
    progress(`inserted ${before} rows of ${roundtripColumns.length} columns`)

    ends.push(() => deleteConnector(stack.connect.url, plan))
    await registerConnector(stack.connect.url, plan, patienceMs)
    progress('the snapshot is in Kafka')
    const worker = await startWorker(stack, {
      ...{ name: `worker-${id}`, topicPrefix: id, database: id, lakePrefix: id },
      env: {
        CDC_CONFIG: await configFile(scratch),
        CDC_PLACEHOLDER: placeholder,
        CDC_TASK_QUEUE: id,
        CDC_SEARCH_ATTRIBUTES: 'false',
      },
    })
    ends.push(() => endProcess(worker.pid, worker.mark, 'SIGKILL', 5000))
    await startTable(stack, id)

    await insertRows(database, { from: before, to: rows, streamed: true, random })
    const changed = await changeRows(database, { rows, random })
    await drainDatabase(database, patienceMs)
    progress(`inserted ${rows - before} rows, ${changed.updates} updates, ${changed.deletes} deletes; all of it is in Kafka`)
    await drainTables(stack.temporal, [id], patienceMs)
    progress('and in the lake')

    const file = join(scratch, 'expected.jsonl')
    const changes = await writeExpected(database, file)
    const root = `s3://${stack.s3.bucket}/${id}/${id}/public/every`
    const readers = await compare(stack, root, file)
    const equal = Object.values(readers).every((each) => {
      return each.rows === changes && each.missing === 0 && each.surplus === 0 && Object.keys(each.differences).length === 0
    })
    const types = new Set(roundtripColumns.map(({ type }) => type)).size
    const load = { ...changed, snapshot: before, inserts: rows - before }
    return { types, columns: roundtripColumns.length, changes, load, readers, equal }
  } finally {
    for (const end of ends.reverse()) await end().catch(() => undefined)
  }
}

async function configFile(scratch: string): Promise<string> {
  const path = join(scratch, 'tables.yaml')
  await writeFile(path, stringify({ tables: { 'public.every': { lakeTypes } } }))
  return path
}

async function startTable({ temporal }: StackFacts, workflowId: string): Promise<void> {
  const connection = await Connection.connect({ address: temporal.address })
  try {
    const client = new TemporalClient({ connection, namespace: temporal.namespace })
    await client.workflow.start('tableCdc', { workflowId, taskQueue: workflowId, args: [{ table: 'every' }] })
  } finally {
    await connection.close()
  }
}

/** One line a change, as compare.py reads it. Returns how many. */
async function writeExpected(database: pg.Client, file: string): Promise<number> {
  const kept = (sql: string) => `CASE WHEN journal_op <> 'd' THEN ${sql} END`
  const specials = roundtripColumns.filter(({ special }) => special !== null)
  const { rows } = await database.query<unknown[]>({
    text: `SELECT id::text, (row_number() OVER (PARTITION BY id ORDER BY journal_seq))::int, journal_op,
      json_strip_nulls(json_build_object(${specials.map(({ name, special }) => `'${name}', ${kept(special!)}`).join(', ')})),
      ${roundtripColumns.map(({ shown }) => kept(shown)).join(',\n')} FROM journal.every`,
    rowMode: 'array',
  })
  await writeFile(file, rows.map((row) => JSON.stringify([Number(row[0]), ...row.slice(1)])).join('\n'))
  return rows.length
}

async function compare(stack: StackFacts, root: string, expected: string): Promise<Record<string, ReaderReport>> {
  const columns = roundtripColumns.map(({ name, compared }) => [name, compared])
  const given = { s3: stack.s3, extensions: [await duckdbHttpfs(), await duckdbDelta()], root, expected, columns }
  return askPython(new URL('compare.py', import.meta.url), given)
}
