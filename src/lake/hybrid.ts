/**
 * Parquet's RLE / bit-packing hybrid: how levels and dictionary indices are stored.
 * A run of at least eight equal values is a run header and one value; everything between is packed bit by bit in groups of eight.
 */
import type { PageBytes } from './pageBytes.ts'

/** Bits that hold every value from 0 to `max`; at least one, as readers differ about none. */
export function bitWidthOf(max: number): number {
  return Math.max(1, 32 - Math.clz32(max))
}

/** Appends values [from, to), each below 2^bitWidth; bitWidth is 1 to 24. */
export function writeHybrid(out: PageBytes, values: Uint8Array | Uint32Array, from: number, to: number, bitWidth: number): void {
  let packFrom = from
  let at = from
  while (at < to) {
    const value = values[at]!
    let end = at + 1
    while (end < to && values[end] === value) end++
    // A packed run in front must fill its last group of eight before this run may begin.
    const fill = -(at - packFrom) & 7
    if (end - at - fill >= 8) {
      if (at > packFrom) writePacked(out, values, packFrom, at + fill, bitWidth)
      writeRun(out, end - at - fill, value, bitWidth)
      packFrom = end
    }
    at = end
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
  let at = out.take(groups * bitWidth)
  const data = out.data
  let bits = 0
  let held = 0
  for (let i = from; i < to; i++) {
    bits |= values[i]! << held
    held += bitWidth
    while (held >= 8) {
      data[at++] = bits
      bits >>>= 8
      held -= 8
    }
  }
  if (held > 0) data[at++] = bits
  data.fill(0, at, out.length)
}
