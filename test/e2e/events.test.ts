/** Every kind of event that Debezium sends, made by real statements and looked at in the lake (docs/events.md). */
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Kafka, logLevel } from 'kafkajs'
import type { WorkflowHandle } from '@temporalio/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { drainDatabase } from '../../scripts/demo/drain.ts'
import { latestState, quoted } from '../../scripts/query/latestState.ts'
import { registerConnector as register } from '../../scripts/stack/connector.ts'
import { readersPython } from '../../scripts/stack/readers.ts'
import { openLakeReader, type LakeReader } from '../../scripts/verify/lakeReader.ts'
import { tableRoot } from '../../src/core/names.ts'
import { metadataColumns } from '../../src/core/schema.ts'
import {
  connectorPlan,
  deleteConnector,
  freshDatabase,
  readTopic,
  stackFacts,
  waitForTopic,
  withClient,
  type TestDatabase,
} from './harness.ts'
import { openLane, statusOf, until, type Lane } from './lane.ts'

const longest = 'n'.repeat(63)
const oddNames = ['Mixed Case', 'dots.in.name', 'ünï✈', longest, '__proto__', 'constructor', 'quo"te', 'a-b', 'a_b', '50%']
const oddColumns = [...oddNames, '__mine', 'select', 'a,b;c{d}=(e)', 'back\\slash', '10']
const refused = { bad_day: 'cdc_date', bad_metadata: '__OP', bad_case: 'note' }

let database: TestDatabase
let lane: Lane
let lake: LakeReader
const handles = new Map<string, WorkflowHandle>()

const large = `(SELECT string_agg(md5(i::text || random()::text), '') FROM generate_series(1, 300) i)`
const list = (type: string, element: string) => `(SELECT array_agg((${element})::${type}) FROM generate_series(1, 3000) i)`
/** Large enough to be stored out of line, each in a shape of its own. */
const toasted: readonly (readonly [name: string, type: string, value: string])[] = [
  ['a_text', 'text', large],
  ['a_json', 'json', `to_json(${large})`],
  ['a_jsonb', 'jsonb', `to_jsonb(${large})`],
  ['a_xml', 'xml', `('<a>' || ${large} || '</a>')::xml`],
  ['a_bytea', 'bytea', `decode(${large}, 'hex')`],
  ['a_numeric', 'numeric', `('1' || translate(${large}, 'abcdef', '123456'))::numeric`],
  ['a_hstore', 'hstore', `hstore('k', ${large})`],
  ['texts', 'text[]', list('text', 'md5(random()::text)')],
  ['varchars', 'varchar[]', list('varchar', 'md5(random()::text)')],
  ['jsons', 'json[]', list('json', 'to_json(md5(random()::text))')],
  ['byteas', 'bytea[]', list('bytea', `decode(md5(random()::text), 'hex')`)],
  ['ints', 'int[]', list('int', '(random() * 1e9)::int')],
  ['bigints', 'bigint[]', list('bigint', '(random() * 1e9)::int')],
  ['uuids', 'uuid[]', list('uuid', 'gen_random_uuid()')],
]
const toastTable = (name: string, more = '') => `
  CREATE TABLE ${name} (id int PRIMARY KEY, n int, small text, ${toasted.map(([column, type]) => `${column} ${type}`).join(', ')});
  ${toasted.map(([column]) => `ALTER TABLE ${name} ALTER COLUMN ${column} SET STORAGE EXTERNAL;`).join('\n')} ${more}`

