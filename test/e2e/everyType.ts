/** A table with a column of every basic type, their extremes, random rows by a fixed seed, and how the lake shows each value. */
import { pick, whole, type Random } from '../../scripts/random.ts'
import type { TableKey } from '../../scripts/verify/journal.ts'

export const everyType: TableKey = { table: 'every_type', key: ['id'] }

interface TypeCase {
  readonly column: string
  readonly type: string
  /** What may stand after the type in CREATE TABLE. */
  readonly more?: string
  /** As it is declared in tables.yaml; the type itself unless given. */
  readonly declared?: string
  readonly arrow: string
  /** Texts that PostgreSQL reads. */
  readonly extremes: readonly (string | null)[]
  readonly random: (random: Random) => string
  /** SQL for the value as the lake has it, where that is not the text PostgreSQL prints. */
  readonly shown?: (column: string) => string
  /** SQL for the text in `__special`, or NULL. */
  readonly special?: (column: string) => string
}

const finite = {
  shown: (column: string) => `CASE WHEN isfinite(${column}) THEN ${column} END`,
  special: (column: string) => `CASE WHEN NOT isfinite(${column}) THEN ${column}::text END`,
}
const number = {
  shown: (column: string) => `nullif(${column}, 'NaN')`,
  special: (column: string) => `CASE WHEN ${column} = 'NaN' THEN 'NaN' END`,
}

const digits = (random: Random, count: number) => Array.from({ length: count }, () => whole(random, 0, 9)).join('')
const sign = (random: Random) => pick(random, ['', '-'])
const two = (random: Random, most: number, least = 0) => String(whole(random, least, most)).padStart(2, '0')
const hex = (random: Random, length: number) => Array.from({ length }, () => whole(random, 0, 15).toString(16)).join('')
const words = ['gate', 'Zürich', '✈️', "it's", '"quoted"', '\\', '\n', '\t', 'null', '東京', '\u2028', 'a,b', '👩‍✈️']
const text = (random: Random) => Array.from({ length: whole(random, 0, 6) }, () => pick(random, words)).join(' ')
const date = (random: Random) => `${String(whole(random, 1, 9999)).padStart(4, '0')}-${two(random, 12, 1)}-${two(random, 28, 1)}`
const time = (random: Random) => `${two(random, 23)}:${two(random, 59)}:${two(random, 59)}.${digits(random, whole(random, 1, 6))}`
const json = (random: Random) => JSON.stringify({ word: text(random), n: whole(random, 0, 9), list: [null, true, 0.5] })
const zone = (random: Random) => pick(random, ['+00', '+02', '-08', '+05:30'])

const odd = 'odd "name", ✈'

