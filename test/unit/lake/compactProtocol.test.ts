import { serializeThrift } from '@dsnp/parquetjs/dist/lib/util.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { metadataColumns } from '../../../src/core/schema.ts'
import { footerBytes } from '../../../src/lake/parquetFooter.ts'
import { decodeStruct, encodeStruct, int64, thrift } from '../../../src/lake/parquetThrift.ts'
import { fileOf } from './lakeFile.ts'

const theirs = (struct: object) => new Uint8Array(serializeThrift(struct as Parameters<typeof serializeThrift>[0]))
const ours = (struct: object) => new Uint8Array(encodeStruct(struct))

const size = fc.integer({ min: 0, max: 2 ** 31 - 1 })
const long = fc.maxSafeNat().map(int64)
const binary = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes))
const statistics = fc
  .record({ null_count: long, min_value: binary, max_value: binary, is_min_value_exact: fc.boolean() }, { requiredKeys: [] })
  .map((fields) => new thrift.Statistics(fields))
const pageHeader = fc
  .record({ type: fc.constantFrom(0, 2), uncompressed_page_size: size, compressed_page_size: size, num_values: size, statistics })
  .map(
    ({ num_values, statistics, ...sizes }) =>
      new thrift.PageHeader({
        ...sizes,
        data_page_header: new thrift.DataPageHeader({
          num_values,
          encoding: 8,
          definition_level_encoding: 3,
          repetition_level_encoding: 3,
          statistics,
        }),
      }),
  )
const chunk = fc
  .record({ paths: fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 20 }), num_values: long, offset: long, statistics })
  .map(
    ({ paths, num_values, offset, statistics }) =>
      new thrift.ColumnMetaData({
        type: 2,
        encodings: [0, 3, 8],
        path_in_schema: paths,
        codec: 1,
        num_values,
        total_uncompressed_size: offset,
        total_compressed_size: num_values,
        data_page_offset: offset,
        statistics,
      }),
  )

describe("thrift's compact protocol", () => {
  test('writes the bytes that the one of parquetjs writes', () => {
    fc.assert(
      fc.property(fc.oneof(pageHeader, chunk), (struct) => {
        expect(ours(struct)).toEqual(theirs(struct))
      }),
    )
  })

  test('writes decimals and their signs, which stand in schemas, as parquetjs does', () => {
    const decimal = new thrift.LogicalType({ DECIMAL: new thrift.DecimalType({ scale: 2, precision: 18 }) })
    const integer = new thrift.LogicalType({ INTEGER: new thrift.IntType({ bitWidth: 64, isSigned: false }) })
    for (const logicalType of [decimal, integer]) {
      const element = new thrift.SchemaElement({ type: 2, repetition_type: 1, name: 'größe', logicalType, field_id: -3 })
      expect(ours(element)).toEqual(theirs(element))
    }
  })

  test('writes the footer of a file, all its row groups and key values, as parquetjs does', async () => {
    const group = metadataColumns.map(({ type }) => (type === 'boolean' ? [true, null, false] : [null, null, null]))
    const file = await fileOf(metadataColumns, Array<typeof group>(20).fill(group), { keyValues: { 'cdc.base': '42' } })
    const bytes = new Uint8Array(file.subarray(-footerBytes(file), -8))
    const footer = new thrift.FileMetaData()
    decodeStruct(footer, bytes)
    expect(theirs(footer)).toEqual(bytes)
    expect(ours(footer)).toEqual(bytes)
  })

  test('can be read back', () => {
    const group = new thrift.RowGroup({ columns: [], total_byte_size: int64(2 ** 40), num_rows: int64(3), ordinal: 7 })
    const read = new thrift.RowGroup()
    decodeStruct(read, encodeStruct(group))
    expect(read).toMatchObject({ columns: [], ordinal: 7 })
    expect([read.total_byte_size, read.num_rows].map(Number)).toEqual([2 ** 40, 3])
  })
})
