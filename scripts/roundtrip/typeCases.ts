/** Every type that Debezium carries: values that PostgreSQL reads, and in SQL what the lake must hold for them. */
import * as any from './random.ts'
import type { Random } from './random.ts'

export interface TypeCase {
  /** Of the column, and of its array with `_list` behind it. */
  readonly name: string
  readonly type: string
  /** Texts that PostgreSQL reads; each stands in some row. */
  readonly extremes: readonly string[]
  /** Such that only stand in rows that are inserted while changes flow: a snapshot loses them (docs/types.md). */
  readonly streamed?: readonly string[]
  readonly random: (random: Random) => string
  /**
   * SQL: the value as the lake has it: whole numbers and decimals as text, times in us or days since 1970, doubles as their
   * bits, bytes in hex. The value as PostgreSQL prints it unless given.
   */
  readonly shown?: (column: string) => string
  /** SQL: the text in `__special`, or NULL. */
  readonly special?: (column: string) => string
  /** How both texts are compared where they are written differently: as JSON objects, or as the numbers of a shape. */
  readonly compared?: 'object' | 'shape'
  /** Values of elements, where an array may not have all of those. */
  readonly inList?: { readonly extremes: readonly string[]; readonly random: (random: Random) => string }
  /** Whether its array is carried, and with null elements. */
  readonly list?: 'nulls' | 'noNulls' | 'none'
}

const bits = (column: string) => `CASE WHEN ${column} = 'NaN' THEN 'nan' ELSE encode(float8send(${column}::float8), 'hex') END`
const notNaN = {
  shown: (c: string) => `nullif(${c}, 'NaN')::text`,
  special: (c: string) => `CASE WHEN ${c} = 'NaN' THEN 'NaN' END`,
}

/** ISO 8601 years: 1 BC is 0000, and more than four digits have a sign. */
const isoYear = (column: string) => {
  const year = `(extract(year FROM ${column}) + CASE WHEN ${column} < '0001-01-01' THEN 1 ELSE 0 END)::int`
  return `(CASE WHEN ${year} > 9999 THEN '+' || ${year} WHEN ${year} < 0 THEN '-' || lpad((-${year})::text, 4, '0') ELSE lpad(${year}::text, 4, '0') END)`
}
const within = (column: string) => `${column} >= '0001-01-01' AND ${column} < '10000-01-01'`
function time(unit: string, iso: string): Pick<TypeCase, 'shown' | 'special'> {
  return {
    shown: (c) => `CASE WHEN ${within(c)} THEN ${unit.replaceAll('$', c)} END`,
    special: (c) =>
      `CASE WHEN NOT isfinite(${c}) THEN ${c}::text WHEN NOT (${within(c)}) THEN ${isoYear(c)} || ${iso.replaceAll('$', c)} END`,
  }
}
const day = time(
  `($ - date '1970-01-01')::text`,
  `'-' || lpad(extract(month FROM $)::text, 2, '0') || '-' || lpad(extract(day FROM $)::text, 2, '0') || 'Z'`,
)
const us = `(extract(epoch FROM $) * 1000000)::bigint::text`
const wall = time(us, `rtrim(rtrim(to_char($, '-MM-DD"T"HH24:MI:SS.US'), '0'), '.') || 'Z'`)
const instant = time(us, `to_char($ AT TIME ZONE 'UTC', '-MM-DD"T"HH24:MI:SS.US"Z"')`)

const interval = (c: string) =>
  `'P' || extract(year FROM ${c}) || 'Y' || extract(month FROM ${c}) || 'M' || extract(day FROM ${c}) || 'DT' || extract(hour FROM ${c}) || 'H' || extract(minute FROM ${c}) || 'M' || trim_scale(extract(second FROM ${c})) || 'S'`

const plain = (
  name: string,
  type: string,
  extremes: readonly string[],
  random: TypeCase['random'],
  more: Partial<TypeCase> = {},
) => {
  return { name, type, extremes, random, ...more }
}
const whole = (name: string, type: string, size: number, extremes: readonly string[], more: Partial<TypeCase> = {}) =>
  plain(name, type, extremes, (r) => any.integer(r, size), more)
const numeric = (
  name: string,
  type: string,
  precision: number,
  scale: number,
  extremes: readonly string[],
  more: Partial<TypeCase> = {},
) => plain(name, type, extremes, (r) => any.decimal(r, precision, scale), more)
const range = (name: string, extremes: readonly string[], value: (random: Random) => string) =>
  plain(name, name, ['empty', '(,)', ...extremes], (r) => {
    const [from, to] = [value(r), value(r)].sort((a, b) => Number(a) - Number(b) || (a < b ? -1 : 1))
    return `${any.pick(r, ['[', '('])}${from},${to}${any.pick(r, [']', ')'])}`
  })