const cases: readonly TypeCase[] = [
  {
    column: 'i2',
    type: 'smallint',
    arrow: 'int64',
    extremes: ['-32768', '32767', '0'],
    random: (r) => `${whole(r, -32768, 32767)}`,
  },
  {
    column: 'i4',
    type: 'integer',
    arrow: 'int64',
    extremes: ['-2147483648', '2147483647'],
    random: (r) => `${whole(r, -1e9, 1e9)}`,
  },
  {
    column: 'i8',
    type: 'bigint',
    arrow: 'int64',
    extremes: ['-9223372036854775808', '9223372036854775807', '9007199254740993', '-9007199254740993', '0'],
    random: (r) => sign(r) + digits(r, whole(r, 1, 18)),
  },
  {
    column: 'n18',
    type: 'numeric(10,2)',
    arrow: 'decimal128(18, 2)',
    extremes: ['99999999.99', '-99999999.99', '0.01', '0', 'NaN'],
    random: (r) => `${sign(r)}${digits(r, whole(r, 1, 8))}.${digits(r, 2)}`,
    ...number,
  },
  {
    column: 'n38',
    type: 'numeric(38,10)',
    arrow: 'decimal128(38, 10)',
    extremes: [`${'9'.repeat(28)}.${'9'.repeat(10)}`, `-${'9'.repeat(28)}.${'9'.repeat(10)}`, '0.0000000001', '-1', 'NaN'],
    random: (r) => `${sign(r)}${digits(r, whole(r, 1, 28))}.${digits(r, 10)}`,
    ...number,
  },
  {
    column: 'n',
    type: 'numeric',
    arrow: 'string',
    extremes: [
      `0.${'0'.repeat(19)}1`,
      `${'123456789'.repeat(8)}.5`,
      '1.10',
      '10000000000000000000000',
      '-0.0000001',
      'NaN',
      'Infinity',
      '-Infinity',
    ],
    random: (r) => `${sign(r)}${digits(r, whole(r, 1, 30))}.${digits(r, whole(r, 1, 30))}`,
  },
  {
    column: 'm',
    type: 'money',
    arrow: 'decimal128(18, 2)',
    extremes: ['9999999999999999.99', '-9999999999999999.99', '0', '-0.01'],
    random: (r) => `${sign(r)}${digits(r, whole(r, 1, 12))}.${digits(r, 2)}`,
    shown: (column) => `${column}::numeric(18,2)`,
  },
  {
    column: odd,
    type: 'text',
    arrow: 'string',
    extremes: ['', 'null', '👩‍✈️ 東京', `it's "a" \\ back\r\nslash\t`, 'x'.repeat(1500)],
    random: text,
  },
  { column: '__proto__', type: 'varchar(80)', arrow: 'string', extremes: ['', ' ', 'é'.repeat(80)], random: text },
  {
    column: 'c',
    type: 'char(6)',
    arrow: 'string',
    extremes: ['', 'ab', 'abcdef', 'é  '],
    random: (r) => hex(r, whole(r, 0, 6)),
    shown: (column) => `rpad(${column}::text, 6)`,
  },
  { column: 'b', type: 'boolean', arrow: 'bool', extremes: ['true', 'false'], random: (r) => pick(r, ['true', 'false']) },
  {
    column: 'r',
    type: 'real',
    arrow: 'double',
    extremes: ['NaN', 'Infinity', '-Infinity', '3.4028235e38', '1.17549435e-38', '1e-45', '0.1', '-0'],
    random: (r) => `${sign(r)}${digits(r, 3)}.${digits(r, 4)}e${whole(r, -30, 30)}`,
  },
  {
    column: 'd',
    type: 'double precision',
    arrow: 'double',
    extremes: ['NaN', 'Infinity', '-Infinity', '1.7976931348623157e308', '5e-324', '0.1', '-0', '123456789012345680'],
    random: (r) => `${sign(r)}${digits(r, 3)}.${digits(r, whole(r, 1, 14))}e${whole(r, -290, 290)}`,
  },
  {
    column: 'born',
    type: 'date',
    arrow: 'date32[day]',
    extremes: ['0001-01-01', '9999-12-31', '1969-12-31', '2024-02-29', 'infinity', '-infinity'],
    random: date,
    ...finite,
  },
  {
    column: 'local',
    type: 'timestamp',
    arrow: 'timestamp[us]',
    extremes: ['0001-01-01 00:00:00', '9999-12-31 23:59:59.999999', '1969-12-31 23:59:59.999999', 'infinity', '-infinity'],
    random: (r) => `${date(r)} ${time(r)}`,
    ...finite,
  },
  {
    column: 'moment',
    type: 'timestamptz',
    arrow: 'timestamp[us, tz=UTC]',
    extremes: [
      '0001-01-01 00:00:00+00',
      '9999-12-31 23:59:59.999999+00',
      '1969-12-31 23:59:59.999999+00',
      'infinity',
      '-infinity',
    ],
    random: (r) => `${String(whole(r, 1900, 2100))}${date(r).slice(4)} ${time(r)}${zone(r)}`,
    ...finite,
  },
  { column: 't', type: 'time', arrow: 'string', extremes: ['00:00:00', '23:59:59.999999', '12:00:00.5'], random: time },
  {
    column: 'tz',
    type: 'timetz',
    arrow: 'string',
    extremes: ['04:05:06+02', '23:59:59.999999-08', '00:00:00+00'],
    random: (r) => time(r) + zone(r),
    shown: (column) => `(${column} AT TIME ZONE 'UTC')::time::text || 'Z'`,
  },
  {
    column: 'span',
    type: 'interval',
    arrow: 'string',
    extremes: ['1 year 2 mons 3 days 04:05:06.789', '-1 days', '0', '-1 year 3 days -04:05:06.000001'],
    random: (r) => `${whole(r, 0, 99)} years ${whole(r, 0, 11)} mons ${whole(r, -40, 40)} days ${time(r)}`,
    shown: (column) => {
      const part = (name: string) => `extract(${name} FROM ${column})::int`
      const parts = ['year', 'month', 'day', 'hour', 'minute'].map(part).join(', ')
      return `CASE WHEN ${column} IS NOT NULL THEN format('P%sY%sM%sDT%sH%sM%sS', ${parts}, trim_scale(extract(second FROM ${column}))) END`
    },
  },
  {
    column: 'u',
    type: 'uuid',
    arrow: 'string',
    extremes: ['00000000-0000-0000-0000-000000000000'],
    random: (r) => [8, 4, 4, 4, 12].map((n) => hex(r, n)).join('-'),
  },
  { column: 'j', type: 'json', arrow: 'string', extremes: ['{"a": [1,   2], "ü": "\\n"}', 'null', '0.10'], random: json },
  { column: 'jb', type: 'jsonb', arrow: 'string', extremes: ['{"a": [1,   2], "ü": "\\n"}', 'null', '0.10'], random: json },
  {
    column: 'raw',
    type: 'bytea',
    arrow: 'binary',
    extremes: ['\\x', '\\x00', '\\xdeadbeef00ff'],
    random: (r) => `\\x${hex(r, 2 * whole(r, 0, 40))}`,
  },
  {
    column: 'mood',
    type: 'mood',
    declared: 'enum',
    arrow: 'string',
    extremes: ['calm', 'in a hurry'],
    random: (r) => pick(r, ['calm', 'in a hurry']),
  },
  {
    column: 'host',
    type: 'inet',
    arrow: 'string',
    extremes: ['10.1.2.3', '10.0.0.0/8', '::1', '2001:db8::/32'],
    random: (r) => [0, 0, 0, 0].map(() => whole(r, 0, 255)).join('.'),
    shown: (column) => `abbrev(${column})`,
  },
  {
    column: 'defaulted',
    type: 'integer',
    more: 'DEFAULT 42',
    arrow: 'int64',
    extremes: [null, '0'],
    random: (r) => `${whole(r, 0, 99)}`,
  },
]