const setUp = `
  CREATE EXTENSION IF NOT EXISTS hstore;
  CREATE TABLE plain (id int PRIMARY KEY, n int NOT NULL, t text NOT NULL DEFAULT 'filler');
  CREATE TABLE old_row (id int PRIMARY KEY, n int NOT NULL, t text); ALTER TABLE old_row REPLICA IDENTITY FULL;
  CREATE TABLE keyless (n int, t text NOT NULL); ALTER TABLE keyless REPLICA IDENTITY FULL;
  CREATE TABLE keyless_unsaid (n int, t text NOT NULL); ALTER TABLE keyless_unsaid REPLICA IDENTITY FULL;
  CREATE TABLE odd_key (a int, t text, b text, PRIMARY KEY (b, a));
  CREATE TABLE emptied (id int PRIMARY KEY, t text);
  CREATE TABLE busy (id int PRIMARY KEY, n int NOT NULL);
  CREATE TABLE copied (id int PRIMARY KEY, t text);
  CREATE TABLE read_again (id int PRIMARY KEY, n int NOT NULL);
  CREATE TABLE ghosts (id int PRIMARY KEY, t text);
  ${toastTable('toasted')}
  ${toastTable('toasted_full', 'ALTER TABLE toasted_full REPLICA IDENTITY FULL;')}
  ${oddNames.map((name) => `CREATE TABLE ${quoted(name)} (id int PRIMARY KEY, t text);`).join('\n')}
  CREATE TABLE odd_columns (id int PRIMARY KEY, ${oddColumns.map((name) => `${quoted(name)} text`).join(', ')});
  ${Object.entries(refused)
    .map(([table, column]) => `CREATE TABLE ${table} (id int PRIMARY KEY, ${quoted(column)} text);`)
    .join('\n')}
  INSERT INTO read_again SELECT i, 0 FROM generate_series(1, 300) i;
  INSERT INTO ghosts SELECT i, 'before' FROM generate_series(1, 10) i;`

const plain = ['plain', 'old_row', 'keyless', 'keyless_unsaid', 'odd_key', 'emptied', 'busy', 'copied', 'read_again', 'ghosts']
const tables = [...plain, 'toasted', 'toasted_full', ...oddNames, 'odd_columns', ...Object.keys(refused)]

beforeAll(async () => {
  database = await freshDatabase('events', 'empty')
  await sql(setUp)
  const names = tables.map((table) => `public.${table}`)
  const plan = connectorPlan(database, names, { 'incremental.snapshot.chunk.size': '50' })
  const config = await register(stackFacts().connect.url, plan)
  lane = await openLane({ database, atRest: Promise.resolve() }, 'events')
  const declared = ['old_row', 'keyless', 'toasted_full'].map(
    (table) => [`public.${table}`, { replicaIdentity: 'full' }] as const,
  )
  const yaml = join(stackFacts().dir, `events-${lane.id}.yaml`)
  await writeFile(yaml, stringify({ tables: Object.fromEntries(declared) }))
  ;[lake] = await Promise.all([
    openLakeReader(stackFacts().s3),
    lane.worker({ CDC_CONFIG: yaml, CDC_PLACEHOLDER: config['unavailable.value.placeholder']! }),
  ])
}, 240_000)
afterAll(async () => {
  lake.close()
  await lane.close()
})

async function sql(text: string, parameters?: unknown[]): Promise<Record<string, unknown>[]> {
  return await withClient(database.url, async (client) => (await client.query<Record<string, unknown>>(text, parameters)).rows)
}

/** All that the database committed so far is in the lake. */
async function carried(...names: string[]): Promise<void> {
  await withClient(database.url, drainDatabase)
  await Promise.all(
    names.map(async (table) => {
      const known = handles.get(table)
      const handle = known ?? (await lane.start(`tableCdc/${lane.id}/public.${table}`, { table: `public.${table}` }))
      handles.set(table, handle)
      let flushed = false
      const flush = handle.executeUpdate('flush').finally(() => (flushed = true))
      await Promise.race([flush, until(async () => flushed || (await statusOf(handle)).health === 'blocked', 120_000)])
      expect((await statusOf(handle)).block).toBeNull()
      await flush
    }),
  )
}

const rootOf = (table: string) =>
  lane.rootOf('plain').replace(/[^/]+\/public\/plain$/, tableRoot(database.database, 'public', table))
const logOf = (table: string) => `delta_scan('${rootOf(table)}')`
const inOrder = 'ORDER BY __commit_lsn NULLS FIRST, __lsn, __tx_order, __kafka_offset'

async function log(table: string, columns: string): Promise<(string | null)[][]> {
  return (await lake.rows(`SELECT ${columns} FROM ${logOf(table)} ${inOrder}`)).map((row) => Object.values(row))
}

