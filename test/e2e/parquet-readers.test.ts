/** The readers that people use must see in our files what was written, and must find every row that a filter asks for. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readersPython } from '../../scripts/stack/readers.ts'
import type { Column, LakeType } from '../../src/core/schema.ts'
import type { Codec } from '../../src/lake/parquet.ts'
import { maxPageRows } from '../../src/lake/pages.ts'
import { fileOf, type Group, type Value } from '../unit/lake/lakeFile.ts'

type Reader = 'pyarrow' | 'pandas' | 'duckdb' | 'polars'
type Plain = string | boolean | null | Plain[]
interface Reading {
  readonly types: Record<string, string>
  readonly values: Plain[][]
  readonly filters: unknown[]
}
interface Report extends Record<Reader, Reading> {
  readonly statistics: { readonly bounds: boolean; readonly nulls: number }[][]
}

const readers: Reader[] = ['pyarrow', 'pandas', 'duckdb', 'polars']

/** A column of every type: what its values are at their edges, what other values are like, and how each reader names the type. */
interface Kind {
  readonly type: LakeType
  readonly edges: Value[]
  value(random: number): Value
  readonly names: Record<Reader, string>
}

const us = (date: string): bigint => BigInt(Date.parse(date)) * 1000n
const bits = (random: number): bigint => BigInt(Math.floor(random * 2 ** 40)) * 8_388_593n - 2n ** 62n
const kinds: Kind[] = [
  {
    type: 'integer',
    edges: [-(2 ** 31), -1, 0, 2 ** 31 - 1],
    value: (random) => Math.floor(random * 1e6) - 5e5,
    names: { pyarrow: 'int32', pandas: 'int32[pyarrow]', duckdb: 'INTEGER', polars: 'Int32' },
  },
  {
    type: 'long',
    edges: [-(2n ** 63n), -1n, 0n, 9n, 10n, 100n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n - 1n],
    value: bits,
    names: { pyarrow: 'int64', pandas: 'int64[pyarrow]', duckdb: 'BIGINT', polars: 'Int64' },
  },
  {
    type: 'double',
    edges: [-Infinity, -1.5, -0, 0, 5e-324, 0.1, 1.7976931348623157e308, Infinity, NaN],
    value: (random) => random * 2e6 - 1e6,
    names: { pyarrow: 'double', pandas: 'double[pyarrow]', duckdb: 'DOUBLE', polars: 'Float64' },
  },
  {
    type: 'boolean',
    edges: [true, false],
    value: (random) => random < 0.5,
    names: { pyarrow: 'bool', pandas: 'bool[pyarrow]', duckdb: 'BOOLEAN', polars: 'Boolean' },
  },
  {
    type: 'string',
    edges: [
      '',
      ' ',
      'z',
      'ÇELİK',
      '～',
      '😀',
      '\u{10ffff}',
      '"quoted", \\ and\nlines',
      `${'é'.repeat(40)}a`,
      '\u{10ffff}'.repeat(40),
    ],
    value: (random) => (random < 0.3 ? 'long '.repeat(20) + String(random) : `customer ${Math.floor(random * 1e5)}`),
    names: { pyarrow: 'string', pandas: 'string[pyarrow]', duckdb: 'VARCHAR', polars: 'String' },
  },
  {
    type: 'binary',
    edges: [Uint8Array.of(), Uint8Array.of(0), Uint8Array.of(0x7f, 0xff), Uint8Array.of(0x80), new Uint8Array(100).fill(0xff)],
    value: (random) => Uint8Array.from({ length: 8 }, (_, i) => random * 256 ** (i + 1)),
    names: { pyarrow: 'binary', pandas: 'binary[pyarrow]', duckdb: 'BLOB', polars: 'Binary' },
  },
  {
    type: 'date',
    edges: [-719_162, -141_428, -1, 0, 2_932_896],
    value: (random) => Math.floor(random * 40_000) - 10_000,
    names: { pyarrow: 'date32[day]', pandas: 'date32[day][pyarrow]', duckdb: 'DATE', polars: 'Date' },
  },
  {
    type: 'timestamp',
    edges: [us('0001-01-01T00:00Z'), us('1582-10-04T00:00Z') + 1n, -1n, 0n, us('9999-12-31T23:59:59Z') + 999_999n],
    value: (random) => us('1950-01-01T00:00Z') + BigInt(Math.floor(random * 4e15)),
    names: {
      pyarrow: 'timestamp[us, tz=UTC]',
      pandas: 'timestamp[us, tz=UTC][pyarrow]',
      duckdb: 'TIMESTAMP WITH TIME ZONE',
      polars: "Datetime(time_unit='us', time_zone='UTC')",
    },
  },
  {
    type: 'timestamp_ntz',
    edges: [us('0001-01-01T00:00Z'), us('1582-10-04T00:00Z') + 1n, -1n, 0n, us('9999-12-31T23:59:59Z') + 999_999n],
    value: (random) => us('1950-01-01T00:00Z') + BigInt(Math.floor(random * 4e15)),
    names: {
      pyarrow: 'timestamp[us]',
      pandas: 'timestamp[us][pyarrow]',
      duckdb: 'TIMESTAMP',
      polars: "Datetime(time_unit='us', time_zone=None)",
    },
  },
  {
    type: 'decimal(18,2)',
    edges: [-(10n ** 18n) + 1n, -115n, -1n, 0n, 115n, 435n, 820n, 1999n, 10n ** 18n - 1n],
    value: (random) => BigInt(Math.floor(random * 1e9)) - 5n * 10n ** 8n,
    names: {
      pyarrow: 'decimal128(18, 2)',
      pandas: 'decimal128(18, 2)[pyarrow]',
      duckdb: 'DECIMAL(18,2)',
      polars: 'Decimal(precision=18, scale=2)',
    },
  },
  {
    type: 'decimal(38,10)',
    edges: [-(10n ** 38n) + 1n, -(2n ** 64n), -1n, 0n, 1n, 2n ** 64n, 10n ** 38n - 1n],
    value: (random) => bits(random) * 10n ** 12n,
    names: {
      pyarrow: 'decimal128(38, 10)',
      pandas: 'decimal128(38, 10)[pyarrow]',
      duckdb: 'DECIMAL(38,10)',
      polars: 'Decimal(precision=38, scale=10)',
    },
  },
]