/** Large enough to stand outside the row; not compressed, so that it does. */
const toast = { column: 'toast', type: 'text', arrow: 'string' }

export const createEveryType = `
  CREATE TYPE mood AS ENUM ('calm', 'in a hurry');
  CREATE TABLE every_type (id bigint PRIMARY KEY, ${cases.map((c) => `${quoted(c.column)} ${c.type} ${c.more ?? ''}`).join(', ')}, toast text);
  ALTER TABLE every_type ALTER COLUMN toast SET STORAGE EXTERNAL;`

/** Columns and key for tables.yaml, where the topic carries no schemas. */
export const declaredEveryType = {
  key: ['id'],
  columns: [
    { name: 'id', type: 'bigint' },
    ...cases.map(({ column, type, declared }) => ({ name: column, type: declared ?? type })),
    { name: toast.column, type: toast.type },
  ],
}

/** The table's own columns as pyarrow names their types, in order. */
export const arrowTypes: readonly (readonly [string, string])[] = [
  ['id', 'int64'],
  ...[...cases, toast].map(({ column, arrow }) => [column, arrow] as const),
]

/** How many rows hold every extreme at least once. */
export const extremeRows = Math.max(...cases.map(({ extremes }) => extremes.length))

/** The n-th row of extremes; from `extremeRows` on one of NULLs, then random ones. */
export function rowOf(id: number, n: number, random: Random): string {
  const values = cases.map(({ type, extremes, random: any }) => {
    const text = n < extremeRows ? extremes[n % extremes.length]! : n === extremeRows || random() < 0.1 ? null : any(random)
    return text === null ? 'NULL' : `${literal(text)}::${type}`
  })
  return `INSERT INTO every_type VALUES (${id}, ${values.join(', ')}, ${random() < 0.3 ? largeText(random) : "'short'"})`
}

