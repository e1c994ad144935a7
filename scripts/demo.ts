/**
 * The whole pipeline on real parts, from PostgreSQL to Parquet and back, with a verdict: every change present once, the latest
 * state equal. Exit code 0 only if all is equal. `--keep` leaves everything running, `--seconds N` changes the live load.
 */
import { execFile } from 'node:child_process'
import { parseArgs, promisify } from 'node:util'
import pg from 'pg'
import { count, during, step, table } from './demo/screen.ts'
import { runLoad } from './demo/load.ts'
import { nextSteps } from './demo/nextSteps.ts'
import { drainDatabase, drainTables } from './demo/drain.ts'
import { loadAirline } from './stack/airline.ts'
import { registerConnector } from './stack/connector.ts'
import { startStack, type Stack } from './stack/start.ts'
import { duckdbDelta, duckdbHttpfs } from './stack/readers.ts'
import { startWorker } from './stack/worker.ts'
import { compareTable, type Comparison } from './verify/compare.ts'
import { installJournal, type TableKey } from './verify/journal.ts'
import { openLakeReader } from './verify/lakeReader.ts'
import { measureLake, type LakeFacts } from './verify/latency.ts'

const database = 'airline'
const topicPrefix = 'airline'
const lakePrefix = 'demo'
const placeholder = 'cdc-unavailable-demo'
const tables: readonly TableKey[] = [
  { table: 'customers', key: ['customer_id'] },
  { table: 'flights', key: ['flight_id'] },
  { table: 'bookings', key: ['booking_id'] },
]

async function demo(options: { keep: boolean; seconds: number }): Promise<boolean> {
  const stack = await startStack({ name: 'demo', progress: (part) => step(`started ${part}`) })
  try {
    const equal = await carry(stack, options.seconds)
    if (options.keep) await keep(stack)
    return equal
  } finally {
    step('stopping everything')
    await stack.stop()
  }
}

async function carry(stack: Stack, seconds: number): Promise<boolean> {
  // Fetched the first time, while there is something else to wait for.
  const reader = Promise.all([duckdbHttpfs(), duckdbDelta()])
  reader.catch(() => undefined)
  const url = await loadAirline(stack.postgres, database)
  const client = new pg.Client({ connectionString: url })
  // On Ctrl-C the database goes away under an open connection: that is no news.
  client.on('error', () => undefined)
  await client.connect()
  try {
    await installJournal(client, tables)
    step('loaded the airline database; triggers keep a journal of every committed change, to compare with')
    const worker = { topicPrefix, database, lakePrefix, env: { CDC_PLACEHOLDER: placeholder } }
    const working = startWorker(stack, { name: 'worker', ...worker }).then(() => step('started a worker'))
    const registering = registerConnector(stack.connect.url, {
      name: 'airline',
      postgres: stack.postgres,
      database,
      topicPrefix,
      slot: 'cdc_airline',
      publication: 'cdc_airline',
      tables: tables.map(({ table }) => `public.${table}`),
      unavailablePlaceholder: placeholder,
    }).then(() => step('validated and registered the Debezium connector; its snapshot is in Kafka'))
    await Promise.all([working, registering])
    const workflowIds: string[] = []
    for (const { table } of tables) workflowIds.push(await startTable(stack, table))
    await drainTables(stack.temporal, workflowIds)
    step('the snapshot is in the lake; from here on changes are live')

    const untilMs = Date.now() + seconds * 1000
    const load = await runLoad(url, { writers: 4, untilMs, signal: new AbortController().signal }, (so) => {
      const left = Math.max(0, Math.round((untilMs - Date.now()) / 1000))
      const done = `${count(so.inserts)} inserts, ${count(so.updates)} updates, ${count(so.deletes)} deletes, ${count(so.rolledBack)} rolled back`
      during(`changing rows: ${done}; ${left} s to go`, left)
    })
    step(
      `changed rows: ${count(load.inserts)} inserts, ${count(load.updates)} updates, ${count(load.deletes)} deletes; rolled back ${count(load.rolledBack)} times`,
    )

    await drainDatabase(client)
    step('all that PostgreSQL committed is in Kafka')
    await drainTables(stack.temporal, workflowIds)
    step('and in the lake')
    await reader
    return await verdict(stack, client)
  } finally {
    await client.end()
  }
}

