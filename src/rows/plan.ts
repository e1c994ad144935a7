/** How rows of one shape go into one table: which field fills which column, and what the table lacks for them. */
import type { ChangeEvent, RowSchema } from '../core/events.ts'
import { CdcFailure, code } from '../core/failures.ts'
import type { Growth } from '../core/receipts.ts'
import type { Column, ColumnRule, TableSchema } from '../core/schema.ts'
import { place, type Places, type SchemaChange } from './placing.ts'

export interface Plan {
  readonly rows: RowSchema
  /** For each column of the table its field, or -1. */
  readonly fields: Int32Array
  /** Fields whose values go to `__special` as text. */
  readonly special: readonly number[]
  /** Columns that the row has and the table lacks, in the row's order. */
  readonly missing: readonly Column[]
  /** What the policy decided for this shape, to be recorded in the log. */
  readonly decided: readonly ColumnRule[]
}

/** Throws CDC4002 to CDC4004 and CDC4006 with the choices: before anything of the row is written. */
export function planRows(table: TableSchema, rows: RowSchema, policy: SchemaChange = 'evolve'): Plan {
  const fields = new Int32Array(table.columns.length).fill(-1)
  const special: number[] = []
  const missing: [field: number, column: Column][] = []
  const decided: ColumnRule[] = []
  const places: Places = {
    table,
    policy,
    byName: new Map(table.columns.map(({ name }, index) => [name, index])),
    folded: new Map(table.columns.map(({ name }) => [name.toLowerCase(), name])),
    taken: new Set(),
    sources: new Set(rows.fields.map(({ name }) => name)),
    decided,
  }
  const ruled = new Set((table.rules ?? []).map(({ source }) => source))
  for (const { source, as } of table.rules ?? []) if (source === as) ruled.delete(source)
  const numbered = rows.fields.map((field, index) => ({ field, index }))
  // A column that goes by its own name comes before one that a rule sends there.
  const ordered = ruled.size === 0 ? numbered : numbered.toSorted((a, b) => rank(a.field.name) - rank(b.field.name))
  for (const { field, index } of ordered) {
    const placing = place(field, places)
    if (placing.kind === 'column') fields[placing.index] = index
    else if (placing.kind === 'special') special.push(index)
    else if (placing.kind === 'add') missing.push([index, placing.column])
  }
  return { rows, fields, special, missing: missing.sort(([a], [b]) => a - b).map(([, column]) => column), decided }

  function rank(name: string): number {
    return ruled.has(name) ? 1 : 0
  }
}

/**
 * What the table needs before this event's row fits; null: nothing. The key is taken over once, with the first columns.
 * Throws CDC4005 KeyChanged.
 */
export function growthFor(table: TableSchema, plan: Plan, event: ChangeEvent): Growth | null {
  const first = table.columns.length === 0
  if (!first) expectKey(table, event)
  const { missing: columns, decided: rules } = plan
  if (columns.length === 0 && rules.length === 0) return null
  const key = first && table.key.length === 0 && event.key.length > 0 ? event.key : null
  if (first) return { columns, key, ...(rules.length > 0 && { rules }) }
  return { columns, key, ...(rules.length > 0 && { rules }), since: event.commitLsn?.toString() ?? null }
}

function expectKey(table: TableSchema, { key, commitLsn }: ChangeEvent): void {
  if (key === table.key || sameNames(key, table.key)) return
  // Partitions that are behind still bring changes under the key that the table had before.
  if (table.formerKeys?.some((former) => sameNames(key, former.key))) return
  const choices = [{ key: [...key], ...(commitLsn !== null && { since: commitLsn.toString() }) }]
  const message = `the primary key was (${table.key.join(', ')}) and is (${key.join(', ')})`
  throw new CdcFailure(code.KeyChanged, message, { details: { from: table.key, to: key, choices } })
}

function sameNames(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((name, index) => name === other[index])
}
