/** A table's schema as Delta writes it (`schemaString`), and back; and what two schemas make together. */
import { createHash } from 'node:crypto'
import { CdcFailure, code } from '../core/failures.ts'
import type { Growth } from '../core/receipts.ts'
import {
  canonicalSchema,
  dayColumn,
  elementOf,
  fileColumns,
  givenTo,
  isReserved,
  metadataColumns,
  type Column,
  type ColumnRule,
  type LakeType,
  type TableSchema,
} from '../core/schema.ts'

/** `v1`: protocol 1/2 for old readers; every timestamp is then UTC. Chosen at creation, never changed (DESIGN §5). */
export type DeltaCompat = 'none' | 'v1'

const ours = new Set([...metadataColumns, dayColumn].map((column) => column.name))

export function schemaIdOf(schema: TableSchema): string {
  return createHash('sha256').update(canonicalSchema(schema)).digest('hex').slice(0, 16)
}

export function schemaString(schema: TableSchema): string {
  const fields = [...fileColumns(schema), dayColumn].map(({ name, type }) => {
    const element = elementOf(type)
    const deltaType = element === null ? type : { type: 'array', elementType: element, containsNull: true }
    return { name, type: deltaType, nullable: true, metadata: {} }
  })
  return JSON.stringify({ type: 'struct', fields })
}

/** The user's columns of a parsed `schemaString`. Throws CDC5004 where it holds a type that Sluice never writes. */
export function columnsOf(struct: unknown): readonly Column[] {
  const { fields } = struct as { fields: { name: string; type: unknown }[] }
  return fields.filter(({ name }) => !ours.has(name)).map(({ name, type }) => ({ name, type: lakeType(name, type) }))
}

const scalar = /^(integer|long|double|boolean|string|binary|date|timestamp|timestamp_ntz|decimal\((18|38),\d{1,2}\))$/

function lakeType(name: string, type: unknown): LakeType {
  if (typeof type === 'string' && scalar.test(type)) return type as LakeType
  const array = type as { type?: unknown; elementType?: unknown } | null
  if (array?.type === 'array' && typeof array.elementType === 'string' && scalar.test(array.elementType)) {
    return `array<${array.elementType}>` as LakeType
  }
  throw new CdcFailure(
    code.BrokenLog,
    `column ${JSON.stringify(name)} has a type that Sluice does not write: ${JSON.stringify(type)}`,
  )
}

/** The type that a column has in a table of this kind. */
export function tableType(type: LakeType, compat: DeltaCompat): LakeType {
  return compat === 'v1' ? (type.replace('timestamp_ntz', 'timestamp') as LakeType) : type
}

/**
 * The table's schema with what a record needs added at its end (DESIGN §4.6); the very same object where nothing is missing.
 * Throws CDC4002, CDC4003, CDC4004, CDC4005 where the two do not go together. What a policy proposed and another carrier has
 * decided differently meanwhile is left away: the record is looked at anew, with the schema as it is then.
 */
export function mergeGrowth(schema: TableSchema, growth: Growth, compat: DeltaCompat): TableSchema {
  const byFolded = new Map(schema.columns.map((column) => [column.name.toLowerCase(), column]))
  const proposed = new Map((growth.rules ?? []).map(({ source, as }) => [as, source]))
  const overtaken = new Set<string | null>()
  const added: Column[] = []
  for (const column of growth.columns) {
    const { name } = column
    const type = tableType(column.type, compat)
    const failure = misfit({ name, type }, byFolded.get(name.toLowerCase()))
    if (failure === null) {
      if (byFolded.has(name.toLowerCase())) {
        if (proposed.has(name) && givenTo(name, schema.rules) !== proposed.get(name)) overtaken.add(name)
        continue
      }
      added.push({ name, type })
      byFolded.set(name.toLowerCase(), { name, type })
    } else if (proposed.has(name)) overtaken.add(name)
    else throw failure
  }
  const first = schema.columns.length === 0
  if (!first && growth.key !== null && JSON.stringify(growth.key) !== JSON.stringify(schema.key)) {
    throw new CdcFailure(code.KeyChanged, `the key was (${schema.key.join(', ')}) and is (${growth.key.join(', ')}) now`, {
      details: { table: schema.key, record: growth.key },
    })
  }
  const rules = newRules(
    schema,
    (growth.rules ?? []).filter(({ as }) => !overtaken.has(as)),
  )
  if (added.length === 0 && rules.length === 0) return schema
  return withRules({ ...schema, columns: [...schema.columns, ...added], key: first ? (growth.key ?? []) : schema.key }, rules)
}

function misfit({ name, type }: Column, there: Column | undefined): CdcFailure | null {
  if (isReserved(name)) {
    const message = `column ${JSON.stringify(name)} is named like one of the lake's own`
    return new CdcFailure(code.ReservedName, message, { details: { column: name } })
  }
  if (there === undefined) return null
  if (there.name !== name) {
    const message = `columns ${JSON.stringify(there.name)} and ${JSON.stringify(name)} differ only in case`
    return new CdcFailure(code.NamesClash, message, { details: { column: name, other: there.name } })
  }
  if (there.type === type) return null
  const message = `column ${JSON.stringify(name)} is ${there.type} in the table and ${type} now`
  return new CdcFailure(code.TypeChanged, message, { details: { column: name, table: there.type, record: type } })
}

/** Those that are not the newest of their source column already. */
export function newRules({ rules = [] }: TableSchema, proposed: readonly ColumnRule[]): readonly ColumnRule[] {
  const newest = new Map(rules.map(({ source, as }) => [source, as]))
  return proposed.filter(({ source, as }) => !newest.has(source) || newest.get(source) !== as)
}

export function withRules(schema: TableSchema, rules: readonly ColumnRule[]): TableSchema {
  return rules.length === 0 ? schema : { ...schema, rules: [...(schema.rules ?? []), ...rules] }
}

/** Whether a table with schema `table` covers a file with schema `file`: every column is there, with its very type. */
export function covers(table: TableSchema, file: TableSchema): boolean {
  const types = new Map(table.columns.map(({ name, type }) => [name, type]))
  return file.columns.every(({ name, type }) => types.get(name) === type)
}
