/**
 * Which type of PostgreSQL arrives how (the connector profile of DESIGN §5) and becomes what in the lake. The table is data:
 * decoding, declarations and the page of the docs come from it. What is not in it is refused (CDC3002), never guessed.
 */
import type { Field } from '../core/events.ts'
import { CdcFailure, code } from '../core/failures.ts'
import { base64Field } from './values/base64.ts'
import { booleanField } from './values/booleans.ts'
import { decimal18Field, decimal38Field } from './values/decimals.ts'
import { floatField } from './values/floats.ts'
import { integerField } from './values/integers.ts'
import { textField, timeField } from './values/text.ts'
import { dateField, timestampField } from './values/timestamps.ts'

export type Encoding =
  | 'integer'
  | 'real'
  | 'double'
  | 'decimal'
  | 'money'
  | 'boolean'
  | 'text'
  | 'base64'
  | 'date'
  | 'time'
  | 'timestamp'
  | 'timestamptz'

export interface TypeRow {
  /** Names in PostgreSQL, short ones; `declaredNames` knows the long ones. */
  readonly postgres: readonly string[]
  /** Types of Kafka Connect in the schema block. */
  readonly connect: readonly string[]
  /** Semantic names in the schema block; `null` is a field without one. */
  readonly semantic: readonly (string | null)[]
  /** `__debezium.source.column.type`, where the type cannot be told apart without. */
  readonly source?: string
  readonly encoding: Encoding
  /** What the lake has, as text for people. */
  readonly lake: string
}

export const typeTable: readonly TypeRow[] = [
  {
    postgres: ['int2', 'int4', 'int8', 'oid'],
    connect: ['int16', 'int32', 'int64'],
    semantic: [null],
    encoding: 'integer',
    lake: 'long',
  },
  { postgres: ['float4'], connect: ['float'], semantic: [null], encoding: 'real', lake: 'double' },
  { postgres: ['float8'], connect: ['double'], semantic: [null], encoding: 'double', lake: 'double' },
  {
    postgres: ['numeric'],
    connect: ['string'],
    semantic: [null],
    source: 'NUMERIC',
    encoding: 'decimal',
    lake: 'decimal(18,s), decimal(38,s); string without a precision or with an unusual scale',
  },
  { postgres: ['money'], connect: ['string'], semantic: [null], source: 'MONEY', encoding: 'money', lake: 'decimal(18,2)' },
  { postgres: ['bool'], connect: ['boolean'], semantic: [null], encoding: 'boolean', lake: 'boolean' },
  { postgres: ['date'], connect: ['string'], semantic: ['io.debezium.time.IsoDate'], encoding: 'date', lake: 'date' },
  { postgres: ['time'], connect: ['string'], semantic: ['io.debezium.time.IsoTime'], encoding: 'time', lake: 'string' },
  { postgres: ['timetz'], connect: ['string'], semantic: ['io.debezium.time.ZonedTime'], encoding: 'text', lake: 'string' },
  {
    postgres: ['timestamp'],
    connect: ['string'],
    semantic: ['io.debezium.time.IsoTimestamp'],
    encoding: 'timestamp',
    lake: 'timestamp_ntz',
  },
  {
    postgres: ['timestamptz'],
    connect: ['string'],
    semantic: ['io.debezium.time.ZonedTimestamp'],
    encoding: 'timestamptz',
    lake: 'timestamp',
  },
  { postgres: ['interval'], connect: ['string'], semantic: ['io.debezium.time.Interval'], encoding: 'text', lake: 'string' },
  { postgres: ['bytea'], connect: ['bytes'], semantic: [null], encoding: 'base64', lake: 'binary' },
  { postgres: ['uuid'], connect: ['string'], semantic: ['io.debezium.data.Uuid'], encoding: 'text', lake: 'string' },
  { postgres: ['json', 'jsonb'], connect: ['string'], semantic: ['io.debezium.data.Json'], encoding: 'text', lake: 'string' },
  { postgres: ['xml'], connect: ['string'], semantic: ['io.debezium.data.Xml'], encoding: 'text', lake: 'string' },
  { postgres: ['enum'], connect: ['string'], semantic: ['io.debezium.data.Enum'], encoding: 'text', lake: 'string' },
  { postgres: ['ltree'], connect: ['string'], semantic: ['io.debezium.data.Ltree'], encoding: 'text', lake: 'string' },
  {
    postgres: ['text', 'varchar', 'bpchar', 'char', 'citext', 'name', 'inet', 'cidr', 'macaddr', 'macaddr8'].concat([
      'int4range',
      'int8range',
      'numrange',
      'tsrange',
      'tstzrange',
      'daterange',
    ]),
    connect: ['string'],
    semantic: [null],
    encoding: 'text',
    lake: 'string',
  },
]

