/**
 * A log of changes as if its columns had always been named as they are today, and had had the defaults that they were added with:
 * what the latest state is taken from (docs/schema-evolution.md).
 */
import { placesOf, type ColumnRule } from '../../src/core/schema.ts'
import { quoted, text } from './sqlText.ts'

export interface LakeColumn {
  readonly name: string
  /** DuckDB's. */
  readonly type: string
}

/** What rows have that were written before their column existed: earlier than the commit `since`, a decimal LSN. */
export interface LaterDefault {
  readonly column: string
  /** As PostgreSQL writes the value. */
  readonly text: string
  readonly since: string
}

/** Columns of the source; `lsn` of the rename, decimal: nobody else changes a table while it is renamed in. */
export interface Rename {
  readonly from: string
  readonly to: string
  readonly lsn: string
}

export interface ColumnStory {
  readonly rules?: readonly ColumnRule[]
  readonly defaults?: readonly LaterDefault[]
  /** In their order. */
  readonly renames?: readonly Rename[]
}

/** Types whose text in PostgreSQL DuckDB reads as the same value. */
const readable = /^(BIGINT|DOUBLE|DECIMAL.*|BOOLEAN|VARCHAR|DATE|TIMESTAMP.*)$/

/** `from` where there is nothing to tell; else a subquery with the same columns. Columns, not sources: names are the lake's. */
export function todaysColumns(from: string, columns: readonly LakeColumn[], story: ColumnStory): string {
  const types = new Map(columns.map(({ name, type }) => [name, type]))
  const defaults = (story.defaults ?? []).filter(({ column }) => readable.test(types.get(column) ?? ''))
  const renames = (story.renames ?? []).flatMap((rename) => renamesInLake(rename, types, story.rules ?? []))
  if (defaults.length === 0 && renames.length === 0) return from
  const values = new Map(defaults.map((each) => [each.column, withDefault(each, types.get(each.column)!)]))
  const own = new Map(values)
  let untold = '__cdc_name'
  for (const { from: old, to, lsn } of renames) {
    // A row that was read does not say whether that was before; those read later have their value in the new column.
    const isOlder = `CASE WHEN __op = 'r' THEN ${quoted(to)} IS NULL ELSE __lsn < ${BigInt(lsn)} END`
    const before = values.get(old) ?? quoted(old)
    values.set(to, `CASE WHEN ${isOlder} THEN ${before} ELSE ${own.get(to) ?? quoted(to)} END`)
    values.set(old, `CASE WHEN ${isOlder} THEN NULL ELSE ${own.get(old) ?? quoted(old)} END`)
    untold = `CASE WHEN __lsn < ${BigInt(lsn)} AND ${untold} = ${text(old)} THEN ${text(to)} ELSE ${untold} END`
  }
  const replaced = [...values].map(([name, value]) => `${value} AS ${quoted(name)}`)
  if (renames.length > 0) replaced.push(`[${untold} FOR __cdc_name IN __unchanged_toast] AS __unchanged_toast`)
  return `(SELECT * REPLACE (${replaced.join(', ')}) FROM ${from})`
}

function withDefault({ column, text: preset, since }: LaterDefault, type: string): string {
  const isOlder = `coalesce(__commit_lsn, __lsn) < ${BigInt(since)}`
  return `CASE WHEN ${quoted(column)} IS NULL AND ${isOlder} THEN CAST(${text(preset)} AS ${type}) ELSE ${quoted(column)} END`
}

/** A source column may have a column of the lake for each type that it had: those of one type go on in one another. */
function renamesInLake({ from, to, lsn }: Rename, types: ReadonlyMap<string, string>, rules: readonly ColumnRule[]): Rename[] {
  const olds = placesOf(from, rules).filter((name) => types.has(name))
  return placesOf(to, rules).flatMap((name) => {
    const old = olds.find((each) => each !== name && types.get(each) === types.get(name))
    return old === undefined ? [] : [{ from: old, to: name, lsn }]
  })
}
