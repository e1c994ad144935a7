/**
 * The verdict: every change that the database committed stands in the lake once, in order per key, with equal values, and the
 * latest state is equal, both ways. Read twice: through the Delta table and by globbing the bare Parquet files.
 */
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Client } from 'pg'
import type { TableKey } from './journal.ts'
import type { LakeReader } from './lakeReader.ts'

export interface Comparison {
  readonly table: string
  /** Changes in the database's journal, and in the lake by either way of reading. */
  readonly expected: number
  readonly found: number
  readonly globbed: number
  /** Changes of the journal that the lake lacks; changes of the lake that the journal lacks (twice, wrong or out of order). */
  readonly missing: number
  readonly surplus: number
  readonly globMissing: number
  readonly globSurplus: number
  /** Rows of the database that the lake's latest state lacks or has with other values, and the other way round. */
  readonly stateMissing: number
  readonly stateSurplus: number
  readonly stateRows: number
  /** (partition, offset) pairs that stand more than once. */
  readonly twice: number
  readonly equal: boolean
}

export interface Compared extends TableKey {
  /** `s3://bucket/prefix/database/schema/table` */
  readonly root: string
}

/** Reads both sides of one table that has a journal. Both must be at rest. */
export async function compareTable(database: Client, lake: LakeReader, { table, key, root }: Compared): Promise<Comparison> {
  const scratch = await mkdtemp(join(tmpdir(), 'sluice-compare-'))
  try {
    await lake.run(`CREATE OR REPLACE TEMP TABLE lake_delta AS SELECT * FROM delta_scan('${root}')`)
    await lake.run(
      `CREATE OR REPLACE TEMP TABLE lake_glob AS SELECT * FROM read_parquet('${root}/data/**/*.parquet', union_by_name = true, hive_partitioning = true)`,
    )
    await importTable(database, lake, `journal.${table}`, 'journal', scratch)
    await importTable(database, lake, `public.${table}`, 'state', scratch)
    const columns = await userColumns(lake)
    const journal = changes('journal', columns, key, { op: 'journal_op', tx: 'journal_tx', order: ['journal_seq'] })
    const delta = changes('lake_delta', columns, key, lakeNames)
    const glob = changes('lake_glob', columns, key, lakeNames)
    const list = columns.map(quote).join(', ')
    const latest = `SELECT ${list} FROM (SELECT *, row_number() OVER (PARTITION BY ${key.map(quote).join(', ')}
      ORDER BY ${lakeNames.order.map((name) => `${name} DESC`).join(', ')}) AS nth FROM lake_delta) WHERE nth = 1 AND NOT __deleted`
    const counts = {
      expected: await count(lake, 'SELECT * FROM journal'),
      found: await count(lake, 'SELECT * FROM lake_delta'),
      globbed: await count(lake, 'SELECT * FROM lake_glob'),
      missing: await count(lake, `${journal} EXCEPT ALL ${delta}`),
      surplus: await count(lake, `${delta} EXCEPT ALL ${journal}`),
      globMissing: await count(lake, `${journal} EXCEPT ALL ${glob}`),
      globSurplus: await count(lake, `${glob} EXCEPT ALL ${journal}`),
      stateRows: await count(lake, 'SELECT * FROM state'),
      stateMissing: await count(lake, `SELECT ${list} FROM state EXCEPT ALL ${latest}`),
      stateSurplus: await count(lake, `${latest} EXCEPT ALL SELECT ${list} FROM state`),
      twice: await count(lake, 'SELECT 1 FROM lake_glob GROUP BY __epoch, __kafka_partition, __kafka_offset HAVING count(*) > 1'),
    }
    const wrong = [
      counts.missing,
      counts.surplus,
      counts.globMissing,
      counts.globSurplus,
      counts.stateMissing,
      counts.stateSurplus,
      counts.twice,
    ]
    const equal = wrong.every((n) => n === 0) && counts.found === counts.expected && counts.globbed === counts.expected
    return { table, ...counts, equal }
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

const lakeNames = {
  op: '__op',
  tx: '__tx_id',
  order: ['__epoch', '__commit_lsn', '__lsn', '__tx_order', '__kafka_offset'],
}

/** One row a change: what it did, in which transaction, as the how-manieth change of its key, with which values. */
function changes(
  from: string,
  columns: readonly string[],
  key: readonly string[],
  names: { op: string; tx: string; order: readonly string[] },
): string {
  const values = columns.map((c) =>
    key.includes(c) ? quote(c) : `CASE WHEN ${names.op} = 'd' THEN NULL ELSE ${quote(c)} END AS ${quote(c)}`,
  )
  return `(SELECT ${names.op}, CASE WHEN ${names.op} = 'r' THEN NULL ELSE ${names.tx} END AS tx,
    row_number() OVER (PARTITION BY ${key.map(quote).join(', ')} ORDER BY ${names.order.map((name) => `${name} NULLS FIRST`).join(', ')}) AS nth,
    ${values.join(', ')} FROM ${from})`
}

async function userColumns(lake: LakeReader): Promise<string[]> {
  const described = await lake.rows('DESCRIBE state')
  return described.map((row) => row['column_name']!)
}

/** Copies a PostgreSQL table into DuckDB under the types that the lake gives its columns. */
async function importTable(database: Client, lake: LakeReader, from: string, into: string, scratch: string): Promise<void> {
  const types = new Map((await lake.rows('DESCRIBE lake_delta')).map((row) => [row['column_name']!, row['column_type']!]))
  const [schema, table] = from.split('.') as [string, string]
  const described = await database.query<{ name: string; type: string }>(
    `SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute
     WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
    [`${database.escapeIdentifier(schema)}.${database.escapeIdentifier(table)}`],
  )
  const columns = described.rows
  const texts = columns.map(({ name, type }) => {
    const column = database.escapeIdentifier(name)
    return type === 'bytea' ? `encode(${column}, 'hex')` : `${column}::text`
  })
  const path = join(scratch, `${into}.csv`)
  const file = await open(path, 'w')
  try {
    const result = await database.query<(string | null)[]>({
      text: `SELECT ${texts.join(', ')} FROM ${database.escapeIdentifier(schema)}.${database.escapeIdentifier(table)}`,
      rowMode: 'array',
    })
    await file.write(
      [columns.map(({ name }) => csv(name)), ...result.rows.map((row) => row.map(csv))].map((r) => r.join(',')).join('\n') + '\n',
    )
  } finally {
    await file.close()
  }
  const casts = columns.map(({ name, type }) => {
    const target = journalTypes.get(name) ?? types.get(name)
    if (!target) throw new Error(`column ${name} of ${from} is not in the lake`)
    return `${typed(type, quote(name), target)} AS ${quote(name)}`
  })
  await lake.run(`CREATE OR REPLACE TEMP TABLE ${into} AS SELECT ${casts.join(', ')} FROM
    read_csv('${path}', header = true, all_varchar = true, delim = ',', quote = '"', escape = '"', nullstr = '\\N', allow_quoted_nulls = false)`)
}

const journalTypes = new Map(Object.entries({ journal_op: 'VARCHAR', journal_tx: 'BIGINT', journal_seq: 'BIGINT' }))

/** PostgreSQL's text of a value in the lake's type. A real is the float that its text names, held in a double. */
function typed(type: string, text: string, target: string): string {
  if (type === 'bytea') return `unhex(${text})`
  return type === 'real' ? `CAST(CAST(${text} AS FLOAT) AS ${target})` : `CAST(${text} AS ${target})`
}

function csv(value: string | null): string {
  return value === null ? '\\N' : `"${value.replaceAll('"', '""')}"`
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

async function count(lake: LakeReader, query: string): Promise<number> {
  return Number(await lake.one(`SELECT count(*) FROM (${query})`))
}