async function now(table: string, key: readonly string[], columns = '*'): Promise<(string | null)[][]> {
  const described = await lake.rows(`DESCRIBE SELECT * FROM ${logOf(table)}`)
  const shape = described.map((row) => ({ name: row['column_name']!, type: row['column_type']! }))
  const rows = await lake.rows(`SELECT ${columns} FROM (${latestState(logOf(table), shape, key)}) ORDER BY ALL`)
  return rows.map((row) => Object.values(row))
}

/** Sums over the log's entries of what the order of events gave away. */
async function counted(table: string): Promise<{ replayed: number; resnapshot: number }> {
  const [row] = await lake.rows(`SELECT sum(r.replayed) AS replayed, sum(r.resnapshot) AS resnapshot FROM (
    SELECT unnest(commitInfo."cdc.ranges") AS r FROM read_json('${rootOf(table)}/_delta_log/*.json', format = 'newline_delimited',
      columns = {commitInfo: 'STRUCT("cdc.ranges" STRUCT(replayed BIGINT, resnapshot BIGINT)[])'}))`)
  return { replayed: Number(row!['replayed']), resnapshot: Number(row!['resnapshot']) }
}

async function parkedWith(table: string): Promise<string | undefined> {
  const handle = await lane.start(`tableCdc/${lane.id}/public.${table}`, { table: `public.${table}` })
  await until(async () => (await statusOf(handle)).health === 'blocked', 60_000)
  return (await statusOf(handle)).block?.code
}

describe('deletes and updates', () => {
  test('with REPLICA IDENTITY DEFAULT are one row each; a delete has its key, and no zero or default in place of the rest', async () => {
    await sql(`INSERT INTO plain VALUES (1, 5, 'x'); UPDATE plain SET n = 6; DELETE FROM plain`)
    await carried('plain')
    expect(await log('plain', 'id, n, t, __op, __deleted')).toEqual([
      ['1', '5', 'x', 'c', 'false'],
      ['1', '6', 'x', 'u', 'false'],
      ['1', null, null, 'd', 'true'],
    ])
    expect(await now('plain', ['id'])).toEqual([])
  })

  test('with REPLICA IDENTITY FULL, where tables.yaml says so, a delete has the old row', async () => {
    await sql(`INSERT INTO old_row VALUES (1, 5, 'x'), (2, 7, NULL); UPDATE old_row SET n = 6 WHERE id = 1; DELETE FROM old_row`)
    await carried('old_row')
    const deleted = (await log('old_row', 'id, n, t, __op')).filter(([, , , op]) => op === 'd')
    expect(deleted.sort()).toEqual([
      ['1', '6', 'x', 'd'],
      ['2', '7', null, 'd'],
    ])
  })

  test('of a table without a key are a log of changes, old rows of deletes included', async () => {
    const changes = `INSERT INTO keyless VALUES (1, 'x'); UPDATE keyless SET t = 'y'; DELETE FROM keyless`
    await sql(`${changes}; ${changes.replaceAll('keyless', 'keyless_unsaid')}`)
    await carried('keyless')
    expect(await log('keyless', 'n, t, __op')).toEqual([
      ['1', 'x', 'c'],
      ['1', 'y', 'u'],
      ['1', 'y', 'd'],
    ])
    expect(await parkedWith('keyless_unsaid')).toBe('CDC3003')
  })

  test('of a key whose columns stand in another order than the table has: a new key is a delete and an insert', async () => {
    await sql(`INSERT INTO odd_key SELECT i, 't' || i, 'b' || i FROM generate_series(1, 20) i`)
    await sql(
      `UPDATE odd_key SET a = a + 100 WHERE a <= 10; UPDATE odd_key SET b = 'moved' WHERE a = 20; DELETE FROM odd_key WHERE a = 11`,
    )
    await carried('odd_key')
    const expected = await sql(`SELECT a::text, t, b FROM odd_key`)
    expect(await now('odd_key', ['b', 'a'])).toEqual(
      expected.map(({ a, t, b }) => [a, t, b]).sort((x, y) => Number(x[0]) - Number(y[0])),
    )
    const kinds = await lake.rows(`SELECT __op, count(*) AS n FROM ${logOf('odd_key')} GROUP BY 1 ORDER BY 1`)
    expect(kinds.map(({ __op, n }) => [__op, n])).toEqual([
      ['c', '31'],
      ['d', '12'],
    ])
    // Both events of a moved key share everything but their order.
    const pairs = await lake.one(`SELECT count(*) FROM ${logOf('odd_key')} AS d JOIN ${logOf('odd_key')} AS c
      ON d.__lsn = c.__lsn AND d.__tx_id = c.__tx_id AND c.__tx_order = d.__tx_order + 1 WHERE d.__op = 'd' AND c.__op = 'c'`)
    expect(pairs).toBe('11')
  })
})

