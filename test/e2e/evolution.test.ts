/**
 * The evolution matrix of docs/schema-evolution.md on the real parts: DDL while rows are written to every table, three partitions
 * each, so that changes of shape stand in the middle of batches and reach partitions one after the other. In the end every
 * change is in the lake once, and the latest state is the database's.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { WorkflowHandle } from '@temporalio/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { drainDatabase } from '../../scripts/demo/drain.ts'
import { latestState } from '../../scripts/query/latestState.ts'
import { duckdbDelta, duckdbHttpfs, readersPython } from '../../scripts/stack/readers.ts'
import { projectRoot } from '../../scripts/stack/places.ts'
import { openLakeReader, type LakeReader } from '../../scripts/verify/lakeReader.ts'
import type { FailureCode } from '../../src/core/failures.ts'
import type { TableStatus } from '../../src/core/tableState.ts'
import { commandLine, type CommandLine } from './commandLine.ts'
import { freshDatabase, readTopic, registerConnector, stackFacts, withClient, type TestDatabase } from './harness.ts'
import { openLane, statusOf, until, type Lane } from './lane.ts'

const policies = { flipping: 'lenient', tried: 'try_evolve', asked: 'exception', ignored: 'ignore' }
const tables = ['grown', 'renamed', 'preset', 'rewritten', 'dropped', 'retyped', 'rekeyed', 'named', ...Object.keys(policies)]

let database: TestDatabase
let lane: Lane
let lake: LakeReader
let scratch: string
let sluice: CommandLine

beforeAll(async () => {
  database = await freshDatabase('evolution', 'empty')
  await sql(await readFile(join(projectRoot, 'docker', 'postgres', 'renames.sql'), 'utf8'))
  for (const table of tables) {
    await sql(`CREATE TABLE ${table} (id bigserial PRIMARY KEY, touched integer NOT NULL DEFAULT 0, price integer DEFAULT 7,
      ratio real DEFAULT 0.5, amount numeric(8,2) DEFAULT 1.25, note varchar(10) DEFAULT 'note')`)
    await sql(`INSERT INTO ${table} (touched) SELECT 0 FROM generate_series(1, 50)`)
  }
  await registerConnector(
    database,
    tables.map((table) => `public.${table}`),
  )
  scratch = await mkdtemp(join(tmpdir(), 'sluice-evolution-'))
  const config = join(scratch, 'tables.yaml')
  const entries = Object.entries(policies).map(([table, schemaChange]) => [table, { schemaChange }] as const)
  await writeFile(config, JSON.stringify({ tables: Object.fromEntries(entries) }))
  lane = await openLane({ database, atRest: Promise.resolve() }, 'evolution')
  sluice = commandLine(database, lane)
  ;[lake] = await Promise.all([openLakeReader(stackFacts().s3), lane.worker({ CDC_CONFIG: config })])
})

afterAll(async () => {
  lake.close()
  await lane.close()
  await rm(scratch, { recursive: true, force: true })
})

function sql(text: string): Promise<unknown> {
  return withClient(database.url, (client) => client.query(text))
}

interface Story {
  readonly handle: WorkflowHandle
  /** Statements of one transaction, in the midst of the load. */
  readonly ddl: (...statements: readonly string[]) => Promise<void>
  readonly parked: (code: FailureCode) => Promise<NonNullable<TableStatus['block']>>
  readonly decide: (decision: unknown) => Promise<unknown>
}

