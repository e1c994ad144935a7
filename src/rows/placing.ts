/**
 * Where the values of a source column go (docs/schema-evolution.md). A name has one type in the lake for ever, so a source
 * column may have several places there: its own name, unless a rule made that column for another, then those that rules of the
 * log name. A value goes to the first place of its type; where there is none, the newest rule says what becomes of it, and where
 * there is no rule, the table's policy.
 */
import type { Field } from '../core/events.ts'
import { CdcFailure, code } from '../core/failures.ts'
import { givenTo, isReserved, placesOf, specialColumn, type Column, type ColumnRule, type TableSchema } from '../core/schema.ts'

/** Flink CDC's words; docs/schema-evolution.md says what each means here. */
export type SchemaChange = 'evolve' | 'try_evolve' | 'lenient' | 'exception' | 'ignore'

export type Placing =
  | { readonly kind: 'column'; readonly index: number }
  | { readonly kind: 'add'; readonly column: Column }
  /** Its text goes to `__special`. */
  | { readonly kind: 'special' }
  | { readonly kind: 'none' }

/** What is known while the fields of one row are placed one after the other. */
export interface Places {
  readonly table: TableSchema
  readonly policy: SchemaChange
  /** Columns of the table by name, and names by their lower case; added ones included. */
  readonly byName: Map<string, number>
  readonly folded: Map<string, string>
  /** Lower case of the lake's columns that a field of this row fills already. */
  readonly taken: Set<string>
  /** Source columns of this row: a new name must not be one of theirs. */
  readonly sources: ReadonlySet<string>
  /** What the policy decided, to be recorded. */
  readonly decided: ColumnRule[]
}

/** Throws CDC4002 TypeChanged, CDC4003 ReservedName, CDC4004 NamesClash, CDC4006 ColumnAdded, with the choices. */
export function place(field: Field, places: Places): Placing {
  const { name: source, type } = field
  const { table, byName, taken } = places
  for (const name of placesOf(source, table.rules)) {
    const index = byName.get(name)
    if (index !== undefined && !taken.has(name.toLowerCase()) && table.columns[index]!.type === type) {
      taken.add(name.toLowerCase())
      return { kind: 'column', index }
    }
  }
  const newest = table.rules?.findLast((rule) => rule.source === source)
  if (newest) return follow(newest, field, places)
  const trouble = troubleOf(field, places)
  return trouble === null ? add(source, field, places) : byPolicy(trouble, field, places)
}

/** A rule of the log says where the value goes; where that is filled with another type, somebody has to decide again. */
function follow({ as }: ColumnRule, field: Field, places: Places): Placing {
  if (as === null) return { kind: 'none' }
  if (as === specialColumn) return { kind: 'special' }
  const there = places.folded.get(as.toLowerCase())
  if (there === undefined && !places.taken.has(as.toLowerCase()) && !isReserved(as)) return add(as, field, places)
  const index = places.byName.get(as)
  const from = index === undefined ? null : places.table.columns[index]!.type
  const trouble = from !== null && from !== field.type ? typeChanged(field, as, from, places) : clash(field, there ?? as, places)
  // A policy that never stops goes on; a decision of a person is asked again.
  return places.policy === 'lenient' || places.policy === 'try_evolve' ? byPolicy(trouble, field, places) : refuse(trouble)
}

function add(name: string, { type }: Field, { folded, taken }: Places): Placing {
  folded.set(name.toLowerCase(), name)
  taken.add(name.toLowerCase())
  return { kind: 'add', column: { name, type } }
}

/** Why a column has no place by itself; null: it is simply new and may be added. */
function troubleOf(field: Field, places: Places): CdcFailure | null {
  const { table, byName, folded, taken, policy } = places
  const { name, type } = field
  if (isReserved(name)) {
    return failed(code.ReservedName, `column ${JSON.stringify(name)} has a name of the lake`, { column: name }, field, places)
  }
  const holder = givenTo(name, table.rules)
  if (holder !== null) return clash(field, holder, places)
  const index = byName.get(name)
  if (index !== undefined && table.columns[index]!.type !== type) {
    return typeChanged(field, name, table.columns[index]!.type, places)
  }
  const other = folded.get(name.toLowerCase())
  if (other !== undefined || taken.has(name.toLowerCase())) return clash(field, other ?? name, places)
  const first = table.columns.length === 0
  if (first || policy === 'evolve' || policy === 'lenient' || policy === 'try_evolve') return null
  const choices = [{ columns: { [name]: { as: name } } }, { columns: { [name]: { ignore: true } } }]
  const details = { column: name, type, choices }
  return new CdcFailure(code.ColumnAdded, `column ${JSON.stringify(name)} is new`, { details })
}

function byPolicy(trouble: CdcFailure, field: Field, places: Places): Placing {
  const { policy, decided } = places
  const source = field.name
  // Rows are told apart by their key: its values are not left out because of a policy.
  if (places.table.key.includes(source) && policy !== 'lenient') return refuse(trouble)
  if (policy === 'lenient') {
    const name = freeName(source, places)
    decided.push({ source, as: name })
    return add(name, field, places)
  }
  if (policy === 'try_evolve') {
    decided.push({ source, as: specialColumn })
    return { kind: 'special' }
  }
  if (policy === 'ignore' && trouble.code === code.ColumnAdded) {
    decided.push({ source, as: null })
    return { kind: 'none' }
  }
  return refuse(trouble)
}

function refuse(trouble: CdcFailure): never {
  throw trouble
}

function typeChanged(field: Field, column: string, from: string, places: Places): CdcFailure {
  const message = `column ${JSON.stringify(column)} was ${from} and is ${field.type}`
  return failed(code.TypeChanged, message, { column: field.name, from, to: field.type }, field, places)
}

function clash(field: Field, other: string, places: Places): CdcFailure {
  const message = `columns ${JSON.stringify(other)} and ${JSON.stringify(field.name)} would be one in the lake`
  return failed(code.NamesClash, message, { columns: [other, field.name] }, field, places)
}

function failed(
  failure: ConstructorParameters<typeof CdcFailure>[0],
  message: string,
  details: Readonly<Record<string, unknown>>,
  { name }: Field,
  places: Places,
): CdcFailure {
  const beside = { as: freeName(name, places) }
  const isKey = places.table.key.includes(name)
  const choices = (isKey ? [beside] : [beside, { as: specialColumn }, { ignore: true }]).map((choice) => {
    return { columns: { [name]: choice } }
  })
  return new CdcFailure(failure, message, { details: { ...details, choices } })
}

/** `price__2`, or the next number that neither the lake nor the row has. */
function freeName(source: string, { folded, sources, table }: Places): string {
  const named = new Set((table.rules ?? []).flatMap(({ as }) => (as === null ? [] : [as.toLowerCase()])))
  for (let n = 2; ; n++) {
    const name = `${source}__${n}`
    if (!folded.has(name.toLowerCase()) && !named.has(name.toLowerCase()) && !sources.has(name) && !isReserved(name)) return name
  }
}