describe('order', () => {
  test('a truncate is a row of its own and hides what stands before it: a hundred rows, truncate, five rows', async () => {
    await sql(`INSERT INTO emptied SELECT i, 'before' FROM generate_series(1, 100) i`)
    await sql(`BEGIN; TRUNCATE emptied; INSERT INTO emptied SELECT i, 'after' FROM generate_series(98, 102) i; COMMIT`)
    await carried('emptied')
    expect(await lake.rows(`SELECT id, t, __deleted FROM ${logOf('emptied')} WHERE __op = 't'`)).toEqual([
      { id: null, t: null, __deleted: 'false' },
    ])
    expect(await now('emptied', ['id'])).toEqual([98, 99, 100, 101, 102].map((id) => [String(id), 'after']))
  })

  test('of 8,000 updates of one row in one transaction the last one counts', async () => {
    await sql(`INSERT INTO busy VALUES (1, 0)`)
    await sql(`DO $$ BEGIN FOR i IN 1..8000 LOOP UPDATE busy SET n = i WHERE id = 1; END LOOP; END $$`)
    await carried('busy')
    expect(await lake.one(`SELECT count(*) FROM ${logOf('busy')}`)).toBe('8001')
    expect(await now('busy', ['id'])).toEqual([['1', '8000']])
  })

  test('rows that an incremental snapshot reads under load do not undo what came after', async () => {
    await carried('read_again')
    let running = true
    const load = (async () => {
      for (let n = 1; running; n++) await sql(`UPDATE read_again SET n = ${n} WHERE id % 7 = ${n % 7}`)
    })()
    const data = JSON.stringify({ 'data-collections': ['public.read_again'], type: 'incremental' })
    await sql(`INSERT INTO cdc.signal VALUES ('again', 'execute-snapshot', $1)`, [data])
    const topic = `${database.topicPrefix}.public.read_again`
    const incremental = ({ value }: { value: unknown }) =>
      (value as { payload?: { source: { snapshot: string } } } | null)?.payload?.source.snapshot === 'incremental'
    await waitForTopic(topic, (records) => records.filter(incremental).length >= 250, 60_000).finally(() => (running = false))
    await load
    await carried('read_again')
    const expected = await sql(`SELECT id::text, n::text FROM read_again`)
    expect((await now('read_again', ['id'])).sort()).toEqual(expected.map(({ id, n }) => [id, n]).sort())
    expect(
      await lake.one(`SELECT count(*) FROM ${logOf('read_again')} WHERE __snapshot = 'incremental' AND __lsn IS NULL`),
    ).not.toBe('0')
    expect(await counted('read_again')).toEqual({ replayed: 0, resnapshot: 0 })
  })

  test('a thousand rows of one COPY are no replay; half of them sent again are counted, carried, and change nothing', async () => {
    await sql(`BEGIN; INSERT INTO copied SELECT i, 't' || i FROM generate_series(1, 1000) i; COMMIT`)
    await carried('copied')
    expect(await counted('copied')).toEqual({ replayed: 0, resnapshot: 0 })
    const topic = `${database.topicPrefix}.public.copied`
    const records = await readTopic(topic)
    const kafka = new Kafka({ brokers: stackFacts().kafka.brokers, logLevel: logLevel.NOTHING })
    const producer = kafka.producer()
    await producer.connect()
    const again = records.filter(({ value }) => value !== null).slice(0, 500)
    await producer.send({
      topic,
      messages: again.map(({ partition, key, value }) => ({ partition, key: JSON.stringify(key), value: JSON.stringify(value) })),
    })
    await producer.disconnect()
    await carried('copied')
    expect(await lake.one(`SELECT count(*) FROM ${logOf('copied')}`)).toBe('1500')
    expect(await counted('copied')).toEqual({ replayed: 500, resnapshot: 0 })
    expect(await now('copied', ['id'], 'count(*), count(DISTINCT id)')).toEqual([['1000', '1000']])
  })
})

