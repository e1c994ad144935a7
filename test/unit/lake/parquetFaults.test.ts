/** What parquetjs 1.8.8 does wrong when it makes pages and statistics itself: each must not come back with ours. */
import { parquetMetadata, type FileMetaData, type Statistics } from 'hyparquet'
import { describe, expect, it } from 'vitest'
import type { Column, LakeType } from '../../../src/core/schema.ts'
import { openParquet } from '../../../src/lake/parquet.ts'
import { footerBytes, readFooter } from '../../../src/lake/parquetFooter.ts'
import { decodeStruct, thrift } from '../../../src/lake/parquetThrift.ts'
import { builderOf, fileOf, readWithHyparquet, type Value } from './lakeFile.ts'

const column = (type: LakeType): Column[] => [{ name: 'v', type }]

async function roundTrip(type: LakeType, values: Value[]): Promise<Value[]> {
  const [read] = await readWithHyparquet(await fileOf(column(type), [[values]]), column(type))
  return read!
}

function metadataOf(file: Uint8Array): FileMetaData {
  return parquetMetadata(Uint8Array.from(file).buffer)
}

async function statistics(type: LakeType, values: Value[]): Promise<Statistics> {
  return metadataOf(await fileOf(column(type), [[values]])).row_groups[0]!.columns[0]!.meta_data!.statistics!
}

