/** What `npm run query` prints for people. */
import { count, grid } from '../table/screens.ts'

export interface CatalogTable {
  readonly database: string
  readonly schema: string
  readonly table: string
  readonly url: string
  readonly changes: number
  /** Of the latest state; null where there is none. */
  readonly rows: number | null
  readonly whyNot: string | null
  readonly columns: readonly { readonly name: string; readonly type: string; readonly key: boolean }[]
}

export function catalogScreen(tables: readonly CatalogTable[]): string {
  const blocks = tables.map(({ schema, table, url, changes, rows, whyNot, columns }) => {
    const now = rows === null ? `no ${table}_now: ${whyNot}` : `${count(rows)} rows in ${table}_now`
    const listed = grid(columns.map(({ name, type, key }) => [`  ${name}`, type, key ? 'key' : '']))
    return `${schema}.${table}: ${count(changes)} changes, ${now}\n  at ${url}\n${listed}`
  })
  return `${blocks.join('\n\n')}\n\nEach log of changes also has the columns __op, __deleted, __source_ts, ... and cdc_date.`
}

const numeric = /^(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT|U[A-Z]+INT|FLOAT|DOUBLE|DECIMAL.*)$/
const widest = 60

export function resultScreen(
  columns: readonly { readonly name: string; readonly type: string }[],
  rows: readonly (readonly (string | null)[])[],
  most: number,
): string {
  if (columns.length === 0) return '(no columns)'
  const body = rows.slice(0, most).map((row) => row.map((value) => (value === null ? 'NULL' : cell(value))))
  const right = columns.filter(({ type }) => numeric.test(type)).map(({ name }) => name)
  const lines = grid([columns.map(({ name }) => name), ...body], right)
  const more = rows.length > most ? `\n(only the first ${count(most)} rows; --json has all)` : ''
  return `${lines}\n\n${rows.length > most ? `more than ${count(most)}` : count(rows.length)} ${rows.length === 1 ? 'row' : 'rows'}${more}`
}

function cell(value: string): string {
  const line = value.replaceAll(/[\r\n\t]+/g, ' ')
  return line.length > widest ? `${line.slice(0, widest - 1)}…` : line
}