const number = (random: Random) => String(any.whole(random, -1e6, 1e6) / 100)
const point = (random: Random) => `(${number(random)},${number(random)})`
const points = (random: Random, count: number) => Array.from({ length: count }, () => point(random)).join(',')
const shape = (name: string, extremes: readonly string[], random: TypeCase['random']) =>
  plain(name, name, extremes, random, { compared: 'shape', list: 'none' })

const beyond = ['infinity', '-infinity']
const wallTimes = [
  '0001-01-01 00:00:00',
  '9999-12-31 23:59:59.999999',
  '1969-12-31 23:59:59.999999',
  '2255-06-05 23:47:34.740993',
]
const farTimes = ['10000-01-01 00:00:00', '294276-12-31 23:59:59.999999', '0044-03-15 12:00:00.5 BC', '4713-01-01 00:00:00 BC']
const zones = wallTimes.concat(farTimes).map((each) => each.replace(/( BC)?$/, '+00$1'))
const texts = ['', ' ', 'null', '\\N', '\u{10ffff}', '"', "'", '\\', '\t\r\n', '\u007f\u0001', 'x'.repeat(1500)]
const timestamp = (random: Random, fraction = 6) => `${any.date(random)} ${any.time(random, fraction)}`

/** In arrays dates and timestamps before 1582-10-25 are refused (docs/types.md). */
const newDate = (random: Random) => any.date(random, 1583)
const newTime = (random: Random, fraction = 6) => `${newDate(random)} ${any.time(random, fraction)}`
const newTimes = ['1582-10-25 00:00:00', ...wallTimes.slice(1), '294276-12-31 23:59:59.999999', ...beyond]