describe('faults of parquetjs that our files do not have', () => {
  it('decimals are exact: 1.15, 8.2, 4.35 and 19.99 are not rounded down', async () => {
    const cents = [115n, 820n, 435n, 1999n, -115n, 10n ** 18n - 1n]
    expect(await roundTrip('decimal(18,2)', cents)).toEqual(cents)
    expect(await roundTrip('decimal(38,2)', cents)).toEqual(cents)
    const large = [10n ** 38n - 1n, -(10n ** 38n) + 1n, 0n, -1n]
    expect(await roundTrip('decimal(38,38)', large)).toEqual(large)
  })

  it('bounds of longs are compared as numbers, not as text, and beyond 2^53', async () => {
    expect(await statistics('long', [10n, 9n, 100n])).toMatchObject({ min_value: 9n, max_value: 100n })
    const large = [2n ** 53n + 1n, 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n)]
    expect(await statistics('long', large)).toMatchObject({ min_value: -(2n ** 63n), max_value: 2n ** 63n - 1n })
    expect(await statistics('long', large.slice(0, 2))).toMatchObject({ min_value: 2n ** 53n, max_value: 2n ** 53n + 1n })
  })

  it('bounds of text are in the order of bytes, so an emoji stands above every two-byte unit of UTF-16', async () => {
    const { min_value, max_value } = await statistics('string', ['😀', '～', 'z'])
    expect([min_value, max_value]).toEqual(['z', '😀'])
  })

  it('NaN is in no bound', async () => {
    expect(await statistics('double', [1.5, NaN, 2.5])).toEqual({ null_count: 0n })
    expect(await roundTrip('double', [1.5, NaN, -0, Infinity])).toEqual([1.5, NaN, -0, Infinity])
  })

  it('dictionary encoding is written, and its size and place are in the metadata', async () => {
    const values = Array.from({ length: 1000 }, (_, i) => ['ALICE', 'BOB', 'ÇELİK', ''][i % 4]!)
    const file = await fileOf(column('string'), [[values]])
    const chunk = metadataOf(file).row_groups[0]!.columns[0]!.meta_data!
    expect(chunk).toMatchObject({ encodings: ['PLAIN', 'RLE', 'RLE_DICTIONARY'], dictionary_page_offset: 4n })
    expect(chunk.data_page_offset).toBeGreaterThan(4n)
    expect(file.length).toBeLessThan(600)
    expect(await readWithHyparquet(file, column('string'))).toEqual([values])
  })

  it('two writes at once are refused instead of interleaved', async () => {
    const writer = await openParquet(column('long'), () => new Promise((done) => setImmediate(done)))
    const first = writer.writeRowGroup([builderOf('long', [1n])])
    await expect(writer.writeRowGroup([builderOf('long', [2n])])).rejects.toThrow('not written yet')
    await first
    await writer.writeRowGroup([builderOf('long', [2n])])
    await writer.finish({})
  })

  it('timestamps and dates before 1970 keep their microseconds and days', async () => {
    const early = [-1n, -62_135_596_800_000_000n, 253_402_300_799_999_999n, 0n]
    for (const type of ['timestamp', 'timestamp_ntz'] as const) expect(await roundTrip(type, early)).toEqual(early)
    expect(await roundTrip('date', [-1, -719_162, 2_932_896])).toEqual([-1, -719_162, 2_932_896])
    const file = await fileOf(column('timestamp'), [[early]])
    const { min } = readFooter(file).rowGroups[0]!.columns[0]!
    expect(new DataView(min!.buffer, min!.byteOffset).getBigInt64(0, true)).toBe(-62_135_596_800_000_000n)
  })

  it('JSON stands as the text that it was, not quoted a second time', async () => {
    const json = ['{"a":[1,2]}', '"text"', 'null', '']
    expect(await roundTrip('string', json)).toEqual(json)
  })

  it('the least and the greatest long and integer are written', async () => {
    expect(await roundTrip('long', [2n ** 63n - 1n, -(2n ** 63n)])).toEqual([2n ** 63n - 1n, -(2n ** 63n)])
    expect(await roundTrip('integer', [2 ** 31 - 1, -(2 ** 31)])).toEqual([2 ** 31 - 1, -(2 ** 31)])
  })

  it('the footer has column orders, bounds that old readers find, true sizes, and no page index', async () => {
    const columns: Column[] = [
      { name: 'n', type: 'long' },
      { name: 's', type: 'string' },
      { name: 'l', type: 'array<string>' },
    ]
    const rows = Array.from({ length: 5000 }, (_, i) => i)
    const group: Value[][] = [rows.map(BigInt), rows.map((i) => `row ${i}`), rows.map((i) => [`row ${i}`])]
    const sizes = async (codec: 'none' | 'snappy'): Promise<[number, number][]> => {
      const file = await fileOf(columns, [group], { codec })
      return readFooter(file).rowGroups[0]!.columns.map((chunk) => [chunk.bytes, chunk.uncompressedBytes])
    }
    const none = await sizes('none')
    const snappy = await sizes('snappy')
    for (const [i, [bytes, uncompressed]] of snappy.entries()) {
      expect(none[i]![0]).toBe(none[i]![1])
      // Page headers hold the compressed size as a varint, so they may differ by a few bytes.
      expect(Math.abs(uncompressed - none[i]![1])).toBeLessThan(10)
      expect(bytes).toBeLessThan(uncompressed)
    }
    const file = await fileOf(columns, [group])
    const metadata = metadataOf(file)
    expect(metadata.created_by).toBe('sluice')
    const raw = new thrift.FileMetaData()
    decodeStruct(raw, file.subarray(-footerBytes(file), -8))
    expect(raw.column_orders!.map((order) => order.TYPE_ORDER)).toEqual(columns.map(() => new thrift.TypeDefinedOrder()))
    const chunks = metadata.row_groups[0]!.columns
    expect(chunks.every((chunk) => chunk.column_index_offset === undefined && chunk.offset_index_offset === undefined)).toBe(true)
    expect(chunks[0]!.meta_data!.statistics).toMatchObject({
      min: 0n,
      max: 4999n,
      min_value: 0n,
      max_value: 4999n,
      null_count: 0n,
    })
    // Text had another order in the old fields, so they stay empty.
    expect(chunks[1]!.meta_data!.statistics).toMatchObject({ min_value: 'row 0', max_value: 'row 999' })
    expect(chunks[1]!.meta_data!.statistics!.min).toBeUndefined()
  })

  it('columns leave one after the other: the bytes held at a time do not grow with the number of columns', async () => {
    const largest = async (count: number): Promise<number> => {
      const columns: Column[] = Array.from({ length: count }, (_, i) => ({ name: `c${i}`, type: 'double' }))
      const one = builderOf(
        'double',
        Array.from({ length: 2000 }, (_, i) => i / 7),
      )
      let most = 0
      const writer = await openParquet(columns, (bytes) => Promise.resolve(void (most = Math.max(most, bytes.length))))
      await writer.writeRowGroup(columns.map(() => one))
      return most
    }
    expect(await largest(200)).toBe(await largest(1))
  })
})
