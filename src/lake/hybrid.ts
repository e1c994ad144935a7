/**
 * Parquet's RLE / bit-packing hybrid: how levels and dictionary indices are stored.
 * A long run of equal values is a run header and one value; everything between is packed bit by bit in groups of eight.
 */
import { packBits } from './bitPacking.ts'
import type { PageBytes } from './pageBytes.ts'

/** Bits that hold every value from 0 to `max`; at least one, as readers differ about none. */
export function bitWidthOf(max: number): number {
  return Math.max(1, 32 - Math.clz32(max))
}

/** Appends values [from, to), each below 2^bitWidth; bitWidth is 1 to 24. */
export function writeHybrid(out: PageBytes, values: Uint8Array | Uint32Array, from: number, to: number, bitWidth: number): void {
  // A run that breaks packed values in two costs two headers and a value: it has to save more.
  const shortestRun = Math.max(8, Math.ceil(32 / bitWidth))
  let packFrom = from
  let at = from
  while (to - at >= shortestRun) {
    const value = values[at]!
    if (values[at + 1] !== value || values[at + 2] !== value || values[at + 7] !== value) {
      // Packed values come in groups of eight, so only behind one may a run begin.
      at += 8
      continue
    }
    let end = at + 1
    while (end < to && values[end] === value) end++
    if (end - at < shortestRun) {
      at += Math.max(8, (end - at) & ~7)
      continue
    }
    if (at > packFrom) writePacked(out, values, packFrom, at, bitWidth)
    writeRun(out, end - at, value, bitWidth)
    packFrom = at = end
  }
  if (to > packFrom) writePacked(out, values, packFrom, to, bitWidth)
}

export function writeRun(out: PageBytes, count: number, value: number, bitWidth: number): void {
  out.varint(count * 2)
  for (let bits = 0; bits < bitWidth; bits += 8) out.byte((value >>> bits) & 0xff)
}

function writePacked(out: PageBytes, values: Uint8Array | Uint32Array, from: number, to: number, bitWidth: number): void {
  const groups = Math.ceil((to - from) / 8)
  out.varint(groups * 2 + 1)
  const end = out.length + groups * bitWidth
  packBits(out, values, from, to, bitWidth)
  const padding = end - out.length
  out.data.fill(0, out.take(padding), end)
}
