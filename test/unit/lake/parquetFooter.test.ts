import { parquetMetadata, parquetSchema } from 'hyparquet'
import { ParquetEnvelopeWriter, ParquetSchema } from '@dsnp/parquetjs'
import fc from 'fast-check'
import Int64 from 'node-int64'
import { describe, expect, it } from 'vitest'
import { metadataColumns, type Column } from '../../../src/core/schema.ts'
import { footerBytes, readFooter } from '../../../src/lake/parquetFooter.ts'
import { fileOf } from './lakeFile.ts'

const columns: Column[] = [
  ...metadataColumns,
  { name: 'double', type: 'double' },
  { name: 'binary', type: 'binary' },
  { name: 'date', type: 'date' },
  { name: 'wall clock', type: 'timestamp_ntz' },
  { name: 'price', type: 'decimal(18,4)' },
  { name: 'sum', type: 'decimal(38,0)' },
  { name: 'prices', type: 'array<decimal(38,4)>' },
  { name: 'times', type: 'array<timestamp>' },
]
const nothing = columns.map(() => [null, null])

/** A file of another writer, or a broken one. */
async function parquetjsFile(schema: ConstructorParameters<typeof ParquetSchema>[0]): Promise<Buffer> {
  const parts: Buffer[] = []
  const write = (bytes: Buffer): void => void parts.push(bytes)
  const writer = new ParquetEnvelopeWriter(new ParquetSchema(schema), write, () => {}, new Int64(0), {})
  writer.writeHeader()
  writer.writeFooter({})
  return Promise.resolve(Buffer.concat(parts))
}

describe('the footer', () => {
  it('gives back rows, columns with their types, and key values, whatever text they are', async () => {
    const text = fc.string({ unit: 'binary', maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(fc.dictionary(text, text), fc.nat(3), async (keyValues, groups) => {
        const file = await fileOf(columns, Array<typeof nothing>(groups).fill(nothing), { keyValues })
        const footer = readFooter(file)
        expect(footer.columns).toEqual(columns)
        expect(footer.rows).toBe(groups * 2)
        const wanted = new Map([...Object.entries(keyValues), ['org.apache.spark.version', '3.5.0']])
        expect(footer.keyValues).toEqual(wanted)
      }),
      { numRuns: 50 },
    )
  })

  it('is read from the end of a file as from the whole', async () => {
    const file = await fileOf(columns, [nothing], { keyValues: { 'cdc.base': '42' } })
    const length = footerBytes(file.subarray(-8))
    expect(readFooter(file.subarray(-length))).toEqual(readFooter(file))
    expect(() => readFooter(file.subarray(-length + 1))).toThrow(`not enough of a Parquet file: the footer has ${length} bytes`)
  })

  it('sorts its keys', async () => {
    const file = await fileOf(columns, [], { keyValues: { z: '1', 'cdc.next': '2', A: '3' } })
    const keys = parquetMetadata(Uint8Array.from(file).buffer).key_value_metadata!.map(({ key }) => key)
    expect(keys).toEqual(['A', 'cdc.next', 'org.apache.spark.version', 'z'])
  })

  it('has the types that other readers expect, old (converted) and new (logical)', async () => {
    const file = await fileOf(columns, [])
    const tree = parquetSchema(parquetMetadata(Uint8Array.from(file).buffer))
    const elements = Object.fromEntries(tree.children.map(({ element }) => [element.name, element]))
    const optional = { repetition_type: 'OPTIONAL' }
    expect(elements['__op']).toMatchObject({
      ...optional,
      type: 'BYTE_ARRAY',
      converted_type: 'UTF8',
      logical_type: { type: 'STRING' },
    })
    expect(elements['binary']).toEqual({ ...optional, name: 'binary', type: 'BYTE_ARRAY' })
    expect(elements['__epoch']).toEqual({ ...optional, name: '__epoch', type: 'INT32' })
    expect(elements['__lsn']).toEqual({ ...optional, name: '__lsn', type: 'INT64' })
    expect(elements['date']).toMatchObject({ ...optional, type: 'INT32', converted_type: 'DATE', logical_type: { type: 'DATE' } })
    const micros = { type: 'TIMESTAMP', unit: 'MICROS' }
    expect(elements['__kafka_ts']).toMatchObject({
      type: 'INT64',
      converted_type: 'TIMESTAMP_MICROS',
      logical_type: { ...micros, isAdjustedToUTC: true },
    })
    expect(elements['wall clock']).toMatchObject({ type: 'INT64', logical_type: { ...micros, isAdjustedToUTC: false } })
    expect(elements['wall clock']!.converted_type).toBeUndefined()
    const decimal = { converted_type: 'DECIMAL', logical_type: { type: 'DECIMAL', precision: 18, scale: 4 } }
    expect(elements['price']).toMatchObject({ ...optional, type: 'INT64', precision: 18, scale: 4, ...decimal })
    expect(elements['sum']).toMatchObject({ type: 'FIXED_LEN_BYTE_ARRAY', type_length: 16, precision: 38, scale: 0 })
    const list = tree.children.find(({ element }) => element.name === '__unchanged_toast')!
    expect(list.element).toMatchObject({ ...optional, converted_type: 'LIST', num_children: 1 })
    expect(list.children[0]!.element).toEqual({ name: 'list', repetition_type: 'REPEATED', num_children: 1 })
    expect(list.children[0]!.children[0]!.element).toMatchObject({ ...optional, name: 'element', converted_type: 'UTF8' })
  })

  it('refuses what is no Parquet file, with a message that says why', () => {
    expect(() => readFooter(Buffer.from('PAR1'))).toThrow('not a Parquet file: only 4 bytes')
    expect(() => readFooter(Buffer.from('<html>not found</html>'))).toThrow('not a Parquet file: it does not end in PAR1')
    expect(() => readFooter(Buffer.from('....\0\0\0\0PAR1'))).toThrow(/^broken Parquet footer: /)
  })

  it('refuses types that no lake table has', async () => {
    await expect(parquetjsFile({ v: { type: 'INT64' } }).then(readFooter)).rejects.toThrow(
      'column v is of a type that no lake table has',
    )
    await expect(parquetjsFile({ v: { type: 'TIMESTAMP_MILLIS', optional: true } }).then(readFooter)).rejects.toThrow('column v')
    const nested = { v: { optional: true, fields: { a: { type: 'INT64' as const }, b: { type: 'INT64' as const } } } }
    await expect(parquetjsFile(nested).then(readFooter)).rejects.toThrow('column v is nested, but not a list of values')
  })

  it('that is damaged is refused with a plain Error, or read; it never hangs and never fails otherwise', async () => {
    const file = await fileOf(columns, [nothing], { keyValues: { 'cdc.base': '42' } })
    const length = footerBytes(file)
    fc.assert(
      fc.property(fc.nat(length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const damaged = Buffer.from(file.subarray(-length))
        damaged[at]! ^= flip
        try {
          readFooter(damaged)
        } catch (error) {
          expect((error as Error).message).toMatch(/^(broken Parquet footer|not a Parquet file|not enough of a Parquet file): /)
        }
      }),
      { numRuns: 1000 },
    )
  })
})
