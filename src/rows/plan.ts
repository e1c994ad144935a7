/** How rows of one shape go into one table: which field fills which column, and what the table lacks for them. */
import type { ChangeEvent, RowSchema } from '../core/events.ts'
import { CdcFailure, code } from '../core/failures.ts'
import type { Growth } from '../core/receipts.ts'
import { dayColumn, metadataColumns, type Column, type TableSchema } from '../core/schema.ts'

export interface Plan {
  readonly rows: RowSchema
  /** For each column of the table its field, or -1. */
  readonly fields: Int32Array
  /** Columns that the row has and the table lacks, in the row's order. */
  readonly missing: readonly Column[]
}

const reserved = new Set([...metadataColumns, dayColumn].map(({ name }) => name.toLowerCase()))

/** Throws CDC4002 TypeChanged, CDC4003 ReservedName, CDC4004 NamesClash: before anything of the row is written. */
export function planRows(table: TableSchema, rows: RowSchema): Plan {
  const fields = new Int32Array(table.columns.length).fill(-1)
  const missing: Column[] = []
  const byName = new Map(table.columns.map(({ name }, index) => [name, index]))
  const lower = new Map(table.columns.map(({ name }) => [name.toLowerCase(), name]))
  rows.fields.forEach(({ name, type }, field) => {
    const index = byName.get(name)
    if (index !== undefined) {
      const column = table.columns[index]!
      if (column.type !== type) throw typeChanged(name, column.type, type)
      fields[index] = field
      return
    }
    const folded = name.toLowerCase()
    if (reserved.has(folded))
      throw failed(code.ReservedName, `column ${JSON.stringify(name)} has a name of the lake`, { column: name })
    const other = lower.get(folded)
    if (other !== undefined) {
      const message = `columns ${JSON.stringify(other)} and ${JSON.stringify(name)} differ only in case`
      throw failed(code.NamesClash, message, { columns: [other, name] })
    }
    lower.set(folded, name)
    missing.push({ name, type })
  })
  return { rows, fields, missing }
}

/**
 * What the table needs before this event's row fits; null: nothing. The key is taken over once, with the first columns.
 * Throws CDC4005 KeyChanged.
 */
export function growthFor(table: TableSchema, plan: Plan, event: ChangeEvent): Growth | null {
  const first = table.columns.length === 0
  if (!first) expectKey(table, event)
  if (plan.missing.length === 0) return null
  return { columns: plan.missing, key: first && table.key.length === 0 && event.key.length > 0 ? event.key : null }
}

function expectKey(table: TableSchema, { key }: ChangeEvent): void {
  if (key === table.key) return
  if (key.length === table.key.length && key.every((name, index) => name === table.key[index])) return
  const message = `the primary key was (${table.key.join(', ')}) and is (${key.join(', ')})`
  throw failed(code.KeyChanged, message, { from: table.key, to: key })
}

/** A person chooses between a column beside the old one and a table written anew (DESIGN §5). */
function typeChanged(column: string, from: string, to: string): CdcFailure {
  const choices = { newColumn: `${column}__2`, rewrite: true }
  return failed(code.TypeChanged, `column ${JSON.stringify(column)} was ${from} and is ${to}`, { column, from, to, choices })
}

function failed(
  failure: ConstructorParameters<typeof CdcFailure>[0],
  message: string,
  details: Record<string, unknown>,
): CdcFailure {
  return new CdcFailure(failure, message, { details })
}