/** Carries a table while rows are inserted, updated and deleted, lets `happen` change it, and waits until all of it is in the lake. */
async function underLoad(table: string, happen: (story: Story) => Promise<void>): Promise<TableStatus> {
  const handle = await lane.carry(table)
  let over = false
  let rounds = 0
  const load = withClient(database.url, async (client) => {
    for (; !over; rounds++) {
      await client.query(`BEGIN; INSERT INTO ${table} (touched) VALUES (1), (1), (1);
        UPDATE ${table} SET touched = touched + 1 WHERE id IN (SELECT id FROM ${table} ORDER BY random() LIMIT 3);
        DELETE FROM ${table} WHERE id IN (SELECT id FROM ${table} ORDER BY random() LIMIT 1); COMMIT`)
      await sleep(50)
    }
  })
  load.catch(() => undefined)
  let since: string | undefined
  try {
    await until(async () => (await statusOf(handle)).rows > 50, 60_000)
    await happen({
      handle,
      async ddl(...statements) {
        await sql(['BEGIN', ...statements, 'COMMIT'].join('; '))
        const enough = rounds + 4
        await until(() => Promise.resolve(rounds >= enough), 60_000)
      },
      async parked(code) {
        await until(async () => ((await statusOf(handle)).block?.since ?? since) !== since, 60_000)
        const block = (await statusOf(handle)).block!
        since = block.since
        expect(block.code).toBe(code)
        return block
      },
      decide: (decision) => handle.executeUpdate('resume', { args: [decision] }),
    })
  } finally {
    over = true
    await load
  }
  await withClient(database.url, drainDatabase)
  return await handle.executeUpdate<TableStatus, []>('flush')
}

const delta = (table: string) => `delta_scan('${lane.rootOf(table)}')`
const glob = (table: string) =>
  `read_parquet('${lane.rootOf(table)}/data/**/*.parquet', union_by_name = true, hive_partitioning = true)`

async function columnsOf(table: string): Promise<{ name: string; type: string }[]> {
  const described = await lake.rows(`DESCRIBE SELECT * FROM ${delta(table)}`)
  return described.map((row) => ({ name: row['column_name']!, type: row['column_type']! }))
}

async function userColumns(table: string): Promise<string[]> {
  return (await columnsOf(table)).map(({ name }) => name).slice(0, -15)
}

/** Each change of Kafka stands in the lake once, and the lake's latest state under `lakeSql` is the database's under `dbSql`. */
async function expectWhole(table: string, values: Readonly<Record<string, string>>, key = ['id']): Promise<void> {
  const changes = (await readTopic(`${database.topicPrefix}.public.${table}`)).filter(({ value }) => value !== null).length
  for (const from of [delta(table), glob(table)]) {
    const counted = `SELECT count(*) AS rows, count(DISTINCT (__kafka_partition, __kafka_offset)) AS places FROM ${from}`
    expect(await lake.rows(counted)).toEqual([{ rows: String(changes), places: String(changes) }])
  }
  if (Object.keys(values).length === 0) return
  const now = latestState(delta(table), await columnsOf(table), key)
  const shown = Object.values(values).map((expression, i) => `CAST(${expression} AS VARCHAR) AS c${i}`)
  const asked = Object.keys(values).map((expression, i) => `(${expression})::text AS c${i}`)
  const found = await lake.rows(`SELECT ${shown.join(', ')} FROM (${now}) ORDER BY id`)
  const { rows } = await withClient(database.url, (client) =>
    client.query<Record<string, string | null>>(`SELECT ${asked.join(', ')} FROM ${table} ORDER BY id`),
  )
  expect(found).toEqual(rows)
}

/** The latest state as the command shows it is the database's. */
async function expectNow(table: string, ...columns: readonly string[]): Promise<void> {
  const shown = columns.map((name) => `CAST(${name} AS VARCHAR) AS ${name}`).join(', ')
  const found = await sluice.json('query', `SELECT ${shown} FROM ${table}_now ORDER BY ${table}_now.id`)
  const asked = `SELECT ${columns.map((name) => `${name}::text`).join(', ')} FROM ${table} ORDER BY ${table}.id`
  const { rows } = await withClient(database.url, (client) => client.query<Record<string, string | null>>(asked))
  expect(found['rows']).toEqual(rows)
}

const same = (...names: readonly string[]) => Object.fromEntries(names.map((name) => [name, name]))
const base = ['id', 'touched', 'price', 'ratio', 'amount', 'note']