/** Exactly as a user would: with the temporal command, without a workflow id. */
async function startTable(stack: Stack, name: string): Promise<string> {
  const input = JSON.stringify({ table: name })
  const { address, cli } = stack.temporal
  const args = ['workflow', 'start', '--type', 'tableCdc', '--task-queue', 'cdc', '--input', input]
  const { stdout } = await promisify(execFile)(cli, [...args, '--address', address, '--output', 'json'])
  step(`temporal workflow start --type tableCdc --task-queue cdc --input '${input}'`)
  return (JSON.parse(stdout) as { workflowId: string }).workflowId
}

async function verdict(stack: Stack, client: pg.Client): Promise<boolean> {
  const lake = await openLakeReader(stack.s3)
  try {
    const rows: [Comparison, LakeFacts][] = []
    for (const each of tables) {
      const root = `s3://${stack.s3.bucket}/${lakePrefix}/${database}/public/${each.table}`
      rows.push([await compareTable(client, lake, { ...each, root }), await measureLake(lake, root)])
      step(`read ${each.table} back with DuckDB and compared it with PostgreSQL`)
    }
    const equal = rows.every(([{ equal }]) => equal)
    console.log(`\n${verdictTable(rows)}\n`)
    console.log(
      equal
        ? 'EQUAL: every committed change stands in the lake exactly once, in order, by Delta and by glob; the latest state is the same.'
        : 'NOT EQUAL: the lake differs from PostgreSQL; see the columns missing, surplus, misplaced and state.',
    )
    return equal
  } finally {
    lake.close()
  }
}

function verdictTable(rows: readonly [Comparison, LakeFacts][]): string {
  const seconds = (n: number | null) => (n === null ? '-' : `${n.toFixed(2)} s`)
  const head = [
    'table',
    'changes',
    'in lake',
    'missing',
    'surplus',
    'misplaced',
    'rows now',
    'state differs',
    'files',
    'bytes',
    'latency p50',
    'p99',
  ]
  const body = rows.map(([c, f]) => [
    c.table,
    count(c.expected),
    count(c.delta.found),
    count(Math.max(c.delta.missing, c.glob.missing)),
    count(Math.max(c.delta.surplus, c.glob.surplus)),
    count(Math.max(c.delta.misplaced, c.glob.misplaced)),
    count(c.stateRows),
    count(c.stateMissing + c.stateSurplus),
    count(f.files),
    count(f.bytes),
    seconds(f.p50),
    seconds(f.p99),
  ])
  return table([head, ...body])
}

async function keep(stack: Stack): Promise<void> {
  console.log(nextSteps(stack, { database, topicPrefix, lakePrefix, placeholder }))
  // Ctrl-C is the stack's: it stops everything and ends the process.
  setInterval(() => undefined, 2 ** 30)
  await new Promise(() => undefined)
}

function optionsOf(args: readonly string[]): { keep: boolean; seconds: number } {
  try {
    const { values } = parseArgs({ args: [...args], options: { keep: { type: 'boolean' }, seconds: { type: 'string' } } })
    const seconds = Number(values.seconds ?? 20)
    if (!(seconds >= 1 && seconds <= 3600)) throw new Error(`--seconds takes 1 to 3600, not ${values.seconds}`)
    return { keep: values.keep ?? false, seconds }
  } catch (error) {
    console.error(`${(error as Error).message}\nusage: npm run demo -- [--keep] [--seconds N]`)
    process.exit(2)
  }
}

try {
  process.exitCode = (await demo(optionsOf(process.argv.slice(2)))) ? 0 : 1
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
}
