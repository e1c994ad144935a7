/** `npm run backfill` on the real parts: what sent no event is read again while the table flows, and nothing else changes. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { installJournal } from '../../scripts/verify/journal.ts'
import { drainDatabase } from '../../scripts/demo/drain.ts'
import { openLakeReader, type LakeReader } from '../../scripts/verify/lakeReader.ts'
import type { ConnectorPlan } from '../../scripts/stack/connector.ts'
import { commandLine, type CommandLine } from './commandLine.ts'
import { freshDatabase, readTopic, registerConnector, stackFacts, withClient, type TestDatabase } from './harness.ts'
import { openLane, until, type Lane } from './lane.ts'

const tables = ['rewritten', 'busy', 'parts', 'Mixed-Case', 'Odd Name', 'keyless', 'late', 'missed', 'left_alone']

/** Many commands, each a process of its own. */
const patient = { timeout: 400_000 }

let database: TestDatabase
let plan: ConnectorPlan
let lane: Lane
let sluice: CommandLine
let lake: LakeReader

beforeAll(async () => {
  database = await freshDatabase('backfill', 'empty')
  for (const table of tables) {
    const key = table === 'keyless' ? '' : 'PRIMARY KEY'
    await sql(`CREATE TABLE ${quoted(table)} (id integer ${key}, n integer NOT NULL DEFAULT 0)`)
    await sql(`INSERT INTO ${quoted(table)} SELECT i FROM generate_series(1, 2000) i`)
  }
  await withClient(database.url, (client) => installJournal(client, [{ table: 'busy', key: ['id'] }]))
  const names = tables.map((table) => `public.${table}`)
  ;({ plan } = await registerConnector(database, names, { 'incremental.snapshot.chunk.size': '300' }))
  lane = await openLane({ database, atRest: Promise.resolve() }, 'backfill')
  sluice = commandLine(database, lane)
  ;[lake] = await Promise.all([openLakeReader(stackFacts().s3), lane.worker()])
  for (const table of tables.filter((each) => each !== 'left_alone')) await lane.carry(table)
})
afterAll(async () => {
  lake.close()
  await lane.close()
})

