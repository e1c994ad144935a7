/**
 * The whole way on the real parts: the airline under load and a table with every basic type, with schemas in the messages and
 * without, compared with the database change by change, and read by readers that are not ours.
 */
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Client } from 'pg'
import { stringify } from 'yaml'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { drainDatabase } from '../../scripts/demo/drain.ts'
import { runLoad } from '../../scripts/demo/load.ts'
import { randomOf, type Random } from '../../scripts/random.ts'
import { registerConnector as register } from '../../scripts/stack/connector.ts'
import { duckdbDelta, duckdbHttpfs, readersPython } from '../../scripts/stack/readers.ts'
import { compareTable, type Comparison } from '../../scripts/verify/compare.ts'
import { installJournal, type TableKey } from '../../scripts/verify/journal.ts'
import { openLakeReader, type LakeReader } from '../../scripts/verify/lakeReader.ts'
import { metadataColumns } from '../../src/core/schema.ts'
import * as every from './everyType.ts'
import { connectorPlan, freshDatabase, stackFacts, withClient, type TestDatabase } from './harness.ts'
import { bookings, exactlyOnce, openLane, type Lane } from './lane.ts'

interface Report {
  readonly rows: Record<string, number>
  readonly types: Record<string, [string, string][]>
  readonly differing: Record<string, unknown[]>
  readonly filters: Record<string, { asked: number; wrong: unknown[] }>
}

const airline: TableKey[] = [bookings, { table: 'customers', key: ['customer_id'] }, { table: 'flights', key: ['flight_id'] }]
const loadMs = 8_000

let database: TestDatabase
let lake: LakeReader
let withSchemas: Lane
let withoutSchemas: Lane
let placeholder: string
let reports: Record<string, Report>
const compared: Record<string, Comparison> = {}
const closers: (() => void | Promise<void>)[] = []

beforeAll(async () => {
  const random = randomOf(1)
  database = await freshDatabase('pipeline')
  await withClient(database.url, async (client) => {
    await client.query(every.createEveryType)
    for (let n = 0; n < every.extremeRows + 60; n++) await client.query(every.rowOf(n + 1, n, random))
    await installJournal(client, [...airline, every.everyType])
  })
  await openLanes()
  const handles = [
    ...(await Promise.all([...airline, every.everyType].map(({ table }) => withSchemas.carry(table)))),
    await withoutSchemas.carry('every_type'),
  ]

  const load = { writers: 2, untilMs: Date.now() + loadMs, signal: new AbortController().signal }
  await Promise.all([
    runLoad(database.url, load, () => {}),
    withClient(database.url, (client) => changeEveryType(client, random)),
    sleep(loadMs / 2).then(() => withClient(database.url, growBookings)),
  ])
  await withClient(database.url, drainDatabase)
  await Promise.all(handles.map((handle) => handle.executeUpdate('flush')))
  await withClient(database.url, (client) => client.query(every.showEveryType))

  const { s3 } = stackFacts()
  lake = await openLakeReader(s3)
  closers.push(() => lake.close())
  await withClient(database.url, async (client) => {
    for (const one of airline)
      compared[one.table] = await compareTable(client, lake, { ...one, root: withSchemas.rootOf(one.table) })
    const shown = { table: 'shown', key: ['id'] }
    for (const [name, lane] of [
      ['every type', withSchemas],
      ['without schemas', withoutSchemas],
    ] as const) {
      compared[name] = await compareTable(client, lake, { ...shown, root: lane.rootOf('every_type') })
    }
  })
  console.log(
    'pipeline:',
    Object.entries(compared)
      .map(([name, c]) => `${name} ${c.expected}/${c.delta.found}/${c.glob.found}`)
      .join(', '),
  )
  reports = await readByOthers({
    'every type': { root: withSchemas.rootOf('every_type'), probes: 2 },
    'without schemas': { root: withoutSchemas.rootOf('every_type'), probes: 2 },
    ...Object.fromEntries(airline.map(({ table }) => [table, { root: withSchemas.rootOf(table), probes: 2 }])),
  })
}, 300_000)
afterAll(async () => {
  for (const close of closers) await close()
})

