/** The command line as a user runs it: a process of its own, on real parts, with only the environment to tell it where. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { drainDatabase } from '../../scripts/demo/drain.ts'
import type { ConnectorPlan } from '../../scripts/stack/connector.ts'
import { projectRoot } from '../../scripts/stack/places.ts'
import { endProcess } from '../../scripts/stack/processes.ts'
import type { PartRecord } from '../../scripts/stack/runfile.ts'
import { startWorker, workerEnv } from '../../scripts/stack/worker.ts'
import type { TableStatus } from '../../src/core/tableState.ts'
import { deleteConnector, freshDatabase, registerConnector, stackFacts, withClient, type TestDatabase } from './harness.ts'

const run = promisify(execFile)
let database: TestDatabase
let plan: ConnectorPlan
let folder: string
const workers: PartRecord[] = []

beforeAll(async () => {
  database = await freshDatabase('cli')
  ;({ plan } = await registerConnector(database, ['public.flights']))
  folder = await mkdtemp(join(tmpdir(), 'sluice-cli-'))
  await work('cli-worker', {})
})

afterAll(async () => {
  await Promise.all(workers.map((worker) => endProcess(worker.pid, worker.mark, 'SIGTERM', 15_000)))
  await deleteConnector(stackFacts().connect.url, plan)
  await rm(folder, { recursive: true, force: true })
})

async function work(name: string, env: Record<string, string>): Promise<void> {
  const { database: db, topicPrefix, bucketPrefix: lakePrefix } = database
  const own = { CDC_TASK_QUEUE: topicPrefix, CDC_BATCH_MAX_AGE: '100ms', ...env }
  workers.push(
    await startWorker(stackFacts(), { name: `${name}-${topicPrefix}`, database: db, topicPrefix, lakePrefix, env: own }),
  )
}

interface Ended {
  readonly exit: number
  readonly stdout: string
  readonly stderr: string
}

/** Only what a person must set: nothing of Kafka, nothing of the lake. */
function controlEnv(): Record<string, string> {
  const { topicPrefix } = database
  const { address, namespace } = stackFacts().temporal
  return { CDC_PIPELINE: topicPrefix, CDC_TASK_QUEUE: topicPrefix, TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace }
}

function lakeEnv(env: Record<string, string> = {}): Record<string, string> {
  const { database: db, topicPrefix, bucketPrefix: lakePrefix } = database
  const all = { ...workerEnv(stackFacts(), { database: db, topicPrefix, lakePrefix }), ...env }
  return Object.fromEntries(Object.entries(all).filter(([name]) => name.startsWith('CDC_LAKE_') || name === 'CDC_DATABASE'))
}

async function sluice(args: readonly string[], env: Record<string, string>): Promise<Ended> {
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(CDC_|TEMPORAL_)/.test(name)))
  const options = { cwd: projectRoot, env: { ...inherited, ...env } }
  try {
    const done = await run(process.execPath, ['--import', 'tsx', 'scripts/sluice.ts', ...args], options)
    return { exit: 0, ...done }
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
    return { exit: code, stdout, stderr }
  }
}

const table = (...args: string[]) => sluice(['table', ...args], controlEnv())

interface Document {
  readonly ok: boolean
  readonly workflowId: string
  readonly status: TableStatus
  readonly [field: string]: unknown
}

/** The whole of stdout is one JSON document, and nothing is said beside it. */
async function json(...args: string[]): Promise<Document> {
  const { stdout, stderr } = await table(...args, '--json')
  expect(stderr).toBe('')
  return JSON.parse(stdout) as Document
}

