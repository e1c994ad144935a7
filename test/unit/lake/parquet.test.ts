import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { metadataColumns, type Column, type LakeType } from '../../../src/core/schema.ts'
import { openParquet } from '../../../src/lake/parquet.ts'
import { readFooter } from '../../../src/lake/parquetFooter.ts'
import { builderOf, fileOf, readWithHyparquet, type Value } from './lakeFile.ts'

const scalars = [
  'integer',
  'long',
  'double',
  'boolean',
  'string',
  'binary',
  'date',
  'timestamp',
  'timestamp_ntz',
  'decimal(18,2)',
  'decimal(38,10)',
] as const
const types: LakeType[] = [...scalars, ...scalars.map((type) => `array<${type}>` as const)]
const everyColumn: Column[] = types.map((type) => ({ name: `c ${type}`, type }))

const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
const scalarValue: Record<(typeof scalars)[number], fc.Arbitrary<Value>> = {
  integer: fc.integer(),
  long,
  double: fc.double(),
  boolean: fc.boolean(),
  string: fc.string({ unit: 'binary', maxLength: 80 }),
  binary: fc.uint8Array({ maxLength: 80 }),
  date: fc.integer(),
  timestamp: long,
  timestamp_ntz: long,
  'decimal(18,2)': fc.bigInt({ min: -(10n ** 18n) + 1n, max: 10n ** 18n - 1n }),
  'decimal(38,10)': fc.bigInt({ min: -(10n ** 38n) + 1n, max: 10n ** 38n - 1n }),
}

/** Rows of one column: any values, or few that repeat, with few or many nulls. */
function valuesOf(type: LakeType, rows: number): fc.Arbitrary<Value[]> {
  const element = type.startsWith('array<') ? (type.slice(6, -1) as (typeof scalars)[number]) : null
  const any = element
    ? fc.array(fc.option(scalarValue[element], { freq: 3 }), { maxLength: 6 })
    : scalarValue[type as (typeof scalars)[number]]
  const length = { minLength: rows, maxLength: rows }
  const few = fc.array(any, { minLength: 1, maxLength: 4 }).chain((some) => fc.array(fc.constantFrom(...some), length))
  const filled: fc.Arbitrary<Value[]> = fc.oneof(fc.array(any, length), few)
  const nulls = fc.oneof(fc.constant(0), fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true }))
  const dice = fc.array(fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), length)
  return fc.tuple(filled, nulls, dice).map(([values, share, dice]) => values.map((value, i) => (dice[i]! < share ? null : value)))
}

const tables = fc.record({
  columns: fc.uniqueArray(fc.constantFrom(...everyColumn), { minLength: 1, maxLength: 6 }),
  rows: fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 3 }),
  codec: fc.constantFrom('snappy', 'none', 'gzip'),
})

