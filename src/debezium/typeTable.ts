/**
 * Which type of PostgreSQL arrives how (the connector profile of DESIGN §5) and becomes what in the lake. The table is data:
 * decoding, declarations and the page of the docs come from it. What is not in it is refused (CDC3002), never guessed.
 */

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
  | 'interval'
  | 'bits'
  | 'json'

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
  // bit(1), too: it arrives as a boolean.
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
  { postgres: ['interval'], connect: ['string'], semantic: ['io.debezium.time.Interval'], encoding: 'interval', lake: 'string' },
  { postgres: ['bytea'], connect: ['bytes'], semantic: [null], encoding: 'base64', lake: 'binary' },
  { postgres: ['uuid'], connect: ['string'], semantic: ['io.debezium.data.Uuid'], encoding: 'text', lake: 'string' },
  { postgres: ['json', 'jsonb'], connect: ['string'], semantic: ['io.debezium.data.Json'], encoding: 'text', lake: 'string' },
  { postgres: ['hstore'], connect: ['string'], semantic: ['io.debezium.data.Json'], encoding: 'text', lake: 'string' },
  { postgres: ['xml'], connect: ['string'], semantic: ['io.debezium.data.Xml'], encoding: 'text', lake: 'string' },
  { postgres: ['enum'], connect: ['string'], semantic: ['io.debezium.data.Enum'], encoding: 'text', lake: 'string' },
  { postgres: ['tsvector'], connect: ['string'], semantic: ['io.debezium.data.Tsvector'], encoding: 'text', lake: 'string' },
  {
    postgres: ['bit'],
    connect: ['bytes'],
    semantic: ['io.debezium.data.Bits'],
    source: 'BIT',
    encoding: 'bits',
    lake: 'string',
  },
  {
    postgres: ['point', 'line', 'circle', 'lseg', 'box', 'path', 'polygon', 'geometry', 'geography'],
    connect: ['struct'],
    semantic: ['Point', 'Line', 'Circle', 'Geometry', 'Geography'].map((shape) => `io.debezium.data.geometry.${shape}`),
    encoding: 'json',
    lake: 'string',
  },
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

/**
 * Types that Debezium sends in a form that loses values, by `__debezium.source.column.type`: better refused than wrong. The
 * connector profile propagates the names of these types for no other reason.
 */
export const refusedSources: Readonly<Record<string, string>> = {
  NAME: 'name: Debezium sends NULL for every change after the snapshot',
  VARBIT: 'bit varying: Debezium leaves out zeros in front',
  _BIT: 'bit[]: Debezium sends NULL',
  INT2VECTOR: 'int2vector: Debezium sends an empty array',
  OIDVECTOR: 'oidvector: Debezium sends an empty array',
}

/** Types that Debezium leaves out of its events without a word (include.unknown.datatypes=false): the lake has no such column. */
export const omittedTypes: readonly string[] = [
  ...['xid', 'xid8', 'cid', 'tid', 'pg_lsn', 'pg_snapshot', 'txid_snapshot', 'regclass', 'regtype', 'regproc', 'aclitem'],
  ...['jsonpath', 'tsquery', 'lquery', 'ltxtquery', 'cube', 'seg', 'refcursor'],
  ...['int4multirange', 'int8multirange', 'nummultirange', 'tsmultirange', 'tstzmultirange', 'datemultirange'],
  'composite types and domains over them',
  ...['name[]', 'money[]', 'interval[]', 'xml[]', 'varbit[]', 'point[]', 'arrays of domains, and of all types of this list'],
]

/** Longer names that people declare columns by. */
export const declaredNames: Readonly<Record<string, string>> = {
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