/** Two connectors on one database: one sends schemas, the other one only the table that is declared. */
async function openLanes(): Promise<void> {
  const { connect } = stackFacts()
  const plan = connectorPlan(
    database,
    [...airline, every.everyType].map(({ table }) => `public.${table}`),
  )
  const bare = `${database.database}_bare`
  const bareDatabase = { ...database, topicPrefix: bare }
  const barePlan = {
    ...connectorPlan(bareDatabase, ['public.every_type'], {
      'key.converter.schemas.enable': 'false',
      'value.converter.schemas.enable': 'false',
    }),
    name: bare,
    slot: `cdc_${bare}`,
    publication: `cdc_${bare}`,
  }
  const tablesYaml = join(stackFacts().dir, `${bare}.yaml`)
  await writeFile(tablesYaml, stringify({ tables: { 'public.every_type': every.declaredEveryType } }))
  const atRest = Promise.resolve()
  ;[withSchemas, withoutSchemas] = await Promise.all([
    openLane({ database, atRest }, 'pipeline'),
    openLane({ database: bareDatabase, atRest }, 'bare'),
  ])
  closers.push(withSchemas.close, withoutSchemas.close)
  const [config, bareConfig] = await Promise.all([register(connect.url, plan), register(connect.url, barePlan)])
  placeholder = config['unavailable.value.placeholder']!
  const env = { CDC_BATCH_MAX_AGE: '1s', CDC_BATCHES_PER_RUN: '5' }
  await Promise.all([
    withSchemas.worker({ ...env, CDC_PLACEHOLDER: placeholder }),
    withoutSchemas.worker({ ...env, CDC_PLACEHOLDER: bareConfig['unavailable.value.placeholder']!, CDC_CONFIG: tablesYaml }),
  ])
}

/** Inserts, updates, deletes, changed keys and transactions that come to nothing. */
async function changeEveryType(client: Client, random: Random): Promise<void> {
  let next = 1000
  const ids = (await client.query<{ id: string }>('SELECT id FROM every_type ORDER BY id')).rows.map(({ id }) => Number(id))
  const any = () => ids[Math.floor(random() * ids.length)]!
  for (let transaction = 0; transaction < 150; transaction++) {
    await client.query('BEGIN')
    const kept = random() < 0.85
    const before = [...ids]
    for (let change = 0; change < 3; change++) {
      const dice = random()
      if (dice < 0.35) {
        await client.query(every.rowOf(next, transaction < every.extremeRows ? transaction : 99, random))
        ids.push(next++)
      } else if (dice < 0.7) await client.query(every.updateOf(any(), random))
      else if (dice < 0.8) await client.query(`UPDATE every_type SET toast = ${every.largeText(random)} WHERE id = ${any()}`)
      else if (dice < 0.9) {
        const id = any()
        ids[ids.indexOf(id)] = next
        await client.query(`UPDATE every_type SET id = ${next++} WHERE id = ${id}`)
      } else {
        const id = any()
        ids.splice(ids.indexOf(id), 1)
        await client.query(`DELETE FROM every_type WHERE id = ${id}`)
      }
    }
    await client.query(kept ? 'COMMIT' : 'ROLLBACK')
    if (!kept) ids.splice(0, ids.length, ...before)
    await sleep(loadMs / 300)
  }
}

/** A column more in the middle of the load; the journal's own columns stay behind it. */
async function growBookings(client: Client): Promise<void> {
  await client.query(`BEGIN; LOCK TABLE bookings;
    ALTER TABLE bookings ADD COLUMN gate text;
    ALTER SEQUENCE journal.bookings_journal_seq_seq OWNED BY NONE;
    CREATE TABLE journal.grown AS SELECT b.*, journal_op, journal_tx, journal_seq
      FROM (SELECT booking_id, customer_id, flight_id, price, seat, booked_at, status, NULL::text AS gate, journal_seq AS nth FROM journal.bookings) b
      JOIN journal.bookings ON nth = journal_seq;
    ALTER TABLE journal.grown DROP COLUMN nth;
    ALTER TABLE journal.grown ALTER COLUMN journal_seq SET DEFAULT nextval('journal.bookings_journal_seq_seq');
    DROP TABLE journal.bookings;
    ALTER TABLE journal.grown RENAME TO bookings;
    COMMIT`)
  for (let n = 0; n < 20; n++) {
    await client.query(
      `UPDATE bookings SET gate = 'B${n}' WHERE booking_id IN (SELECT booking_id FROM bookings ORDER BY booking_id LIMIT 5 OFFSET ${n * 5})`,
    )
    await sleep(50)
  }
}

async function readByOthers(tables: Record<string, { root: string; probes: number }>): Promise<Record<string, Report>> {
  const script = fileURLToPath(new URL('../readers/lake.py', import.meta.url))
  const python = await readersPython()
  const extensions = [await duckdbHttpfs(), await duckdbDelta()]
  return await new Promise((resolve, reject) => {
    const child = execFile(python, [script], { maxBuffer: 64 << 20 }, (error, stdout) => {
      if (error) reject(new Error('the readers failed', { cause: error }))
      else resolve(JSON.parse(stdout) as Record<string, Report>)
    })
    child.stdin!.end(JSON.stringify({ s3: stackFacts().s3, extensions, tables }))
  })
}

