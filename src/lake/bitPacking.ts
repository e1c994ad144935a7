/** Numbers packed bit by bit, the lowest bit of the first one first: in levels, dictionary indices and packed differences. */
import type { PageBytes } from './pageBytes.ts'

/** Appends values [from, to), each below 2^width; width is 1 to 32. The last byte is filled with zeros. */
export function packBits(out: PageBytes, values: Uint8Array | Uint32Array, from: number, to: number, width: number): void {
  let at = out.take(Math.ceil(((to - from) * width) / 8))
  const data = out.data
  let bits = 0
  let held = 0
  let i = from
  if (width === 1) for (; i + 8 <= to; i += 8) data[at++] = eightBits(values, i)
  for (; i < to; i++) {
    const value = values[i]!
    bits |= value << held
    held += width
    if (held < 32) continue
    word(data, at, bits)
    at += 4
    held -= 32
    bits = above(value, width, held)
  }
  for (; held > 0; held -= 8, bits >>>= 8) data[at++] = bits
}

/** The same for whole numbers up to 2^53 and widths above 32; the number of values is a multiple of eight. */
export function packWideBits(out: PageBytes, values: Float64Array, from: number, to: number, width: number): void {
  let at = out.take(((to - from) * width) / 8)
  const data = out.data
  let bits = 0
  let held = 0
  for (let i = from; i < to; i++) {
    const low = values[i]! >>> 0
    word(data, at, bits | (low << held))
    at += 4
    bits = above(low, 32, held)
    const high = values[i]! / 0x1_0000_0000
    bits |= high << held
    held += width - 32
    if (held < 32) continue
    word(data, at, bits)
    at += 4
    held -= 32
    bits = above(high, width - 32, held)
  }
  for (; held > 0; held -= 8, bits >>>= 8) data[at++] = bits
}

/** Levels are most of what is packed, and are one bit wide. */
function eightBits(values: Uint8Array | Uint32Array, i: number): number {
  const low = values[i]! | (values[i + 1]! << 1) | (values[i + 2]! << 2) | (values[i + 3]! << 3)
  return low | (values[i + 4]! << 4) | (values[i + 5]! << 5) | (values[i + 6]! << 6) | (values[i + 7]! << 7)
}

/** The upper `held` of the bits of a value. A shift by all of them would, in JavaScript, be one by none. */
function above(value: number, width: number, held: number): number {
  return held === 0 ? 0 : value >>> (width - held)
}

function word(data: Uint8Array, at: number, bits: number): void {
  data[at] = bits
  data[at + 1] = bits >>> 8
  data[at + 2] = bits >>> 16
  data[at + 3] = bits >>> 24
}