/** An update of a few columns, never of the large one. */
export function updateOf(id: number, random: Random): string {
  const sets = Array.from({ length: 3 }, () => pick(random, cases)).map(
    ({ column, type, random: any }) => [quoted(column), `${literal(any(random))}::${type}`] as const,
  )
  const list = [...new Map(sets)].map(([column, value]) => `${column} = ${value}`).join(', ')
  return `UPDATE every_type SET ${list} WHERE id = ${id}`
}

export function largeText(random: Random): string {
  return `repeat('${hex(random, 20)}', 1000)`
}

/**
 * Makes `journal.shown` and `public.shown`: both sides of the table as the lake has them. A large value that a change left as it
 * was (`journal.kept`) is the one that the key's changes told last: none where the key is new, since that is not sent either.
 */
export const showEveryType = `
  CREATE TABLE journal.kept AS SELECT journal_seq, id, length(toast) > 2000 AND (journal_op = 'u' AND toast = former
    OR journal_op = 'c' AND EXISTS (SELECT FROM journal.every_type d WHERE d.journal_op = 'd' AND d.journal_tx = j.journal_tx
      AND d.journal_seq < j.journal_seq AND d.toast = j.toast)) AS kept
    FROM (SELECT *, lag(toast) OVER (PARTITION BY id ORDER BY journal_seq) AS former FROM journal.every_type) j;
  CREATE TABLE journal.told AS SELECT journal_seq, id, max(said) OVER (PARTITION BY id, nth) AS told FROM (
    SELECT journal_seq, id, CASE WHEN kept IS NOT TRUE AND journal_op <> 'd' THEN toast END AS said,
      count(*) FILTER (WHERE kept IS NOT TRUE) OVER (PARTITION BY id ORDER BY journal_seq) AS nth
    FROM journal.every_type JOIN journal.kept USING (journal_seq, id)) j;
  CREATE TABLE journal.shown AS SELECT ${shownColumns('every_type')}, told AS toast, journal_op, journal_tx, journal_seq
    FROM journal.every_type JOIN journal.told USING (journal_seq, id);
  CREATE TABLE public.shown AS SELECT ${shownColumns('every_type')},
    (SELECT told FROM journal.told WHERE told.id = every_type.id ORDER BY journal_seq DESC LIMIT 1) AS toast
    FROM public.every_type;`

function shownColumns(table: string): string {
  const shown = cases.map(({ column, shown }) => {
    const name = `${table}.${quoted(column)}`
    return `${shown?.(name) ?? name} AS ${quoted(column)}`
  })
  return ['id', ...shown].join(', ')
}

/** Rows of (id, special) as JSON text, in order; deletes hold the key only. */
export const specialsOfJournal = `SELECT id::text, special::text FROM (SELECT id, journal_seq, jsonb_strip_nulls(jsonb_build_object(${cases
  .filter(({ special }) => special)
  .map(({ column, special }) => `'${column}', ${special!(column)}`)
  .join(', ')})) AS special FROM journal.every_type WHERE journal_op <> 'd') s WHERE special <> '{}' ORDER BY 1, 2`

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