/** A glob's columns stand in the order in which its files show them. */
const inOrder = (types: readonly [string, string][]) => types.map(String).sort()

const everywhere = ['every type', 'without schemas', ...airline.map(({ table }) => table)]

describe('the whole pipeline', () => {
  test.each(everywhere)('has every change of the table once, in order, with equal values: %s', (name) => {
    expect(compared[name]).toMatchObject(exactlyOnce)
  })

  test.each(everywhere)('shows other readers the same rows, values and types: %s', (name) => {
    const { rows, types, differing } = reports[name]!
    for (const reader of Object.keys(rows)) {
      expect(rows[reader], reader).toBe(compared[name]!.delta.found)
      expect(differing[reader], reader).toEqual([])
      expect(inOrder(types[reader]!), reader).toEqual(inOrder(types['deltalake']!))
    }
  })

  test.each(everywhere)('loses no row to a filter on any column: %s', (name) => {
    for (const [reader, { asked, wrong }] of Object.entries(reports[name]!.filters)) {
      expect(asked, reader).toBeGreaterThan(100)
      expect(wrong, reader).toEqual([])
    }
  })

  test('gives each type of PostgreSQL its own type, whether schemas come with the messages or are declared', () => {
    for (const name of ['every type', 'without schemas']) {
      const own = reports[name]!.types['deltalake']!.slice(0, every.arrowTypes.length)
      expect(own).toEqual(every.arrowTypes)
    }
    expect(reports['bookings']!.types['deltalake']!.map(([column]) => column)).toEqual([
      ...['booking_id', 'customer_id', 'flight_id', 'price', 'seat', 'booked_at', 'status', 'gate'],
      ...metadataColumns.map(({ name }) => name),
      'cdc_date',
    ])
  })

  test('has an added column as NULL before and with its values after', async () => {
    const root = withSchemas.rootOf('bookings')
    const [counts] =
      await lake.rows(`SELECT count(gate) AS filled, count(*) FILTER (gate IS NULL) AS empty, min(__kafka_offset) AS least,
      count(DISTINCT filename) FILTER (gate IS NOT NULL) AS files FROM read_parquet('${root}/data/**/*.parquet', union_by_name = true, filename = true)`)
    expect(Number(counts!['filled'])).toBe(100)
    expect(Number(counts!['empty'])).toBe(compared['bookings']!.delta.found - 100)
    expect(Number(counts!['files'])).toBeGreaterThan(0)
  })
})

describe.each([
  ['with schemas', () => withSchemas],
  ['without schemas', () => withoutSchemas],
] as const)('what has no value of its own, %s', (_name, lane) => {
  test('is NULL and named in __unchanged_toast where a large text was not touched, never a placeholder', async () => {
    const root = lane().rootOf('every_type')
    const unchanged = await lake.rows(
      `SELECT id::VARCHAR AS id, toast, __unchanged_toast::VARCHAR AS names FROM delta_scan('${root}') WHERE __unchanged_toast IS NOT NULL ORDER BY id`,
    )
    const kept = await withClient(database.url, (client) =>
      client.query<{ id: string }>('SELECT id::text FROM journal.kept WHERE kept ORDER BY id::text'),
    )
    expect(kept.rows.length).toBeGreaterThan(20)
    expect(unchanged).toEqual(kept.rows.map(({ id }) => ({ id, toast: null, names: '[toast]' })))
    const placeheld = `toast LIKE '%unavailable%' OR toast LIKE '%${placeholder}%'`
    expect(await lake.one(`SELECT count(*) FROM delta_scan('${root}') WHERE ${placeheld}`)).toBe('0')
  })

  test('is NULL and told in __special where a date is infinite or a number is none', async () => {
    const root = lane().rootOf('every_type')
    const found = await lake.rows(
      `SELECT id::VARCHAR AS id, __special AS special FROM delta_scan('${root}') WHERE __special IS NOT NULL`,
    )
    const { rows } = await withClient(database.url, (client) =>
      client.query<{ id: string; special: string }>(every.specialsOfJournal),
    )
    expect(rows.length).toBeGreaterThan(10)
    const inOrder = (all: readonly Record<string, string | null>[]) =>
      all.map(({ id, special }) => [id, sorted(special!)].join(' ')).sort()
    expect(inOrder(found)).toEqual(inOrder(rows))
  })
})

function sorted(json: string): string {
  return JSON.stringify(Object.entries(JSON.parse(json) as Record<string, string>).sort())
}
