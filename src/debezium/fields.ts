/** A column's type, as a schema block or a declaration tells it -> how its values are read and which column of the lake they fill. */
import type { Field } from '../core/events.ts'
import { CdcFailure, code } from '../core/failures.ts'
import { decimalOf, elementOf, type LakeType } from '../core/schema.ts'
import { declaredNames, refusedSources, typeTable, type Encoding, type Placeholders, type TypeRow } from './typeTable.ts'
import { base64Field } from './values/base64.ts'
import { bitsField } from './values/bits.ts'
import { booleanField } from './values/booleans.ts'
import { decimal18Field, decimal38Field, decimalTextField } from './values/decimals.ts'
import { floatField } from './values/floats.ts'
import { integerField } from './values/integers.ts'
import { intervalField } from './values/intervals.ts'
import { jsonField } from './values/json.ts'
import { listField } from './values/lists.ts'
import { textField, timeField } from './values/text.ts'
import { dateField, timestampField } from './values/timestamps.ts'

/** A field of Kafka Connect's schema, as far as it tells a type. */
export interface ConnectField {
  readonly name: string
  readonly type: string
  readonly semantic: string | null
  readonly parameters: ReadonlyMap<string, string>
  /** Of an array: what its elements are. */
  readonly items: ConnectField | null
}

export interface TypedField {
  readonly field: Field
  /** Tells apart what one lake type is read in two ways from. */
  readonly reading: string
}

/** What is known beside the type itself. */
export interface FieldOptions {
  readonly placeholders: Placeholders
  /** By column: lake types that somebody chose, the one that counts first. A type that the column cannot have is passed over. */
  readonly lakeTypes: ReadonlyMap<string, readonly LakeType[]>
}

/** A type of PostgreSQL with what stands in its parentheses. */
interface SourceType {
  readonly encoding: Encoding
  readonly list: boolean
  /** Precision of a numeric, n of bit(n); 0 where there is none. */
  readonly length: number
  readonly scale: number
  /** Connect's semantic name or PostgreSQL's: what a placeholder's shape depends on. */
  readonly kind: string
}

/** Whose arrays Debezium cannot convert (shapes) or cuts to milliseconds (time). */
const lostInLists: ReadonlySet<Encoding> = new Set(['json', 'time'])

const sourceParameter = '__debezium.source.column.'

/** Throws CDC3002 for a type that is not in the table. */
export function connectField(field: ConnectField, options: FieldOptions): TypedField {
  const { name, parameters } = field
  const source = parameters.get(`${sourceParameter}type`)?.toUpperCase()
  if (source !== undefined && Object.hasOwn(refusedSources, source)) throw unsupported(name, refusedSources[source]!)
  const { items } = field
  const row = items ? rowOf(items, source?.replace(/^_/, '')) : rowOf(field, source)
  if (!row || (items && lostInLists.has(row.encoding))) throw unsupported(name, told(field))
  const length = Number(parameters.get(`${sourceParameter}length`) ?? parameters.get('length') ?? 0)
  const scale = Number(parameters.get(`${sourceParameter}scale`) ?? 0)
  const kind = (items ?? field).semantic ?? (items ?? field).type
  return fieldOf({ encoding: row.encoding, list: items !== null, length, scale, kind }, name, options)
}

function rowOf({ type, semantic }: ConnectField, source: string | undefined): TypeRow | undefined {
  const rows = typeTable.filter((row) => row.connect.includes(type) && row.semantic.includes(semantic))
  return rows.find((row) => row.source !== undefined && row.source === source) ?? rows.find((row) => row.source === undefined)
}

function told({ type, semantic, items }: ConnectField): string {
  const text = semantic === null ? type : `${type} ${semantic}`
  return items ? `${text} of ${told(items)}` : text
}

/** `type` as PostgreSQL writes it: `numeric(12,3)`, `timestamp(3) with time zone`, `text[]`. Throws CDC3002. */
export function declaredField(name: string, type: string, options: FieldOptions): TypedField {
  const text = type.trim().toLowerCase().replace(/\s+/g, ' ')
  const list = / ?(\[\d*\])+$| array$/.exec(text)
  const match = /^([a-z0-9_ ]+?) ?(?:\( ?(\d+) ?(?:, ?(-?\d+) ?)?\))?( with(?:out)? time zone)?$/.exec(text.slice(0, list?.index))
  const base = `${match?.[1] ?? ''}${match?.[4] ?? ''}`
  const short = Object.hasOwn(declaredNames, base) ? declaredNames[base]! : base
  const length = Number(match?.[2] ?? 0)
  const known = short === 'bit' && length <= 1 ? 'bool' : short
  const row = typeTable.find(({ postgres }) => postgres.includes(known))
  const lost = list && (short === 'bit' || (row && lostInLists.has(row.encoding)))
  if (!row || short === 'name' || lost) throw unsupported(name, type)
  const kind = row.semantic[0] ?? row.connect[0]!
  return fieldOf({ encoding: row.encoding, list: list !== null, length, scale: Number(match?.[3] ?? 0), kind }, name, options)
}