describe.concurrent('while changes flow', () => {
  test('columns are added, with and without a default, widened, made nullable, dropped, and come and go in one transaction', async () => {
    const status = await underLoad('grown', async ({ ddl }) => {
      await ddl('ALTER TABLE grown ADD COLUMN plain text', `ALTER TABLE grown ADD COLUMN extra numeric(10,2) DEFAULT 7.50`)
      await ddl('ALTER TABLE grown ALTER price TYPE bigint', 'ALTER TABLE grown ALTER amount TYPE numeric(12,2)')
      await ddl('ALTER TABLE grown ALTER ratio TYPE double precision', 'ALTER TABLE grown ALTER note TYPE varchar(80)')
      await ddl('ALTER TABLE grown ALTER price SET NOT NULL', `UPDATE grown SET plain = 'x' WHERE id % 2 = 0`)
      await ddl(
        'ALTER TABLE grown ADD COLUMN gone integer',
        'INSERT INTO grown (gone) VALUES (1)',
        'ALTER TABLE grown DROP COLUMN gone',
      )
      // In a transaction of its own: else Debezium may take NULL for the default (docs/schema-evolution.md).
      await sql('ALTER TABLE grown ALTER price DROP NOT NULL')
      await ddl('UPDATE grown SET price = NULL WHERE id % 3 = 0')
      await ddl(
        'ALTER TABLE grown DROP COLUMN note',
        `UPDATE grown SET price = 3000000000, amount = 1234567890.12 WHERE id % 5 = 0`,
      )
    })
    expect(status.health).toBe('running')
    expect(await userColumns('grown')).toEqual([...base, 'plain', 'extra', 'gone'])
    await expectWhole('grown', same('id', 'touched', 'price', 'ratio', 'amount', 'plain'))
    const late = `SELECT count(*) FROM ${delta('grown')} WHERE note IS NOT NULL AND price = 3000000000`
    expect(await lake.one(late)).toBe('0')
  })

  test('a renamed column is a new column, and the latest state goes on in it once the rename is read from Kafka', async () => {
    await underLoad('renamed', async ({ ddl }) => {
      await ddl('ALTER TABLE renamed RENAME price TO cost', 'UPDATE renamed SET cost = NULL WHERE id % 7 = 0')
      await ddl('ALTER TABLE renamed ADD COLUMN price integer')
      await ddl('ALTER TABLE renamed RENAME note TO remark', 'UPDATE renamed SET price = 3 WHERE id % 5 = 0')
    })
    expect(await userColumns('renamed')).toEqual([...base, 'cost', 'remark'])
    await expectWhole('renamed', same('id', 'touched', 'ratio'))
    const before = await sluice.json('query', 'SELECT count(*) AS n FROM renamed_now WHERE remark IS NULL')
    expect(Number((before['rows'] as { n: number }[])[0]!.n)).toBeGreaterThan(0)
    const told = await sluice.json('columns', 'renamed')
    const renames = [
      { from: 'price', to: 'cost' },
      { from: 'note', to: 'remark' },
    ]
    expect(told).toMatchObject({ exit: 0, columns: [], renames })
    await expectNow('renamed', 'id', 'touched', 'cost', 'price', 'remark')
    expect((await sluice.json('columns', 'renamed'))['version']).toBe(told['version'])
  })

  test('a constant default of an added column is shown for rows that no event told of, once it is read from the database', async () => {
    await underLoad('preset', async ({ ddl }) => {
      await ddl(`ALTER TABLE preset ADD COLUMN extra numeric(10,2) DEFAULT 7.50, ADD COLUMN day date DEFAULT '2026-01-02'`)
      await ddl('UPDATE preset SET extra = NULL WHERE id % 7 = 0')
      await ddl('ALTER TABLE preset RENAME day TO since')
    })
    const before = await sluice.json('query', 'SELECT count(*) AS n FROM preset_now WHERE since IS NULL')
    expect(Number((before['rows'] as { n: number }[])[0]!.n)).toBeGreaterThan(0)
    const told = await sluice.json('columns', 'preset')
    expect(told).toMatchObject({
      exit: 0,
      columns: [
        { column: 'extra', kind: 'constant', text: '7.50' },
        { column: 'day', source: 'since', text: '2026-01-02' },
      ],
    })
    await expectNow('preset', 'id', 'extra', 'since')
    expect((await sluice.json('columns', 'preset'))['version']).toBe(told['version'])
  })

  test('a default that is no constant any more is said to need a new snapshot', async () => {
    await underLoad('rewritten', ({ ddl }) => ddl('ALTER TABLE rewritten ADD COLUMN at timestamptz DEFAULT clock_timestamp()'))
    expect(await sluice.json('columns', 'rewritten')).toMatchObject({ exit: 1, columns: [{ column: 'at', kind: 'rewritten' }] })
  })

  test('a column that comes back with another type parks until a person says where its values go', async () => {
    await underLoad('dropped', async ({ ddl, parked, decide }) => {
      await ddl('ALTER TABLE dropped DROP COLUMN price')
      await ddl('ALTER TABLE dropped ADD COLUMN price text', `UPDATE dropped SET price = 'cheap' WHERE id % 2 = 0`)
      const { details } = await parked('CDC4002')
      expect(details['choices']).toContainEqual({ columns: { price: { as: 'price__2' } } })
      await decide({ columns: { price: { as: 'price__2' } } })
    })
    expect(await userColumns('dropped')).toEqual([...base, 'price__2'])
    await expectWhole('dropped', { ...same('id', 'touched', 'note'), price: 'price__2' })
  })

  test('a type that leaves its class parks once, and flips back and forth without a word after the decision', async () => {
    await underLoad('retyped', async ({ ddl, parked, decide, handle }) => {
      await ddl(`ALTER TABLE retyped ALTER price TYPE text`)
      const { details } = await parked('CDC4002')
      expect(details).toMatchObject({ column: 'price', from: 'long', to: 'string' })
      await expect(decide({ columns: { price: { az: 'x' } } })).rejects.toThrow()
      await decide((details['choices'] as unknown[])[0])
      for (let i = 0; i < 3; i++) {
        await ddl('ALTER TABLE retyped ALTER price TYPE integer USING price::integer', 'UPDATE retyped SET price = price + 1')
        await ddl('ALTER TABLE retyped ALTER price TYPE text')
      }
      expect((await statusOf(handle)).block).toBeNull()
    })
    expect(await userColumns('retyped')).toEqual([...base, 'price__2'])
    await expectWhole('retyped', { ...same('id', 'touched', 'note'), price: 'coalesce(price__2, CAST(price AS VARCHAR))' })
  })

  test('a primary key that changes parks until a person takes it over', async () => {
    await underLoad('rekeyed', async ({ ddl, parked, decide }) => {
      await ddl('ALTER TABLE rekeyed DROP CONSTRAINT rekeyed_pkey', 'ALTER TABLE rekeyed ADD PRIMARY KEY (id, touched)')
      const { details } = await parked('CDC4005')
      expect(details).toMatchObject({ from: ['id'], to: ['id', 'touched'] })
      await decide((details['choices'] as unknown[])[0])
    })
    expect(await userColumns('rekeyed')).toEqual(base)
    await expectWhole('rekeyed', {})
    const { problem, hint } = await sluice.json('query', 'SELECT * FROM rekeyed_now')
    expect([problem, hint]).toEqual([
      expect.stringContaining('rekeyed_now does not exist'),
      expect.stringMatching(/^There is no rekeyed_now: its key was \(id\) and is \(id, touched\)/),
    ])
  })

  test('a name that the lake keeps for itself goes under another once a person gives it', async () => {
    await underLoad('named', async ({ ddl, parked, decide }) => {
      await ddl('ALTER TABLE named ADD COLUMN __op text', `UPDATE named SET __op = 'mine' WHERE id % 2 = 0`)
      await parked('CDC4003')
      await decide({ columns: { __op: { as: 'op' } } })
    })
    expect(await userColumns('named')).toEqual([...base, 'op'])
    await expectWhole('named', { ...same('id', 'price'), __op: 'op' })
  })

  test('lenient never stops, and a schema that flips back and forth makes no files of its own', async () => {
    const turns = 8
    const { batches } = await underLoad('flipping', async ({ ddl }) => {
      for (let i = 0; i < turns; i++) {
        await ddl('ALTER TABLE flipping ADD COLUMN extra integer DEFAULT 1', 'ALTER TABLE flipping ALTER price TYPE text')
        await ddl('ALTER TABLE flipping DROP COLUMN extra', 'ALTER TABLE flipping ALTER price TYPE integer USING price::integer')
      }
    })
    expect(await userColumns('flipping')).toEqual([...base, 'price__2', 'extra'].sort(byPlace))
    const files = Number(
      await lake.one(
        `SELECT count(DISTINCT filename) FROM read_parquet('${lane.rootOf('flipping')}/data/**/*.parquet', filename = true)`,
      ),
    )
    expect(files).toBeLessThanOrEqual(3 * batches)
    const log = Number(await lake.one(`SELECT count(*) FROM glob('${lane.rootOf('flipping')}/_delta_log/*.json')`))
    // Entry 0, the first columns, one entry each for what came, at most one more where partitions proposed it at a time.
    expect(log - batches).toBeLessThanOrEqual(6)
    await expectWhole('flipping', { ...same('id', 'touched', 'note'), price: 'coalesce(CAST(price AS VARCHAR), price__2)' })
  })

  test('try_evolve keeps values without a place as text in __special', async () => {
    await underLoad('tried', async ({ ddl }) => {
      // Not in one transaction: Debezium once read its first update by the old type, and its task ended at "cheap".
      await ddl('ALTER TABLE tried ALTER price TYPE text')
      await ddl(`UPDATE tried SET price = 'cheap'`)
    })
    expect(await userColumns('tried')).toEqual(base)
    await expectWhole('tried', same('id', 'touched', 'note'))
    const kept = `SELECT count(*) FROM ${delta('tried')} WHERE __special = '{"price":"cheap"}'`
    expect(Number(await lake.one(kept))).toBeGreaterThanOrEqual(50)
  })

  test('exception asks before a column is added', async () => {
    await underLoad('asked', async ({ ddl, parked, decide }) => {
      await ddl('ALTER TABLE asked ADD COLUMN extra integer', 'UPDATE asked SET extra = 1 WHERE id % 2 = 0')
      const { details } = await parked('CDC4006')
      await decide((details['choices'] as unknown[])[0])
    })
    expect(await userColumns('asked')).toEqual([...base, 'extra'])
    await expectWhole('asked', same(...base, 'extra'))
  })

  test('ignore leaves a new column out and goes on, until a person takes it in', async () => {
    const { health } = await underLoad('ignored', async ({ ddl, decide, handle }) => {
      await ddl('ALTER TABLE ignored ADD COLUMN extra integer DEFAULT 5')
      expect(await userColumns('ignored')).toEqual(base)
      await decide({ columns: { extra: { as: 'extra' } } })
      await ddl('UPDATE ignored SET extra = id')
      expect((await statusOf(handle)).block).toBeNull()
    })
    expect(health).toBe('running')
    expect(await userColumns('ignored')).toEqual([...base, 'extra'])
    await expectWhole('ignored', same(...base, 'extra'))
  })
})