test('a table goes from start to stop by name, whatever its workflow is called', { timeout: 120_000 }, async () => {
  const { cli, address } = stackFacts().temporal
  const none = await table('status', 'flights')
  expect(none).toMatchObject({ exit: 1, stdout: '' })
  expect(none.stderr).toContain('public.flights is not carried')

  const input = ['--type', 'tableCdc', '--task-queue', database.topicPrefix, '--input', '{"table":"flights"}']
  const started = await run(cli, ['workflow', 'start', ...input, '--address', address, '--output', 'json'])
  const { workflowId } = JSON.parse(started.stdout) as { workflowId: string }
  // Until the first worker task has run, nobody has claimed the table.
  let second: Document
  do second = await json('status', 'flights')
  while (!second.ok)
  expect(second.workflowId).toBe(workflowId)

  const again = await json('start', 'flights')
  expect(again).toMatchObject({ ok: true, workflowId, alreadyRunning: true, open: true, status: { table: 'public.flights' } })
  expect(again.status.positions).toHaveLength(3)
  expect((await json('flush', 'flights')).status).toMatchObject({ rows: 500, lag: { records: 0 } })

  expect(await json('pause', 'public.flights')).toMatchObject({ ok: true, status: { health: 'paused' } })
  const refused = await table('flush', 'flights')
  expect(refused).toMatchObject({ exit: 1, stdout: '' })
  expect(refused.stderr).toContain('it is paused; resume it first')
  await withClient(database.url, async (client) => {
    await client.query('UPDATE flights SET cancelled = true WHERE flight_id <= 3')
    await client.query('DELETE FROM bookings WHERE flight_id = 4')
    await client.query('DELETE FROM flights WHERE flight_id = 4')
    await drainDatabase(client)
  })
  expect(await json('resume', 'flights')).toMatchObject({ ok: true, status: { health: 'running' } })
  const flushed = await table('flush', 'flights')
  expect(flushed.stdout).toMatch(/^public\.flights is flushed: .*\nall is committed up to 0:\d+ 1:\d+ 2:\d+\n$/)
  expect((await json('status', 'flights')).status.rows).toBe(504)

  const screen = await table('status', 'flights')
  expect(screen.stdout).toMatch(/^table +public\.flights\nhealth +running for /)
  expect(await json('list')).toMatchObject({ ok: true, tables: [{ table: 'public.flights', workflowId }] })

  expect(await json('stop', 'flights')).toMatchObject({ ok: true, workflowId, status: { health: 'stopped', rows: 504 } })
  const stopped = await table('status', 'flights')
  expect(stopped.exit).toBe(1)
  expect(stopped.stderr).toContain(`public.flights is not carried any more: ${workflowId} was stopped.`)

  const own = await json('start', 'flights')
  expect(own).toMatchObject({ ok: true, alreadyRunning: false, workflowId: `tableCdc/${database.topicPrefix}/public.flights` })
  expect(own.status.positions).toEqual(flushedPositions(own.status))
  expect(await json('stop', 'flights')).toMatchObject({ ok: true, status: { rows: 0 } })

  const state = await sluice(
    [
      'query',
      'SELECT count(*) AS n, count(*) FILTER (cancelled) AS c, count(*) FILTER (flight_id = 4) AS gone FROM flights_now',
      '--json',
    ],
    lakeEnv(),
  )
  expect(JSON.parse(state.stdout)).toMatchObject({ ok: true, rows: [await rowsOf(database.url)] })
})

/** A restart finds the positions in the log: nothing is before them. */
function flushedPositions({ positions }: TableStatus): readonly object[] {
  return positions.map((position) => ({ ...position, base: expect.stringMatching(/^[1-9]\d*$/) as string }))
}

function rowsOf(url: string): Promise<object> {
  return withClient(url, async (client) => {
    const { rows } = await client.query<object>(
      'SELECT count(*)::text AS n, count(*) FILTER (WHERE cancelled)::text AS c, count(*) FILTER (WHERE flight_id = 4)::text AS gone FROM flights',
    )
    return rows[0]!
  })
}