function fieldOf(type: SourceType, name: string, { placeholders, lakeTypes }: FieldOptions): TypedField {
  const chosen = choiceOf(type, name, lakeTypes.get(name) ?? [])
  if (!type.list) {
    const field = scalarField(type, name, chosen, placeholders)
    return { field, reading: readingOf(type, field) }
  }
  const element = scalarField(type, name, chosen === null ? null : elementOf(chosen)!, noPlaceholders(placeholders))
  return { field: listField(element, listPlaceholder(type, placeholders)), reading: `list of ${readingOf(type, element)}` }
}

function readingOf({ encoding, length }: SourceType, { type }: Field): string {
  return encoding === 'bits' ? `bits(${length})` : `${encoding} as ${type}`
}

function scalarField(type: SourceType, name: string, chosen: LakeType | null, placeholders: Placeholders): Field {
  const { encoding, length, scale } = type
  if (chosen === 'string' && encoding !== 'decimal') return textField(name, placeholders.text)
  switch (encoding) {
    case 'integer':
      return integerField(name)
    case 'real':
      return floatField(name, true)
    case 'double':
      return floatField(name, false)
    case 'decimal': {
      const own = length >= 1 && length <= 38 && scale >= 0 && scale <= length ? { precision: length, scale } : null
      const decimal = chosen === null ? own : decimalOf(chosen)
      // Debezium tells the scale -2 as 2046.
      if (decimal === null) return decimalTextField(name, placeholders.text, scale < 0 || scale > 1000)
      return decimal.precision <= 18 ? decimal18Field(name, decimal.scale) : decimal38Field(name, decimal.scale)
    }
    case 'money':
      return decimal18Field(name, 2)
    case 'boolean':
      return booleanField(name)
    case 'text':
      // hstore arrives as JSON does.
      return textField(name, placeholders.text, placeholders.hstore)
    case 'interval':
      return intervalField(name, placeholders.text)
    case 'base64':
      return base64Field(name, placeholders.base64)
    case 'date':
      return dateField(name)
    case 'time':
      return timeField(name)
    case 'timestamp':
      return timestampField(name, false)
    case 'timestamptz':
      return timestampField(name, true)
    case 'bits':
      return bitsField(name, length)
    case 'json':
      return jsonField(name)
  }
}

/** Which encodings may become text instead: what arrives as a string and has values without a place in the lake's own type. */
const asText: ReadonlySet<Encoding> = new Set(['decimal', 'money', 'date', 'timestamp', 'timestamptz'])

/** The first of the chosen types that the column can have; null: its own. Throws CDC3002 where it can have none of them. */
function choiceOf({ encoding, list }: SourceType, name: string, chosen: readonly LakeType[]): LakeType | null {
  if (chosen.length === 0) return null
  const fit = chosen.find((type) => {
    const scalar = list ? elementOf(type) : type
    if (scalar === 'string') return asText.has(encoding)
    return scalar !== null && encoding === 'decimal' && decimalOf(scalar) !== null
  })
  if (fit !== undefined) return fit
  const message = `column ${JSON.stringify(name)} cannot be ${chosen.at(-1)}, as its lakeTypes says`
  throw new CdcFailure(code.UnsupportedType, message, {
    hint: 'Take the column out of lakeTypes in tables.yaml, or name a type that it can have, then resume.',
    details: { column: name, type: chosen.at(-1) },
  })
}

/** Elements are not TOASTed one by one; the array is. No token has no bytes. */
const never = new Uint8Array(0)

function noPlaceholders(placeholders: Placeholders): Placeholders {
  return { ...placeholders, text: never, base64: never, hstore: never }
}

/** Debezium has a placeholder for arrays of these types only; for others the connector stops (docs/events.md). */
function listPlaceholder({ encoding, kind }: SourceType, placeholders: Placeholders): Uint8Array | null {
  if (encoding === 'integer') return placeholders.numbers
  if (encoding === 'base64') return placeholders.base64s
  if (encoding !== 'text') return null
  return kind === 'io.debezium.data.Uuid' ? placeholders.uuids : placeholders.texts
}

function unsupported(column: string, type: string): CdcFailure {
  const message = `column ${JSON.stringify(column)} has type ${JSON.stringify(type)}`
  return new CdcFailure(code.UnsupportedType, message, { details: { column, type } })
}