describe('large values', () => {
  const insert = (table: string) =>
    `INSERT INTO ${table} VALUES (1, 1, '__debezium_unavailable_value', ${toasted.map(([, , value]) => value).join(', ')})`
  const columns = toasted.map(([name]) => name)

  test('that an update did not touch are NULL and named, never the placeholder, whatever their type; the state has them', async () => {
    await sql(insert('toasted'))
    await sql(`UPDATE toasted SET n = 2`)
    await carried('toasted')
    const [, update] = await log('toasted', `to_json(__unchanged_toast), small, ${columns.join(', ')}`)
    expect(update!.slice(2)).toEqual(columns.map(() => null))
    expect(JSON.parse(update![0]!)).toEqual(columns)
    expect(update![1]).toBe('__debezium_unavailable_value')
    const filled = `n, small, ${columns.map((name) => `${name} IS NOT NULL`).join(', ')}, md5(a_text), md5(a_numeric), len(texts)`
    const [row] = await sql(`SELECT md5(a_text) AS t, md5(a_numeric::text) AS n FROM toasted`)
    expect(await now('toasted', ['id'], filled)).toEqual([
      ['2', '__debezium_unavailable_value', ...columns.map(() => 'true'), row!['t'], row!['n'], '3000'],
    ])
  })

  test('come whole with each update under REPLICA IDENTITY FULL', async () => {
    await sql(insert('toasted_full'))
    await sql(`UPDATE toasted_full SET n = 2`)
    await carried('toasted_full')
    const rows = await log('toasted_full', `__unchanged_toast, ${columns.map((name) => `md5(${name}::text)`).join(', ')}`)
    expect(rows[1]).toEqual(rows[0])
    expect(rows[0]!.slice(1)).not.toContain(null)
  })
})

describe('names', () => {
  test('of tables: each stands in a folder of its own, and two that differ in a dash do not meet', async () => {
    for (const name of oddNames) await sql(`INSERT INTO ${quoted(name)} VALUES (1, $1)`, [name])
    await carried(...oddNames)
    for (const name of oddNames) expect(await now(name, ['id'])).toEqual([['1', name]])
  })

  test('of columns: all of them at once, read back by three readers as PostgreSQL has them', async () => {
    const values = oddColumns.map((name) => `value of ${name}`)
    const places = values.map((_, i) => `$${i + 1}`).join(', ')
    await sql(`INSERT INTO odd_columns VALUES (1, ${places})`, values)
    await sql(`INSERT INTO odd_columns (id) VALUES (2)`)
    await sql(`UPDATE odd_columns SET "__proto__" = 'new' WHERE id = 1`)
    await carried('odd_columns')
    const names = ['id', ...oddColumns]
    // As arrays: a column named __proto__ has no place in an object of pg's.
    const expected = await withClient(database.url, async (client) => {
      const text = `SELECT id::text, ${oddColumns.map(quoted).join(', ')} FROM odd_columns ORDER BY id`
      return (await client.query<(string | null)[]>({ text, rowMode: 'array' })).rows
    })
    expect(await now('odd_columns', ['id'], names.map((name, i) => `${quoted(name)} AS c${i}`).join(', '))).toEqual(expected)
    const described = (await lake.rows(`DESCRIBE SELECT * FROM ${logOf('odd_columns')}`)).map((row) => row['column_name'])
    expect(described.slice(0, names.length)).toEqual(names)
    expect(described.slice(names.length)).toEqual([...metadataColumns.map(({ name }) => name), 'cdc_date'])
    const facts = { s3: stackFacts().s3, root: rootOf('odd_columns'), columns: ['__kafka_offset', ...names] }
    const read = await readers(facts)
    for (const reader of ['deltalake', 'pyarrow glob']) {
      expect(read[reader]!.length).toBe(3)
      const rows = read[reader]!.map(([, id, ...rest]) => [String(id as number), ...rest])
      expect(rows).toEqual(expect.arrayContaining(expected))
    }
  })

  test('that the lake has for itself, or that differ from an earlier one only in case, park the table with a code', async () => {
    for (const table of Object.keys(refused)) await sql(`INSERT INTO ${table} VALUES (1, 'x')`)
    // Two such columns at a time stop Debezium itself.
    await sql(`ALTER TABLE bad_case RENAME note TO "NOTE"; INSERT INTO bad_case VALUES (2, 'x')`)
    await withClient(database.url, drainDatabase)
    expect(await parkedWith('bad_day')).toBe('CDC4003')
    expect(await parkedWith('bad_metadata')).toBe('CDC4003')
    expect(await parkedWith('bad_case')).toBe('CDC4004')
  })
})