test('a lake in a folder is carried to and read like one in a bucket', { timeout: 120_000 }, async () => {
  const env = {
    CDC_LAKE_URL: `file://${folder}`,
    CDC_PIPELINE: `${database.topicPrefix}-folder`,
    CDC_TASK_QUEUE: `${database.topicPrefix}-folder`,
  }
  await work('cli-folder', env)
  const control = { ...controlEnv(), ...env }
  delete (control as Record<string, string | undefined>)['CDC_LAKE_URL']
  expect(await sluice(['table', 'start', 'flights'], control)).toMatchObject({ exit: 0, stderr: '' })
  expect(await sluice(['table', 'flush', 'flights'], control)).toMatchObject({ exit: 0 })
  expect(await sluice(['table', 'stop', 'flights'], control)).toMatchObject({ exit: 0 })

  const catalog = await sluice(['query'], { CDC_LAKE_URL: `file://${folder}` })
  expect(catalog.stdout).toContain('public.flights: ')
  expect(catalog.stdout).toMatch(/flight_id +BIGINT +key/)
  const [{ n }] = (await withClient(database.url, (client) => client.query<{ n: string }>('SELECT count(*) AS n FROM flights')))
    .rows as [{ n: string }]
  const counted = await sluice(['query', 'SELECT count(*) AS n FROM flights_now'], { CDC_LAKE_URL: `file://${folder}` })
  expect(counted).toMatchObject({ exit: 0, stdout: `  n\n${n}\n\n1 row\n`, stderr: '' })
})

describe.concurrent('what goes wrong is said in a line or two', () => {
  test('wrong use exits 2 and shows the usage', async () => {
    const ended = await sluice(['table', 'strat', 'flights'], controlEnv())
    expect(ended).toMatchObject({ exit: 2, stdout: '' })
    expect(ended.stderr).toContain('unknown command "strat"\n\nusage: npm run table -- ')
  })

  test('a missing pipeline exits 2 and names what to set', async () => {
    const ended = await sluice(['table', 'list'], {})
    expect(ended).toMatchObject({ exit: 2, stdout: '' })
    expect(ended.stderr).toContain('set CDC_PIPELINE or CDC_TOPIC_PREFIX')
  })

  test('Temporal out of reach exits 1 with one line', async () => {
    const ended = await sluice(['table', 'list'], { ...controlEnv(), TEMPORAL_ADDRESS: '127.0.0.1:1' })
    expect(ended).toMatchObject({ exit: 1, stdout: '' })
    expect(ended.stderr).toMatch(
      /^Temporal cannot be reached at 127\.0\.0\.1:1 \(.*\): start it, or set TEMPORAL_ADDRESS or TEMPORAL_PROFILE\.\n$/,
    )
  })

  test('a start that no worker will ever see says so, and the status too', async () => {
    const env = { ...controlEnv(), CDC_TASK_QUEUE: `${database.topicPrefix}-nobody` }
    const started = await sluice(['table', 'start', 'orphan', '--timeout', '1'], env)
    expect(started).toMatchObject({ exit: 1, stdout: '' })
    expect(started.stderr).toContain(`No worker polls task queue ${env.CDC_TASK_QUEUE}`)
    const status = await sluice(['table', 'status', 'orphan'], env)
    expect(status).toMatchObject({ exit: 1, stdout: '' })
    expect(status.stderr).toContain(`No worker polls task queue ${env.CDC_TASK_QUEUE}`)
  })

  test('a table whose topic is missing is waited for, and the status says what it waits for', async () => {
    const started = await json('start', 'nowhere', '--timeout', '10')
    expect(started).toMatchObject({ ok: false, open: false, retrying: { activity: 'openTable' } })
    expect(JSON.stringify(started['retrying'])).toContain('CDC2002')
    expect(await json('stop', 'nowhere')).toMatchObject({ ok: true })
  })

  test('SQL that is wrong exits 1 with the reason and the tables that there are', async () => {
    const ended = await sluice(['query', 'SELECT nix FROM flights'], lakeEnv())
    expect(ended).toMatchObject({ exit: 1, stdout: '' })
    expect(ended.stderr).toContain('nix')
    expect(ended.stderr).toContain('Tables: public.flights')
  })
})