function random(seed: number): () => number {
  return () => (seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32
}

const scalarColumns: Column[] = kinds.map(({ type }) => ({ name: type, type }))
const listColumns: Column[] = kinds.map(({ type }) => ({ name: `list of ${type}`, type: `array<${type}>` as LakeType }))
const columns = [...scalarColumns, ...listColumns]

/** Row groups that differ in their bounds: the edges one by one, many values, many of few values, only nulls. */
function groupsOfEverything(): Group[] {
  const next = random(17)
  const groups: Value[][][] = []
  const add = (rows: number, value: (kind: Kind, row: number) => Value): void => {
    const values = kinds.map((kind) => Array.from({ length: rows }, (_, row) => value(kind, row)))
    const lists = values.map((column) => column.map((value, row) => (row % 5 === 0 ? null : column.slice(row, row + (row % 4)))))
    groups.push([...values, ...lists])
  }
  for (let at = 0; at < 10; at += 2) add(2, ({ edges }, row) => edges[at + row] ?? null)
  add(1000, (kind) => (next() < 0.1 ? null : kind.value(next())))
  add(1000, (kind) => kind.value(Math.floor(next() * 20) / 20))
  add(30, () => null)
  // One after the other, at steps that differ, so that numbers and times are stored as their differences.
  const start = next()
  add(1000, (kind, row) => (row % 9 === 4 ? null : stepped(kind.value(start), row)))
  return groups
}

function stepped(value: Value, row: number): Value {
  if (typeof value === 'bigint') return value + BigInt(row) * 1_000_003n + BigInt((row * 7919) % 1000)
  return typeof value === 'number' ? value + row * 5 + (row % 3) : value
}

/** More rows than a page holds, with pages of nothing but nulls between and behind them. */
const manyColumns: Column[] = (['long', 'integer', 'timestamp', 'decimal(18,2)', 'string', 'array<long>'] as const).map(
  (type) => ({ name: type, type }),
)
function groupOfManyPages(): Value[][] {
  const rows = Array.from({ length: 3 * maxPageRows + 1 }, (_, row) => row)
  const long = (row: number): bigint => BigInt(row) * 1000n + BigInt((row * 7919) % 1000)
  return manyColumns.map(({ type }) =>
    rows.map((row) => {
      if (row < maxPageRows || row >= 2 * maxPageRows + 7) return null
      if (type === 'string') return `text ${row}`
      if (type === 'array<long>') return [long(row), null, long(row + 1)]
      return type === 'integer' ? Number(long(row)) : long(row)
    }),
  )
}

/** As test/readers/parquet.py says it. */
function plain(value: Value): Plain {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value
  if (typeof value === 'bigint') return String(value)
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (Array.isArray(value)) return value.map(plain)
  throw new Error('numbers are plain by their type')
}

function plainNumber(value: number, type: LakeType): Plain {
  if (!type.includes('double')) return String(value)
  if (Number.isNaN(value)) return 'nan'
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleBE(value)
  return bytes.toString('hex')
}

function plainColumn(values: readonly Value[], type: LakeType): Plain[] {
  return values.map((value) => {
    if (typeof value === 'number') return plainNumber(value, type)
    return Array.isArray(value) ? plainColumn(value, type) : plain(value)
  })
}

function plainTable(columns: readonly Column[], groups: readonly Group[]): Plain[][] {
  return columns.map(({ type }, i) => groups.flatMap((group) => plainColumn(group[i]!, type)))
}

/** NaN is in no order that all agree on, and nothing short is greater than a long value of nothing but the greatest byte or character. */
function hasNoBound(value: Value): boolean {
  if (typeof value === 'string') return value.length > 64 && /^\u{10ffff}+$/u.test(value)
  return Number.isNaN(value) || (value instanceof Uint8Array && value.length > 64 && value.every((byte) => byte === 0xff))
}

describe('pyarrow, pandas, DuckDB and Polars', () => {
  const everything = groupsOfEverything()
  const oddNames: Column[] = ['10', '2', '__proto__', 'a.b', 'a,b', 'with space', 'ä 😀', 'it\'s "quoted"', '__op'].map(
    (name) => ({
      name,
      type: 'long',
    }),
  )
  let folder: string
  let reports: Record<string, Report>

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'parquet-readers-'))
    const codecs: Codec[] = ['snappy', 'gzip', 'none']
    for (const codec of codecs) await writeFile(join(folder, `${codec}.parquet`), await fileOf(columns, everything, { codec }))
    await writeFile(join(folder, 'empty.parquet'), await fileOf(columns, []))
    const names = oddNames.map((_, i) => [BigInt(i), BigInt(i * 10)])
    await writeFile(join(folder, 'names.parquet'), await fileOf(oddNames, [names]))
    await writeFile(join(folder, 'many.parquet'), await fileOf(manyColumns, [groupOfManyPages()]))
    const files = ['snappy', 'names', 'empty', 'many', 'gzip', 'none'].map((name) => join(folder, `${name}.parquet`))
    const script = fileURLToPath(new URL('../readers/parquet.py', import.meta.url))
    const run = promisify(execFile)
    const { stdout } = await run(await readersPython(), [script, ...files.slice(0, 4), '--unfiltered', ...files.slice(4)], {
      maxBuffer: 2 ** 28,
    })
    const byPath = JSON.parse(stdout) as Record<string, Report>
    reports = Object.fromEntries(files.map((file) => [file.slice(folder.length + 1, -'.parquet'.length), byPath[file]!]))
  }, 300_000)

  afterAll(() => rm(folder, { recursive: true, force: true }))

  it.each(readers)('%s reads every column with its type', (reader) => {
    for (const file of ['snappy', 'empty']) {
      const { types } = reports[file]![reader]
      expect(Object.keys(types)).toEqual(columns.map(({ name }) => name))
      expect(kinds.map(({ type }) => types[type])).toEqual(kinds.map(({ names }) => names[reader]))
    }
  })

  it.each(readers)('%s reads every value as it was written, with every codec', (reader) => {
    const written = plainTable(columns, everything)
    for (const codec of ['snappy', 'gzip', 'none']) {
      for (const [i, { name }] of columns.entries()) expect(reports[codec]![reader].values[i], name).toEqual(written[i])
    }
  })

  it.each(readers)('%s finds by a filter on any column every row that a full scan finds', (reader) => {
    expect(reports['snappy']![reader].filters).toEqual([])
  })

  it.each(readers)('%s reads a column over many pages, some without a value', (reader) => {
    const written = plainTable(manyColumns, [groupOfManyPages()])
    for (const [i, { name }] of manyColumns.entries()) expect(reports['many']![reader].values[i], name).toEqual(written[i])
    expect(reports['many']![reader].filters).toEqual([])
  })

  it.each(readers)('%s reads a file without rows as an empty table', (reader) => {
    expect(reports['empty']![reader].values).toEqual(columns.map(() => []))
  })

  it.each(readers)('%s keeps odd column names', (reader) => {
    expect(Object.keys(reports['names']![reader].types).sort()).toEqual(oddNames.map(({ name }) => name).sort())
    expect(reports['names']![reader].values).toEqual(oddNames.map((_, i) => [String(i), String(i * 10)]))
    expect(reports['names']![reader].filters).toEqual([])
  })

  it('pyarrow sees bounds in every row group that has values but NaN, and counts the nulls', () => {
    const { statistics } = reports['snappy']!
    const expected = everything.map((group) =>
      group.map((column) => {
        const entries = column.flatMap((value) => (Array.isArray(value) && value.length > 0 ? value : [value]))
        const values = entries.filter((value) => value !== null && !Array.isArray(value))
        return {
          bounds: values.length > 0 && !values.some(hasNoBound),
          nulls: entries.length - values.length,
        }
      }),
    )
    expect(statistics.length).toBe(everything.length)
    for (const [g, group] of expected.entries()) expect(statistics[g], `row group ${g}`).toEqual(group)
  })
})
