/** Parquet's PLAIN: values one after the other, texts and binaries behind their length. */
import { BooleanColumn, BytesColumn, DoubleColumn, IntColumn, LongColumn, type ColumnBuilder } from '../core/columns.ts'
import { decimalOf } from '../core/schema.ts'
import { packBits } from './bitPacking.ts'
import type { PageBytes } from './pageBytes.ts'
import { thrift } from './parquetThrift.ts'
import type { EncodedValues } from './values.ts'

export function plainValues(leaf: ColumnBuilder): EncodedValues {
  return {
    encoding: thrift.Encoding.PLAIN,
    bytesOf: (from, to) => plainBytes(leaf, from, to),
    write: (out, from, to) => writePlain(out, leaf, from, to),
  }
}

export function plainBytes(leaf: ColumnBuilder, from: number, to: number): number {
  const count = to - from
  if (leaf instanceof BooleanColumn) return (count + 7) >>> 3
  if (leaf instanceof IntColumn) return count * 4
  if (!(leaf instanceof BytesColumn)) return count * 8
  if (decimalOf(leaf.type)) return count * 16
  return count === 0 ? 0 : count * 4 + leaf.ends[to - 1]! - (from === 0 ? 0 : leaf.ends[from - 1]!)
}

export function writePlain(out: PageBytes, leaf: ColumnBuilder, from: number, to: number): void {
  if (leaf instanceof BytesColumn) {
    if (decimalOf(leaf.type)) out.bytes(leaf.data, from * 16, to * 16)
    else writeTexts(out, leaf, from, to)
  } else if (leaf instanceof BooleanColumn) {
    packBits(out, leaf.data, from, to, 1)
  } else if (leaf instanceof IntColumn || leaf instanceof LongColumn || leaf instanceof DoubleColumn) {
    const width = leaf.data.BYTES_PER_ELEMENT
    out.bytes(new Uint8Array(leaf.data.buffer, leaf.data.byteOffset + from * width, (to - from) * width))
  } else {
    throw new Error(`a column of type ${leaf.type} cannot stand in a page`)
  }
}

/** Room for all is taken at once, so that a value costs no more than its bytes. */
function writeTexts(out: PageBytes, { data, ends }: BytesColumn, from: number, to: number): void {
  if (from === to) return
  let start = from === 0 ? 0 : ends[from - 1]!
  let at = out.take((to - from) * 4 + ends[to - 1]! - start)
  const page = out.data
  for (let k = from; k < to; k++) {
    const end = ends[k]!
    out.uint32At(at, end - start)
    at += 4
    if (end - start > 64) page.set(data.subarray(start, end), at)
    else for (let i = start, to = at; i < end; i++, to++) page[to] = data[i]!
    at += end - start
    start = end
  }
}