/** Longer names that people declare columns by. */
const declaredNames: Readonly<Record<string, string>> = {
  smallint: 'int2',
  integer: 'int4',
  int: 'int4',
  bigint: 'int8',
  real: 'float4',
  'double precision': 'float8',
  float: 'float8',
  decimal: 'numeric',
  boolean: 'bool',
  'character varying': 'varchar',
  character: 'bpchar',
  'timestamp without time zone': 'timestamp',
  'timestamp with time zone': 'timestamptz',
  'time without time zone': 'time',
  'time with time zone': 'timetz',
}

/** Tokens that stand for a TOASTed value that did not change; their shape depends on the type (SEMANTICS R1.8). */
export interface Placeholders {
  /** `"ph"`: all that arrives as a string, numeric included. */
  readonly text: Uint8Array
  /** bytea: base64 of the placeholder's bytes. */
  readonly base64: Uint8Array
  /** hstore as JSON: a string that holds `{"ph":"ph"}`. */
  readonly hstore: Uint8Array
  /** `["ph"]`: text[], varchar[], char[], json[], jsonb[]. */
  readonly texts: Uint8Array
  /** bytea[] */
  readonly base64s: Uint8Array
  /** int[], bigint[]: the placeholder's bytes as numbers. */
  readonly numbers: Uint8Array
  /** uuid[]: the uuid (version 3) that Java makes of the placeholder's bytes. */
  readonly uuids: Uint8Array
}

/** A field of Kafka Connect's schema, as far as it tells a type. */
export interface ConnectField {
  readonly name: string
  readonly type: string
  readonly semantic: string | null
  readonly parameters: ReadonlyMap<string, string>
}

export interface TypedField {
  readonly field: Field
  /** Tells apart what one lake type is read in two ways from. */
  readonly encoding: Encoding
}

const sourceParameter = '__debezium.source.column.'

/** Throws CDC3002 for a type that is not in the table. */
export function connectField(field: ConnectField, placeholders: Placeholders): TypedField {
  const source = field.parameters.get(`${sourceParameter}type`)?.toUpperCase()
  let plain: TypeRow | undefined
  let exact: TypeRow | undefined
  for (const row of typeTable) {
    if (!row.connect.includes(field.type) || !row.semantic.includes(field.semantic)) continue
    if (row.source === undefined) plain ??= row
    else if (row.source === source) exact ??= row
  }
  const row = exact ?? plain
  if (!row) throw unsupported(field.name, field.semantic === null ? field.type : `${field.type} ${field.semantic}`)
  const length = Number(field.parameters.get(`${sourceParameter}length`) ?? 0)
  const scale = Number(field.parameters.get(`${sourceParameter}scale`) ?? 0)
  return { field: fieldOf(row.encoding, field.name, length, scale, placeholders), encoding: row.encoding }
}

/** `type` as PostgreSQL writes it: `numeric(12,3)`, `timestamp(3) with time zone`, `enum`. Throws CDC3002. */
export function declaredField(name: string, type: string, placeholders: Placeholders): TypedField {
  const text = type.trim().toLowerCase().replace(/\s+/g, ' ')
  const match = /^([a-z0-9_ ]+?) ?(?:\( ?(\d+) ?(?:, ?(-?\d+) ?)?\))?( with(?:out)? time zone)?$/.exec(text)
  const base = `${match?.[1] ?? ''}${match?.[4] ?? ''}`
  const short = Object.hasOwn(declaredNames, base) ? declaredNames[base]! : base
  const row = typeTable.find(({ postgres }) => postgres.includes(short))
  if (!row) throw unsupported(name, type)
  const field = fieldOf(row.encoding, name, Number(match?.[2] ?? 0), Number(match?.[3] ?? 0), placeholders)
  return { field, encoding: row.encoding }
}

function fieldOf(encoding: Encoding, name: string, length: number, scale: number, placeholders: Placeholders): Field {
  switch (encoding) {
    case 'integer':
      return integerField(name)
    case 'real':
      return floatField(name, true)
    case 'double':
      return floatField(name, false)
    case 'decimal':
      if (!(length >= 1 && length <= 38 && scale >= 0 && scale <= length)) return textField(name, placeholders.text)
      return length <= 18 ? decimal18Field(name, scale) : decimal38Field(name, scale)
    case 'money':
      return decimal18Field(name, 2)
    case 'boolean':
      return booleanField(name)
    case 'text':
      // hstore arrives as JSON does.
      return textField(name, placeholders.text, placeholders.hstore)
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
  }
}

function unsupported(column: string, type: string): CdcFailure {
  const message = `column ${JSON.stringify(column)} has type ${JSON.stringify(type)}`
  return new CdcFailure(code.UnsupportedType, message, { details: { column, type } })
}