export const typeCases: readonly TypeCase[] = [
  whole('i2', 'int2', 16, ['-32768', '32767', '0']),
  whole('i4', 'int4', 32, ['-2147483648', '2147483647']),
  whole('i8', 'int8', 64, ['-9223372036854775808', '9223372036854775807', '9007199254740993', '-9007199254740993']),
  plain('oid', 'oid', ['0', '4294967295'], (r) => String(any.whole(r, 0, 4294967295))),
  plain('f4', 'float4', ['NaN', 'Infinity', '-Infinity', '-0', '1e-45', '3.4028235e38', '16777217', '0.1'], any.real, {
    shown: bits,
  }),
  plain(
    'f8',
    'float8',
    ['NaN', 'Infinity', '-Infinity', '-0', '5e-324', '1.7976931348623157e308', '0.1', '123456789012345678'],
    any.double,
    {
      shown: bits,
    },
  ),
  numeric('n12', 'numeric(12,3)', 12, 3, ['999999999.999', '-0.001', 'NaN'], { ...notNaN, list: 'none' }),
  numeric('n12s', 'numeric(12,3)', 12, 3, ['999999999.999', '-999999999.999', '0']),
  numeric('n18', 'numeric(18,0)', 18, 0, ['999999999999999999', '-999999999999999999']),
  numeric('n38', 'numeric(38,10)', 38, 10, [
    '9999999999999999999999999999.9999999999',
    '-0.0000000001',
    '12345678901234567890.123456789',
  ]),
  numeric('n38s', 'numeric(38,38)', 38, 38, [`0.${'9'.repeat(38)}`, `-0.${'0'.repeat(37)}1`]),
  numeric('n50', 'numeric(50,20)', 50, 20, ['123456789012345678901234567890.5', '-0.00000000000000000001']),
  numeric('tiny', 'numeric(3,5)', 3, 5, ['0.00999', '-0.00001'], { random: (r) => `${any.sign(r)}0.00${any.digits(r, 3)}` }),
  numeric('rounded', 'numeric(5,-2)', 7, 0, ['9999900', '-12300', '0'], { random: (r) => `${any.sign(r)}${any.digits(r, 5)}00` }),
  numeric('n', 'numeric', 60, 30, ['NaN', 'Infinity', '-Infinity', '1e-20', '1e200', '-0.000', '1.50'], { list: 'none' }),
  numeric('ns', 'numeric', 60, 30, ['1e-20', '1e200', '0.000', '1.50']),
  numeric('chosen', 'numeric', 30, 10, ['NaN', '0.0000000001', '9999999999999999999999999999.9999999999'], {
    shown: (c) => `round(nullif(${c}, 'NaN'), 10)::text`,
    special: notNaN.special,
    list: 'none',
  }),
  plain('money', 'money', ['-9999999999999999.99', '9999999999999999.99', '0.01'], (r) => any.decimal(r, 18, 2), {
    shown: (c) => `${c}::numeric(18,2)::text`,
    list: 'none',
  }),
  plain('flag', 'bool', ['true', 'false'], (r) => any.pick(r, ['true', 'false'])),
  plain('bit1', 'bit(1)', ['0', '1'], (r) => any.pick(r, ['0', '1']), { shown: (c) => `(${c} = B'1')::text`, list: 'none' }),
  plain(
    'bit12',
    'bit(12)',
    ['000000000000', '111111111111', '000000000001'],
    (r) => any.integer(r, 12).replace(/.*/, (n) => twos(n, 12)),
    {
      list: 'none',
    },
  ),
  plain('bit100', 'bit(100)', ['0'.repeat(100), '1'.repeat(100), `1${'0'.repeat(99)}`], (r) => twos(any.integer(r, 64), 100), {
    list: 'none',
  }),
  plain(
    'day',
    'date',
    ['0001-01-01', '9999-12-31', '1969-12-31', '1582-10-15', '2024-02-29', ...beyond, '12026-01-02', '5874897-12-31'],
    any.date,
    {
      ...day,
      inList: { extremes: ['1582-10-25', '9999-12-31', '5874897-12-31', ...beyond], random: newDate },
      streamed: ['0044-03-15 BC', '4713-01-01 BC', '0001-12-31 BC', '1582-10-10'],
    },
  ),
  plain('t', 'time', ['00:00:00', '23:59:59.999999', '00:00:00.000001'], any.time, { list: 'none' }),
  plain('t3', 'time(3)', ['23:59:59.999'], (r) => any.time(r, 3), { list: 'none' }),
  plain(
    'tz',
    'timetz',
    ['00:00:00+00', '23:59:59.999999+14', '00:00:00-12:30', '24:00:00+05:30'],
    (r) => any.time(r) + any.pick(r, ['+00', '+02', '-08', '+05:30']),
    {
      shown: (c) => `replace((${c} AT TIME ZONE 'UTC')::text, '+00', 'Z')`,
    },
  ),
  plain('ts', 'timestamp', [...wallTimes, ...farTimes, ...beyond], timestamp, { ...wall, list: 'none' }),
  plain('ts3', 'timestamp(3)', ['9999-12-31 23:59:59.999'], (r) => timestamp(r, 3), {
    ...wall,
    inList: { extremes: ['1582-10-25 00:00:00', '9999-12-31 23:59:59.999'], random: (r) => newTime(r, 3) },
  }),
  plain('tss', 'timestamp', [...wallTimes, ...beyond], timestamp, { ...wall, inList: { extremes: newTimes, random: newTime } }),
  plain(
    'tstz',
    'timestamptz',
    [...zones, ...beyond],
    (r) => `${any.date(r).replace(/^000[01]|^9999/, '2026')} ${any.time(r)}${any.pick(r, ['+00', '-08', '+05:30'])}`,
    {
      ...instant,
      inList: {
        extremes: newTimes.map((each) => (beyond.includes(each) ? each : `${each}+00`)),
        random: (r) => `${newTime(r)}+00`,
      },
    },
  ),
  plain(
    'span',
    'interval',
    ['0', '1 day -1 second', '-0.000001 second', '178000000 years', '25:00:00', '1 year -1 month'],
    (r) => `${any.whole(r, -99, 99)} months ${any.whole(r, -99, 99)} days ${any.sign(r)}${any.time(r)}`,
    { shown: interval, list: 'none' },
  ),
  plain('uuid', 'uuid', ['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff'], (r) => any.hex(r, 32)),
  plain('json', 'json', ['null', '1', '{"a": 1.10, "a": 12345678901234567890123}', '  [ ]', '"\\u00e9\\ud83d\\ude00"'], any.json),
  plain('jsonb', 'jsonb', ['null', '{"b": 1.10, "a": -12345678901234567890123.50}', '[]'], any.json),
  plain('xml', 'xml', ['<a/>', '<a b="c">é &amp; d</a>'], (r) => `<n>${any.digits(r, 5)}</n>`, { list: 'none' }),
  plain('bytes', 'bytea', ['\\x', '\\x00', `\\x${'ff'.repeat(1000)}`], (r) => `\\x${any.hex(r, 2 * any.whole(r, 0, 40))}`, {
    shown: (c) => `encode(${c}, 'hex')`,
  }),
  plain('text', 'text', texts, any.text),
  // An explicit NULL stays NULL, whatever the default (SEMANTICS R1.34).
  plain('defaulted', `text DEFAULT 'DFLT'`, ['', 'DFLT'], any.text, { list: 'none' }),
  plain('vc', 'varchar(20)', ['', '👩‍✈️'], (r) => Array.from(any.text(r)).slice(0, 8).join('')),
  plain('c5', 'char(5)', ['', 'ab', 'é ü'], (r) => any.digits(r, any.whole(r, 0, 5)), { shown: (c) => `rpad(${c}::text, 5)` }),
  plain('c1', '"char"', ['a', '~'], (r) => any.pick(r, ['x', 'y', 'z'])),
  plain('ci', 'citext', ['CiTeXt'], any.text),
  plain('mood', 'mood', ['sad', 'so so', 'ok {"x"}'], (r) => any.pick(r, ['sad', 'so so', 'ok {"x"}']), { list: 'noNulls' }),
  plain('inet', 'inet', ['0.0.0.0/0', '10.1.2.3/24', '::1', 'fe80::1/64'], (r) => `${any.whole(r, 0, 255)}.1.2.3`, {
    shown: (c) => `abbrev(${c})`,
  }),
  plain('cidr', 'cidr', ['0.0.0.0/0', '2001:db8::/32'], (r) => `10.${any.whole(r, 0, 255)}.0.0/16`),
  plain('mac', 'macaddr', ['00:00:00:00:00:00'], (r) => any.hex(r, 12)),
  plain('mac8', 'macaddr8', ['ff:ff:ff:ff:ff:ff:ff:ff'], (r) => any.hex(r, 16)),
  range('int4range', ['[1,5)', '[,5)'], (r) => String(any.whole(r, -9999, 9999))),
  range('int8range', ['[9007199254740993,)'], (r) => String(any.whole(r, -9999, 9999))),
  range('numrange', ['[1.50,2.500]'], number),
  range('tsrange', ['[0001-01-01,infinity]'], (r) => timestamp(r)),
  range('tstzrange', ['[2026-01-01 00:00+02,)'], (r) => `${timestamp(r)}+00`),
  range('daterange', ['[2026-01-01,infinity)'], any.date),
  plain('search', 'tsvector', ['', `'a':1A 'b''c':2`], (r) => `${any.digits(r, 3)}:${any.whole(r, 1, 9)}`, { list: 'none' }),
  plain(
    'pairs',
    'hstore',
    ['', '"a"=>NULL', String.raw`"k\"\\"=>"v\"\\", "é"=>""`],
    (r) => `"${any.digits(r, 2)}"=>"${any.digits(r, 2)}", b=>NULL`,
    {
      shown: (c) => `hstore_to_json(${c})::text`,
      compared: 'object',
      list: 'none',
    },
  ),
  plain('path_of', 'ltree', ['a', 'Top.Science_2.x'], (r) => `a.b${any.digits(r, 3)}`, { list: 'noNulls' }),
  shape('point', ['(0,0)', '(NaN,Infinity)', '(-0,1e-300)'], point),
  shape('line', ['{1,2,3}', '{-1.5,0,1e10}'], (r) => `{${number(r)}1,${number(r)},${number(r)}}`),
  shape('lseg', ['[(0,0),(0,0)]'], (r) => `[${points(r, 2)}]`),
  shape('box', ['(3,4),(1,2)'], (r) => points(r, 2)),
  shape('path', ['[(1,2),(3,4)]', '((1,2),(3,4))'], (r) => any.pick(r, [`[${points(r, 3)}]`, `(${points(r, 3)})`])),
  shape('polygon', ['((1,2),(3,4),(5,6))'], (r) => `(${points(r, 4)})`),
  shape('circle', ['<(1,2),3>', '<(0,0),0>'], (r) => `<${point(r)},${any.whole(r, 0, 99)}>`),
]

/** Domains arrive as the type below them; only what the source type's name tells is lost, so a numeric one is text. */
export const domains: readonly [name: string, base: string][] = [
  ['i4', 'int4'],
  ['n12s', 'numeric(12,3)'],
  ['text', 'text'],
  ['mood', 'mood'],
  ['day', 'date'],
  ['ts3', 'timestamp(3)'],
  ['tstz', 'timestamptz'],
  ['bytes', 'bytea'],
  ['flag', 'bool'],
  ['f8', 'float8'],
  ['uuid', 'uuid'],
  ['jsonb', 'jsonb'],
]

function twos(value: string, length: number): string {
  return BigInt.asUintN(length, BigInt(value)).toString(2).padStart(length, '0')
}