describe('a Parquet file', () => {
  it('gives every value back to a reader that is not ours, for random columns, nulls, lists and row groups', async () => {
    const cases = tables.chain(({ columns, rows, codec }) => {
      const group = (count: number): fc.Arbitrary<Value[][]> => fc.tuple(...columns.map(({ type }) => valuesOf(type, count)))
      return fc.tuple(fc.constant(columns), fc.tuple(...rows.map(group)), fc.constant(codec))
    })
    await fc.assert(
      fc.asyncProperty(cases, async ([columns, groups, codec]) => {
        const file = await fileOf(columns, groups, { codec })
        const expected = columns.map((_, i) => groups.flatMap((group) => group[i]!))
        expect(await readWithHyparquet(file, columns)).toEqual(expected)
        const footer = readFooter(file)
        expect(footer.columns).toEqual(columns)
        expect(footer.rowGroups.map((group) => group.rows)).toEqual(groups.map((group) => group[0]!.length))
      }),
      { numRuns: 200 },
    )
  })

  it('gives back long columns of numbers, in steps or in no order, near to each other or far apart', async () => {
    const numbers = ['integer', 'long', 'date', 'timestamp', 'decimal(18,2)', 'array<long>'] as const
    const walk = fc.record({
      rows: fc.integer({ min: 1, max: 2000 }),
      start: fc.bigInt({ min: -(2n ** 30n), max: 2n ** 30n }),
      steps: fc.array(fc.oneof(fc.bigInt({ min: -3n, max: 3n }), fc.bigInt({ min: -(2n ** 40n), max: 2n ** 40n })), {
        minLength: 1,
        maxLength: 7,
      }),
      nulls: fc.integer({ min: 2, max: 50 }),
    })
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...numbers), walk, async (type, { rows, start, steps, nulls }) => {
        const fits = (value: bigint) => (type === 'integer' || type === 'date' ? Number(BigInt.asIntN(32, value)) : value)
        let value = start
        const values = Array.from({ length: rows }, (_, i): Value => {
          value += steps[i % steps.length]!
          if (i % nulls === 1) return null
          return type === 'array<long>' ? [value, null, value - BigInt(i)].slice(0, i % 4) : fits(value)
        })
        const columns: Column[] = [{ name: 'n', type }]
        expect(await readWithHyparquet(await fileOf(columns, [[values], [values.slice(0, 9)]]), columns)).toEqual([
          [...values, ...values.slice(0, 9)],
        ])
      }),
      { numRuns: 200 },
    )
  })

  it('is the same bytes for the same input, however the key values are ordered', async () => {
    const group = everyColumn.map(({ type }) => fc.sample(valuesOf(type, 500), { numRuns: 1, seed: 7 })[0]!)
    const once = await fileOf(everyColumn, [group, group], { keyValues: { a: '1', b: '2' } })
    const again = await fileOf(everyColumn, [group, group], { keyValues: { b: '2', a: '1' } })
    expect(again.equals(once)).toBe(true)
  })

  it('spreads many rows over many pages, and long values over pages of about one MiB', async () => {
    const columns: Column[] = [
      { name: 'n', type: 'long' },
      { name: 'text', type: 'string' },
      { name: 'list', type: 'array<long>' },
    ]
    const rows = Array.from({ length: 50_001 }, (_, i) => i)
    const group: Value[][] = [
      rows.map((i) => (i % 3 === 0 ? null : BigInt(i))),
      rows.map((i) => (i % 5000 === 1 ? 'x'.repeat(700_000) + String(i) : 'short')),
      rows.map((i) => (i % 10_000 === 7 ? Array.from({ length: 60_000 }, (_, j) => BigInt(i + j)) : [BigInt(i), null])),
    ]
    expect(await readWithHyparquet(await fileOf(columns, [group]), columns)).toEqual(group)
    let largest = 0
    const measure = (bytes: Uint8Array): Promise<void> => Promise.resolve(void (largest = Math.max(largest, bytes.length)))
    const writer = await openParquet(columns, measure, { codec: 'none' })
    await writer.writeRowGroup(columns.map(({ type }, i) => builderOf(type, group[i]!)))
    expect(largest).toBeGreaterThan(700_000)
    expect(largest).toBeLessThan(1_100_000)
  })

  it('without rows has no row group, and is read as a table of its columns', async () => {
    for (const groups of [[], [everyColumn.map(() => [])]]) {
      const file = await fileOf(everyColumn, groups)
      expect(await readWithHyparquet(file, everyColumn)).toEqual(everyColumn.map(() => []))
      expect(readFooter(file)).toMatchObject({ rows: 0, columns: everyColumn, rowGroups: [] })
    }
  })

  it('keeps column names and their order as they are: numbers, __proto__, dots, commas, spaces, unicode', async () => {
    const columns: Column[] = ['b', '10', '2', '__proto__', 'constructor', 'a.b', 'a,b', 'ä 😀', '"'].map((name) => ({
      name,
      type: 'long',
    }))
    const group = columns.map((_, i) => [BigInt(i)])
    const file = await fileOf(columns, [group])
    expect(readFooter(file).columns).toEqual(columns)
    expect(readFooter(file).rowGroups[0]!.columns.map(({ name }) => name)).toEqual(columns.map(({ name }) => name))
    expect(await readWithHyparquet(file, columns)).toEqual(group)
  })

  it('writes repeated values of any type once, as a dictionary, and values that do not repeat plainly', async () => {
    const valueAt = (type: LakeType, i: number): Value => {
      if (type === 'string') return `value ${i}`
      if (type === 'binary') return Uint8Array.of(i, i >> 8, 7, 7, 7, 7)
      if (type === 'boolean') return i % 2 === 0
      return type === 'integer' || type === 'date' || type === 'double' ? i - 200 : BigInt(i - 200)
    }
    const group = (distinct: number): Value[][] =>
      scalars.map((type) => Array.from({ length: 400 }, (_, i) => valueAt(type, i % distinct)))
    const columns: Column[] = scalars.map((type) => ({ name: type, type }))
    const encodings = async (distinct: number): Promise<boolean[]> => {
      const file = await fileOf(columns, [group(distinct)])
      return readFooter(file).rowGroups[0]!.columns.map((chunk) => chunk.encodings.includes('RLE_DICTIONARY'))
    }
    expect(await encodings(3)).toEqual(scalars.map((type) => type !== 'boolean'))
    expect(await encodings(400)).toEqual(scalars.map(() => false))
  })

  it('leaves the columns that it was given as they are', async () => {
    const column = builderOf('string', ['a', null, 'b'])
    const writer = await openParquet([{ name: 's', type: 'string' }], () => Promise.resolve())
    await writer.writeRowGroup([column])
    expect([column.rows, column.values, column.byteLength]).toEqual([3, 2, 5])
  })

  it('hands bytes over page by page, one call at a time, and never changes them afterwards', async () => {
    const columns: Column[] = [...metadataColumns]
    const group = columns.map(({ type }) => fc.sample(valuesOf(type, 1000), { numRuns: 1, seed: 1 })[0]!)
    const file = await fileOf(columns, [group])
    const live: Uint8Array[] = []
    let open = 0
    const writer = await openParquet(columns, async (bytes) => {
      expect(++open).toBe(1)
      await Promise.resolve()
      live.push(bytes)
      open--
    })
    await writer.writeRowGroup(columns.map(({ type }, i) => builderOf(type, group[i]!)))
    await writer.finish({})
    expect(Buffer.concat(live).equals(file)).toBe(true)
    expect(live.length).toBeGreaterThan(columns.length)
  })

  it('refuses columns of another number, type or length', async () => {
    const writer = await openParquet(
      [
        { name: 'a', type: 'long' },
        { name: 'b', type: 'string' },
      ],
      () => Promise.resolve(),
    )
    await expect(writer.writeRowGroup([builderOf('long', [1n])])).rejects.toThrow('the file has 2 columns, the row group 1')
    const other = [builderOf('long', [1n]), builderOf('binary', [null])]
    await expect(writer.writeRowGroup(other)).rejects.toThrow('column b is string in the file and binary in the row group')
    const longer = [builderOf('long', [1n]), builderOf('string', [null, null])]
    await expect(writer.writeRowGroup(longer)).rejects.toThrow('column b has 2 rows, others 1')
  })

  it('goes on neither after a write that failed nor after its end', async () => {
    const columns: Column[] = [{ name: 'a', type: 'long' }]
    let fails = false
    const write = (): Promise<void> => (fails ? Promise.reject(new Error('disk full')) : Promise.resolve())
    const writer = await openParquet(columns, write)
    fails = true
    await expect(writer.writeRowGroup([builderOf('long', [1n])])).rejects.toThrow('disk full')
    fails = false
    await expect(writer.finish({})).rejects.toThrow('not written yet, or failed')
    const ended = await openParquet(columns, write)
    await ended.finish({})
    await expect(ended.writeRowGroup([builderOf('long', [1n])])).rejects.toThrow('the file has ended')
  })
})
