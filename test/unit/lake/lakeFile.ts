/** For tests: JavaScript values -> columns -> a Parquet file, and back through a reader that is not ours (hyparquet). */
import { gunzipSync } from 'node:zlib'
import { parquetMetadata, parquetRead } from 'hyparquet'
import {
  BytesColumn,
  columnBuilder,
  ListColumn,
  LongColumn,
  type BooleanColumn,
  type ColumnBuilder,
  type DoubleColumn,
  type IntColumn,
} from '../../../src/core/columns.ts'
import { decimalOf, elementOf, type Column } from '../../../src/core/schema.ts'
import { openParquet, type Codec } from '../../../src/lake/parquet.ts'

/**
 * integer, date, double: number · long, timestamps, decimals (unscaled): bigint · string: string · binary: Uint8Array ·
 * boolean · lists: arrays of these with nulls
 */
export type Value = number | bigint | string | boolean | Uint8Array | null | Value[]
/** Values of one row group, by column. */
export type Group = readonly (readonly Value[])[]

export function append(column: ColumnBuilder, value: Value): void {
  if (value === null) return column.appendNull()
  if (column instanceof ListColumn) {
    for (const element of value as Value[]) append(column.child, element)
    column.commit((value as Value[]).length)
  } else if (column instanceof LongColumn) {
    column.append(value as bigint)
  } else if (column instanceof BytesColumn) {
    column.append(bytesOf(value as string | bigint | Uint8Array))
  } else if (typeof value === 'boolean') {
    ;(column as BooleanColumn).append(value ? 1 : 0)
  } else {
    ;(column as IntColumn | DoubleColumn).append(value as number)
  }
}

function bytesOf(value: string | bigint | Uint8Array): Uint8Array {
  if (typeof value !== 'bigint') return typeof value === 'string' ? new TextEncoder().encode(value) : value
  const bytes = new Uint8Array(16)
  const view = new DataView(bytes.buffer)
  view.setBigInt64(0, value >> 64n)
  view.setBigUint64(8, BigInt.asUintN(64, value))
  return bytes
}

export function builderOf(type: Column['type'], values: readonly Value[]): ColumnBuilder {
  const column = columnBuilder(type)
  for (const value of values) append(column, value)
  return column
}

export async function fileOf(
  columns: readonly Column[],
  groups: readonly Group[],
  options: { codec?: Codec; keyValues?: Record<string, string> } = {},
): Promise<Buffer> {
  const parts: Uint8Array[] = []
  const writer = await openParquet(columns, (bytes) => Promise.resolve(void parts.push(bytes)), options)
  for (const group of groups) await writer.writeRowGroup(columns.map(({ type }, i) => builderOf(type, group[i]!)))
  await writer.finish(options.keyValues ?? {})
  return Buffer.concat(parts)
}

/** What stands in the file as physical values, so that no reader's own rounding (of decimals, of times) is in the way. */
export async function readWithHyparquet(bytes: Uint8Array, columns: readonly Column[]): Promise<Value[][]> {
  const file = Uint8Array.from(bytes).buffer
  const metadata = parquetMetadata(file)
  for (const element of metadata.schema) {
    if (element.converted_type === 'LIST') continue
    delete element.converted_type
    delete element.logical_type
  }
  let rows: unknown[][] = []
  const compressors = { GZIP: (page: Uint8Array) => gunzipSync(page) }
  await parquetRead({ file, metadata, compressors, utf8: false, onComplete: (read) => (rows = read as unknown[][]) })
  return columns.map(({ type }, i) => rows.map((row) => valueOf(row[i], type)))
}

function valueOf(read: unknown, type: Column['type']): Value {
  if (read === null || read === undefined) return null
  const element = elementOf(type)
  if (element) return (read as unknown[]).map((value) => valueOf(value, element))
  if (type === 'string') return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(read as Uint8Array)
  if (type === 'binary') return Uint8Array.from(read as Uint8Array)
  if (decimalOf(type)?.precision !== 38) return read as Value
  const view = new DataView((read as Uint8Array).buffer, (read as Uint8Array).byteOffset, 16)
  return (view.getBigInt64(0) << 64n) | view.getBigUint64(8)
}