function sql(text: string): Promise<unknown> {
  return withClient(database.url, (client) => client.query(text))
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** The latest state by `npm run query`, and the database's, as text. */
async function bothSides(table: string, columns: readonly string[]): Promise<{ lake: unknown; database: unknown }> {
  const { rows } = await sluice.json(
    'query',
    `SELECT ${columns.map((name) => `CAST(t.${name} AS VARCHAR) AS ${name}`).join(', ')} FROM ${table}_now t ORDER BY t.id`,
  )
  const text = `SELECT ${columns.map((name) => `t.${name}::text`).join(', ')} FROM ${table} t ORDER BY t.id`
  const asked = await withClient(database.url, (client) => client.query<Record<string, string>>(text))
  return { lake: rows, database: asked.rows }
}

function logOf(table: string): string {
  return `delta_scan('${lane.rootOf(table)}')`
}

async function countOf(sql: string): Promise<number> {
  return Number(await lake.one(sql))
}

/** Rows come, change and go until `done`. */
async function load(client: Client, done: () => boolean): Promise<void> {
  for (let n = 1; !done(); n++) {
    await client.query(`BEGIN; INSERT INTO busy VALUES (${2000 + n}); UPDATE busy SET n = n + 1 WHERE id % 40 = ${n % 40};
      DELETE FROM busy WHERE id = ${n * 3}; COMMIT`)
    await sleep(5)
  }
}

describe('a backfill', () => {
  test('brings the values of a default that rewrote the rows, which the columns command had pointed to', patient, async () => {
    await sql(
      'ALTER TABLE rewritten ADD COLUMN made timestamptz DEFAULT clock_timestamp(), ADD COLUMN chance double precision DEFAULT random()',
    )
    await sql('INSERT INTO rewritten (id) VALUES (0)')
    await withClient(database.url, (client) => drainDatabase(client))
    await sluice.json('table', 'flush', 'rewritten')
    const before = await sluice.json('query', 'SELECT count(*) AS n FROM rewritten_now WHERE made IS NULL')
    expect(before['rows']).toEqual([{ n: '2000' }])
    const told = await sluice.json('columns', 'rewritten')
    expect(told).toMatchObject({ exit: 1, columns: [{ column: 'made', kind: 'rewritten' }, { column: 'chance' }] })

    const answer = await sluice.json('backfill', 'rewritten')
    expect(answer).toMatchObject({ exit: 0, ok: true, table: 'public.rewritten', where: null, rows: 2001 })
    const { lake: found, database: expected } = await bothSides('rewritten', ['id', 'n', 'chance'])
    expect(found).toEqual(expected)
    const text = `SELECT (extract(epoch FROM made) * 1000000)::bigint::text AS us FROM rewritten ORDER BY id`
    const { rows } = await withClient(database.url, (client) => client.query<{ us: string }>(text))
    const shown = await sluice.json('query', 'SELECT epoch_us(made) AS us FROM rewritten_now ORDER BY id')
    expect(shown['rows']).toEqual(rows)
    expect(await countOf(`SELECT count(*) FROM ${logOf('rewritten')} WHERE __snapshot = 'incremental' AND __op = 'r'`)).toBe(2001)
  })

  test(
    'leaves the latest state that of the database, and the log of changes whole, while rows come, change and go',
    patient,
    async () => {
      let over = false
      const writing = withClient(database.url, (client) => load(client, () => over))
      writing.catch(() => undefined)
      const answer = await sluice.json('backfill', 'busy').finally(() => (over = true))
      await writing
      expect(answer).toMatchObject({ exit: 0, ok: true })
      expect(Number(answer['rows'])).toBeGreaterThan(1000)
      await withClient(database.url, (client) => drainDatabase(client))
      await sluice.json('table', 'flush', 'busy')

      const { lake: found, database: expected } = await bothSides('busy', ['id', 'n'])
      expect(found).toEqual(expected)
      const records = (await readTopic(`${database.topicPrefix}.public.busy`)).filter(({ value }) => value !== null).length
      expect(await countOf(`SELECT count(DISTINCT (__kafka_partition, __kafka_offset)) FROM ${logOf('busy')}`)).toBe(records)
      const journal = `SELECT count(*)::int AS changes FROM journal.busy WHERE journal_op <> 'r'`
      const [{ changes }] = (await withClient(database.url, (client) => client.query<{ changes: number }>(journal))).rows as [
        { changes: number },
      ]
      expect(changes).toBeGreaterThan(100)
      expect(await countOf(`SELECT count(*) FROM ${logOf('busy')} WHERE __op <> 'r'`)).toBe(changes)
    },
  )

  test('reads only rows for which a condition holds', async () => {
    const answer = await sluice.json('backfill', 'parts', '--where', `id <= 10 OR id = 1999`)
    expect(answer).toMatchObject({ exit: 0, rows: 11, where: 'id <= 10 OR id = 1999' })
  })

  test('reads a table whose name must be quoted', async () => {
    expect(await sluice.json('backfill', 'Mixed-Case')).toMatchObject({ exit: 0, rows: 2000 })
  })

  test('says what it does while it does it', async () => {
    const { stdout, stderr } = await sluice.text('backfill', 'parts')
    expect(stdout).toMatch(/^public\.parts: 2,000 rows were read again and are in the lake, after \d+ s\n$/)
    expect(stderr).toMatch(/^public\.parts: the connector is asked to read about [\d,]+ rows again\n/)
  })
})

describe('a backfill of rows', () => {
  test(
    'that the database still shows as they were, after their change was streamed, ends with them as they are',
    patient,
    async () => {
      const [reload, newest] = ['SELECT pg_reload_conf()', () => readTopic(`${database.topicPrefix}.public.late`)]
      const said = (text: string) => async () => (await newest()).some(({ value }) => JSON.stringify(value).includes(text))
      // A commit that waits for a standby stands in the log, and is streamed; nobody else waits for one.
      await sql(`ALTER SYSTEM SET synchronous_commit = local`).then(() => sql(reload))
      await sql(`ALTER SYSTEM SET synchronous_standby_names = nobody`).then(() => sql(reload))
      const release = async () => {
        await sql('ALTER SYSTEM RESET synchronous_standby_names').then(() => sql(reload))
        await sql('ALTER SYSTEM RESET synchronous_commit').then(() => sql(reload))
      }
      try {
        const waiting = sql(
          'SET synchronous_commit = on; BEGIN; DELETE FROM late WHERE id = 5; UPDATE late SET n = 77 WHERE id = 6; COMMIT',
        )
        waiting.catch(() => undefined)
        await until(said('"n":77'), 60_000)
        const backfill = sluice.json('backfill', 'late')
        await until(said('"snapshot":"incremental"'), 120_000)
        await release()
        await waiting
        expect(await backfill).toMatchObject({ exit: 0, ok: true, rows: 2000 })
      } finally {
        await release()
      }
      const { lake: found, database: expected } = await bothSides('late', ['id', 'n'])
      expect(found).toEqual(expected)
      const read = `SELECT count(*) FROM ${logOf('late')} WHERE __snapshot = 'incremental'`
      expect([await countOf(`${read} AND id = 5`), await countOf(`${read} AND id = 6`), await countOf(read)]).toEqual([
        1, 2, 2001,
      ])
    },
  )

  test('whose delete came and whose next insert did not, says that they must be touched', patient, async () => {
    await sql('DELETE FROM missed WHERE id = 9')
    await sql(`ALTER PUBLICATION ${plan.publication} DROP TABLE missed`)
    await sql('INSERT INTO missed VALUES (9, 1)')
    await sql(`ALTER PUBLICATION ${plan.publication} ADD TABLE missed`)
    const told = await sluice.json('backfill', 'missed')
    expect(told).toMatchObject({
      exit: 1,
      problem: expect.stringContaining('1 row of public.missed is in the database') as string,
    })
    await sql('UPDATE missed SET n = 2 WHERE id = 9')
    expect(await sluice.json('backfill', 'missed')).toMatchObject({ exit: 0 })
    const { lake: found, database: expected } = await bothSides('missed', ['id', 'n'])
    expect(found).toEqual(expected)
  })
})

describe('a backfill of a table', () => {
  test('that was read before has all of its rows, whatever became of its columns since', patient, async () => {
    expect(await sluice.json('backfill', 'parts')).toMatchObject({ exit: 0, rows: 2000 })
    await sql(`ALTER TABLE parts ADD COLUMN extra integer DEFAULT 7`)
    expect(await sluice.json('backfill', 'parts')).toMatchObject({ exit: 0, rows: 2000 })
  })
})

describe('a backfill is refused, with what to do,', () => {
  const refusals: readonly (readonly [string, readonly string[], RegExp])[] = [
    ['of a table whose name Debezium cannot read again', ['Odd Name'], /"public.Odd Name"/],
    ['of a table without a key', ['keyless'], /has no primary key/],
    ['of a table that nobody carries', ['left_alone'], /not carried/],
    ['with a condition that PostgreSQL does not take', ['parts', '--where', 'nobody = 1'], /column "nobody" does not exist/],
  ]
  test.each(refusals)('%s', async (_name, args, problem) => {
    const said = await sluice.json('backfill', ...args)
    expect(said).toMatchObject({ exit: 1, ok: false, problem: expect.stringMatching(problem) as string })
    expect(said['hint'] === null).toBe(args.includes('--where'))
  })

  test('while the table is paused', async () => {
    await sluice.json('table', 'pause', 'parts')
    const said = await sluice.json('backfill', 'parts')
    expect(said).toMatchObject({ exit: 1, problem: expect.stringContaining('paused') as string })
    await sluice.json('table', 'resume', 'parts')
  })

  test('where there is no table of signals', async () => {
    await sql('ALTER TABLE cdc.signal RENAME TO signal_elsewhere')
    const said = await sluice.json('backfill', 'parts')
    await sql('ALTER TABLE cdc.signal_elsewhere RENAME TO signal')
    expect(said['exit']).toBe(1)
    expect(said['hint']).toContain('CREATE TABLE cdc.signal (id text PRIMARY KEY, type text NOT NULL, data text)')
  })

  test('where no connector reads the database', async () => {
    await fetch(`${stackFacts().connect.url}/connectors/${plan.name}/stop`, { method: 'PUT' })
    await until(async () => {
      const slot = `SELECT active FROM pg_replication_slots WHERE slot_name = '${plan.slot}'`
      return await withClient(
        database.url,
        async (client) => (await client.query<{ active: boolean }>(slot)).rows[0]!.active === false,
      )
    }, 60_000)
    const said = await sluice.json('backfill', 'parts')
    expect(said).toMatchObject({ exit: 1, problem: expect.stringContaining(plan.slot) as string })
  })
})
