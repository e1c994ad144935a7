/**
 * The schema of a table in the lake: only types that Delta and Parquet share, one physical type per column name, for ever
 * (DESIGN §5). Types are written as Delta writes them, so that a schema is plain JSON and its text is canonical.
 */

export type ScalarType =
  | 'integer' // INT32, metadata columns only
  | 'long' // INT64
  | 'double' // DOUBLE
  | 'boolean'
  | 'string' // BYTE_ARRAY, UTF-8
  | 'binary' // BYTE_ARRAY
  | 'date' // INT32, days since 1970
  | 'timestamp' // INT64, us since 1970 UTC
  | 'timestamp_ntz' // INT64, us since 1970 on the wall clock, no zone
  | `decimal(18,${number})` // INT64, unscaled
  | `decimal(38,${number})` // FIXED_LEN_BYTE_ARRAY(16), unscaled, two's complement, big-endian
export type LakeType = ScalarType | `array<${ScalarType}>`

export interface Column {
  readonly name: string
  readonly type: LakeType
}

/**
 * What was decided, by a person or by the table's policy, about values of a source column that have no column of their type:
 * they go to the lake's column `as`; as text to `__special`; or nowhere (null). Later rules win over earlier ones.
 */
export interface ColumnRule {
  /** As PostgreSQL has it. */
  readonly source: string
  readonly as: string | null
}

/** A primary key that the table had. `until`: commit LSN of the first change under the next one, decimal text; null: unknown. */
export interface FormerKey {
  readonly key: readonly string[]
  readonly until: string | null
}

/** A user's table: its columns in the order in which they were first seen, and the names of its primary key (may be none). */
export interface TableSchema {
  readonly columns: readonly Column[]
  /** Names of the source. */
  readonly key: readonly string[]
  readonly rules?: readonly ColumnRule[]
  readonly formerKeys?: readonly FormerKey[]
}

/**
 * The source column for whose values a rule made the lake's column of this name; null: it is for the one that is named so. A rule
 * that sends values into a column that was there before stands behind one of that column itself, to its own name.
 */
export function givenTo(name: string, rules: readonly ColumnRule[] = []): string | null {
  const first = rules.find(({ as }) => as?.toLowerCase() === name.toLowerCase())
  return first === undefined || first.source === name ? null : first.source
}

/** Names of the lake's columns in which values of a source column may stand, the first one that has their type being theirs. */
export function placesOf(source: string, rules: readonly ColumnRule[] = []): string[] {
  const ruled = rules.flatMap((rule) => (rule.source === source && rule.as !== null ? [rule.as] : []))
  return [...new Set(givenTo(source, rules) === null ? [source, ...ruled] : ruled)]
}

/** The column to which a rule sends values that are only to be kept as text. */
export const specialColumn = '__special'

/** The columns after the user's, in this order, in every file and every table (DESIGN §5). */
export const metadataColumns = [
  { name: '__op', type: 'string' },
  { name: '__deleted', type: 'boolean' },
  { name: '__source_ts', type: 'timestamp' },
  { name: '__commit_lsn', type: 'long' },
  { name: '__lsn', type: 'long' },
  { name: '__tx_id', type: 'long' },
  { name: '__tx_order', type: 'long' },
  { name: '__snapshot', type: 'string' },
  { name: '__epoch', type: 'integer' },
  { name: '__kafka_partition', type: 'integer' },
  { name: '__kafka_offset', type: 'long' },
  { name: '__kafka_ts', type: 'timestamp' },
  { name: '__unchanged_toast', type: 'array<string>' },
  { name: '__special', type: 'string' },
] as const satisfies readonly Column[]

/** The partition column of the table: the file's date, a folder name, not a column of the file. */
export const dayColumn: Column = { name: 'cdc_date', type: 'date' }

export const emptySchema: TableSchema = { columns: [], key: [] }

/** Columns as they stand in a data file: the user's, then the metadata columns. */
export function fileColumns(schema: TableSchema): readonly Column[] {
  return [...schema.columns, ...metadataColumns]
}

/** One text per schema: what `schemaId` hashes and what the footer carries. Rules are part of it: they decide where values go. */
export function canonicalSchema({ columns, key, rules = [] }: TableSchema): string {
  const decided = rules.length > 0 ? { rules: rules.map(({ source, as }) => [source, as]) } : {}
  return JSON.stringify({ columns: columns.map(({ name, type }) => [name, type]), key, ...decided })
}

export function parseCanonicalSchema(text: string): TableSchema {
  interface Canonical {
    columns: [string, LakeType][]
    key: string[]
    rules?: [string, string | null][]
  }
  const { columns, key, rules } = JSON.parse(text) as Canonical
  const named = columns.map(([name, type]) => ({ name, type }))
  return { columns: named, key, ...(rules && { rules: rules.map(([source, as]) => ({ source, as })) }) }
}

const reserved = new Set([...metadataColumns, dayColumn].map(({ name }) => name.toLowerCase()))

/** Whether the lake keeps this name, in whatever case, for itself. */
export function isReserved(name: string): boolean {
  return reserved.has(name.toLowerCase())
}

/** `decimal(18,4)` -> {precision: 18, scale: 4}; null for any other type. */
export function decimalOf(type: LakeType): { precision: 18 | 38; scale: number } | null {
  const match = /^decimal\((18|38),(\d+)\)$/.exec(type)
  return match ? { precision: Number(match[1]) as 18 | 38, scale: Number(match[2]) } : null
}

export function elementOf(type: LakeType): ScalarType | null {
  return type.startsWith('array<') ? (type.slice(6, -1) as ScalarType) : null
}
