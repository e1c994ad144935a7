/** SQL for the latest state of a table from its log of changes: the newest change of each key, deletes left out (DESIGN §5). */
import { metadataColumns } from '../../src/core/schema.ts'

const order = ['__epoch', '__commit_lsn', '__lsn', '__tx_order', '__kafka_offset'].map((name) => `${name} DESC`).join(', ')
/** Where a change stands in the database's order: a truncate takes away all that stands before it. */
const place = `row(${['__epoch', '__commit_lsn', '__lsn', '__tx_order'].map((name) => `coalesce(${name}, -1)`).join(', ')})`
const ours = new Set([...metadataColumns.map(({ name }) => name), 'cdc_date'])
const toasted = /^(VARCHAR|BLOB|.*\[\])$/

/**
 * Columns of the lake, `name` and DuckDB's `type`, in their order; `from` and `key` as in SQL and as in PostgreSQL. A TOASTed
 * value that an update did not touch comes from the newest change of the key that has it.
 */
export function latestState(
  from: string,
  columns: readonly { readonly name: string; readonly type: string }[],
  key: readonly string[],
): string {
  const by = key.map(quoted).join(', ')
  const users = columns.filter(({ name }) => !ours.has(name))
  const values = users.map(({ name, type }) => {
    if (key.includes(name) || !toasted.test(type)) return quoted(name)
    const untold = `list_contains(coalesce(__unchanged_toast, []), ${text(name)})`
    const told = `first_value(${quoted(name)}) OVER (PARTITION BY ${by} ORDER BY ${untold}, ${order})`
    return `CASE WHEN ${untold} THEN ${told} ELSE ${quoted(name)} END AS ${quoted(name)}`
  })
  const names = users.map(({ name }) => quoted(name)).join(', ')
  return `SELECT ${names} FROM (SELECT ${values.join(', ')}, __deleted,
    row_number() OVER (PARTITION BY ${by} ORDER BY ${order}) AS __nth FROM ${from}
    WHERE __op <> 't' AND ${place} > coalesce((SELECT max(${place}) FROM ${from} WHERE __op = 't'), row(-1, -1, -1, -1)))
    WHERE __nth = 1 AND NOT __deleted`
}

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

export function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`
}