async function readers(facts: object): Promise<Record<string, unknown[][]>> {
  const python = await readersPython()
  const script = fileURLToPath(new URL('../readers/rows.py', import.meta.url))
  return await new Promise((resolve, reject) => {
    const child = execFile(python, [script], { maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      if (error) reject(new Error(stderr || error.message))
      else resolve(JSON.parse(stdout) as Record<string, unknown[][]>)
    })
    child.stdin!.end(JSON.stringify(facts))
  })
}

describe('transactions', () => {
  test('are complete: the lake has as many rows of each as the database said at its end', async () => {
    const names = plain.filter((table) => table !== 'keyless_unsaid' && table !== 'copied')
    await carried(...names)
    const ends = (await readTopic(`${database.topicPrefix}.transaction`)).flatMap(({ value }) => {
      const { payload } = value as { payload: TransactionEnd }
      return payload.status === 'END' ? [payload] : []
    })
    const expected = new Map<string, number>()
    for (const { id, data_collections: collections } of ends) {
      for (const { data_collection: name, event_count: count } of collections ?? []) {
        const table = name.replace(/^public\./, '')
        if (names.includes(table)) expected.set(`${table} ${id.split(':')[0]}`, count)
      }
    }
    const found = new Map<string, number>()
    for (const table of names) {
      for (const row of await lake.rows(`SELECT __tx_id AS tx, count(*) AS n FROM ${logOf(table)} WHERE __op <> 'r' GROUP BY 1`))
        found.set(`${table} ${row['tx']}`, Number(row['n']))
    }
    expect(found).toEqual(expected)
    expect(found.size).toBeGreaterThan(10)
  })
})

interface TransactionEnd {
  readonly status: string
  readonly id: string
  readonly data_collections: readonly { readonly data_collection: string; readonly event_count: number }[] | null
}

describe('a new snapshot after streaming had begun', () => {
  test('is carried and counted; rows deleted in between are gone from the latest state once it is there as a whole', async () => {
    await sql(`UPDATE ghosts SET t = 'streamed'`)
    await carried('ghosts')
    const facts = stackFacts()
    await deleteConnector(facts.connect.url, connectorPlan(database, []))
    await sql(`DELETE FROM ghosts WHERE id = 3; UPDATE ghosts SET t = 'unseen' WHERE id = 4`)
    const anew = {
      ...connectorPlan(database, ['public.ghosts']),
      name: `${database.database}_anew`,
      slot: `${database.slot}_anew`,
      publication: `${database.publication}_anew`,
    }
    await register(facts.connect.url, anew)
    await carried('ghosts')
    expect(await counted('ghosts')).toEqual({ replayed: 0, resnapshot: 9 })
    expect((await now('ghosts', ['id'])).length).toBeGreaterThanOrEqual(9)

    // Something comes behind the snapshot in every partition.
    await sql(`UPDATE ghosts SET t = 'after' WHERE id = 5; INSERT INTO ghosts SELECT i, 'new' FROM generate_series(11, 60) i`)
    await carried('ghosts')
    const state = await now('ghosts', ['id'])
    expect(state.sort()).toEqual((await sql('SELECT id::text, t FROM ghosts')).map(({ id, t }) => [id, t]).sort())
    const kept = await lake.rows(`SELECT __op, count(*) AS n FROM ${logOf('ghosts')} WHERE id = 3 GROUP BY 1 ORDER BY 1`)
    expect(kept).toEqual([
      { __op: 'r', n: '1' },
      { __op: 'u', n: '1' },
    ])
    await deleteConnector(facts.connect.url, anew)
  })
})
