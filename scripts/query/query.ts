/** `npm run query`: DuckDB over the lake of the current config. */
import type { DuckDBConnection } from '@duckdb/node-api'
import { lakeOfProcess } from '../../src/config/process.ts'
import { metadataColumns } from '../../src/core/schema.ts'
import { Finding } from '../table/finding.ts'
import { answered, misused, wordsOf, type Answer, type Output } from '../table/output.ts'
import { createViews, openDuckdb, tablesOf, type View } from './lake.ts'
import { catalogScreen, resultScreen } from './screens.ts'

const usage = `usage: npm run query -- "SQL" [--json]
       npm run query                       lists the tables, their columns and how many rows they have

DuckDB over the lake. Each table is there twice: flights is the log of changes as it stands in the lake,
flights_now its latest state by key. Tables of other schemas are sales.orders, sales.orders_now.

Options:
  --json    one JSON document, all rows, exact values (with npm: npm run --silent query -- ...)
  --help    this text

Examples:
  npm run query -- "SELECT __op, count(*) FROM flights GROUP BY ALL"
  npm run query -- "SELECT * FROM flights_now LIMIT 10"
  npm run query -- "SELECT * FROM flights WHERE flight_id = 1 ORDER BY __commit_lsn, __lsn"

Surroundings, by environment or tables.yaml: CDC_LAKE_URL (s3://bucket/prefix or file:///folder), CDC_LAKE_ENDPOINT,
CDC_LAKE_REGION, CDC_LAKE_ACCESS_KEY_ID, CDC_LAKE_SECRET_ACCESS_KEY, CDC_DATABASE (only this one).

Exit codes: 0 fine, 1 a finding or a failure, 2 wrong use.`

/** Rows that are printed as text; JSON has all. */
const mostRows = 1000

export async function query(args: readonly string[], json: boolean): Promise<Output> {
  const words = wordsOf(args, 'query', usage, json)
  if ('exit' in words) return words
  if (words.length > 1) return misused('one SQL text, in quotes, is expected', usage, json)
  return answered(await ask(words[0]?.trim() ?? '', json), 'query', json)
}

async function ask(sql: string, json: boolean): Promise<Answer> {
  const lake = lakeOfProcess()
  const found = await tablesOf(lake)
  if (found.length === 0) {
    const where = lake.database === null ? lake.lake.url : `${lake.lake.url} for database ${lake.database}`
    throw new Finding(`There are no tables at ${where}.`, {
      hint: 'Check CDC_LAKE_URL and CDC_DATABASE; a table appears there once it is started and its topic exists.',
    })
  }
  const connection = await openDuckdb(lake)
  let views: readonly View[] = []
  try {
    // A view costs a look at the table's log: only those that the text speaks of.
    const named = found.filter(({ table }) => sql === '' || sql.toLowerCase().includes(table.toLowerCase()))
    views = await createViews(connection, named, lake)
    return sql === '' ? await catalog(connection, views) : await result(connection, sql, json)
  } catch (error) {
    if (error instanceof Finding) throw error
    const missing = views.filter(
      ({ table, now }) => now === null && sql.toLowerCase().includes(`${table.table}_now`.toLowerCase()),
    )
    const tables = `Tables: ${found.map(({ schema, table }) => `${schema}.${table}`).join(', ')}`
    const why = missing.map(({ table, whyNot }) => `There is no ${table.table}_now: ${whyNot}.`).join('\n')
    throw new Finding((error as Error).message.trim(), { hint: sql === '' ? null : why || tables })
  } finally {
    connection.closeSync()
  }
}

async function catalog(connection: DuckDBConnection, views: readonly View[]): Promise<Answer> {
  const metadata = new Set([...metadataColumns.map(({ name }) => name), 'cdc_date'])
  const tables = []
  for (const { table, key, log, now, whyNot, columns } of views) {
    const changes = await count(connection, log)
    const rows = now ? await count(connection, now) : null
    const own = columns.filter(({ name }) => !metadata.has(name)).map((column) => ({ ...column, key: key.includes(column.name) }))
    tables.push({ ...table, changes, rows, whyNot, columns: own })
  }
  return { exit: 0, text: catalogScreen(tables), json: { tables } }
}

async function count(connection: DuckDBConnection, from: string): Promise<number> {
  const counted = await connection.runAndReadAll(`SELECT count(*) FROM ${from}`)
  return Number(counted.getRows()[0]?.[0])
}

async function result(connection: DuckDBConnection, sql: string, json: boolean): Promise<Answer> {
  const read = json ? await connection.runAndReadAll(sql) : await connection.runAndReadUntil(sql, mostRows + 1)
  const names = read.columnNames()
  const columns = names.map((name, i) => ({ name, type: String(read.columnType(i)) }))
  if (json) return { exit: 0, text: '', json: { columns, rows: read.getRowObjectsJson() } }
  const rows = read.getRows().map((row) => row.map((value) => (value === null ? null : String(value))))
  return { exit: 0, text: resultScreen(columns, rows, mostRows), json: {} }
}
