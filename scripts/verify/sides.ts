/** Both sides of one table, copied into DuckDB: what PostgreSQL says, and what the lake says by either way of reading it. */
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Client } from 'pg'
import { quoted } from '../query/latestState.ts'
import type { TableKey } from './journal.ts'
import type { LakeReader } from './lakeReader.ts'

export interface Compared extends TableKey {
  /** `s3://bucket/prefix/database/schema/table` */
  readonly root: string
}

/** The lake read through the Delta table, and by globbing the bare Parquet files. */
export const lakeSides = ['lake_delta', 'lake_glob'] as const
export type LakeSide = (typeof lakeSides)[number]

/**
 * Makes the relations `journal` and `state` (of a table that has a journal), `lake_delta` and `lake_glob` (with `filename`) in
 * the place of those of the table before. Both sides must be at rest.
 */
export async function readSides(database: Client, lake: LakeReader, { table, root }: Compared): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), 'sluice-compare-'))
  try {
    await lake.run(`CREATE OR REPLACE TEMP TABLE lake_delta AS SELECT * FROM delta_scan('${root}')`)
    await lake.run(`CREATE OR REPLACE TEMP TABLE lake_glob AS SELECT * FROM
      read_parquet('${root}/data/**/*.parquet', union_by_name = true, hive_partitioning = true, filename = true)`)
    await importTable(database, lake, `journal.${table}`, 'journal', scratch)
    await importTable(database, lake, `public.${table}`, 'state', scratch)
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
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
    return `${typed(type, quoted(name), target)} AS ${quoted(name)}`
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