/** Two columns that come in one transaction are added in the order in which the rows show them. */
function byPlace(a: string, b: string): number {
  const order = [...base, 'price__2', 'extra']
  return order.indexOf(a) - order.indexOf(b)
}

describe('old and new files', () => {
  test('read as one table by delta-rs, pyarrow, Polars and DuckDB, by Delta and by glob', async () => {
    const script = fileURLToPath(new URL('../readers/lake.py', import.meta.url))
    const [python, httpfs, deltaExtension] = await Promise.all([readersPython(), duckdbHttpfs(), duckdbDelta()])
    const asked = Object.fromEntries(tables.map((table) => [table, { root: lane.rootOf(table), probes: 0 }]))
    const given = JSON.stringify({ s3: stackFacts().s3, extensions: [httpfs, deltaExtension], tables: asked })
    const printed = await new Promise<string>((resolve, reject) => {
      const child = execFile(python, [script], { maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
        if (error) reject(new Error(`the readers failed: ${stderr.slice(-2000)}`, { cause: error }))
        else resolve(stdout)
      })
      child.stdin!.end(given)
    })
    const reports = JSON.parse(printed) as Record<string, { rows: Record<string, number>; differing: Record<string, unknown[]> }>
    for (const table of tables) {
      const { rows, differing } = reports[table]!
      const changes = Number(await lake.one(`SELECT count(*) FROM ${delta(table)}`))
      expect(Object.values(rows), table).toEqual(Object.keys(rows).map(() => changes))
      for (const [reader, values] of Object.entries(differing)) expect([table, reader, values]).toEqual([table, reader, []])
    }
  })
})
