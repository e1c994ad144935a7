/**
 * Minimum and maximum of a column chunk, in the order that Parquet defines for its type. A wrong bound makes readers drop rows
 * in silence, so a bound is either right or absent.
 */
import { BooleanColumn, BytesColumn, DoubleColumn, IntColumn, LongColumn, type ColumnBuilder } from '../core/columns.ts'
import type { Dictionary } from './dictionary.ts'
import type { Distances } from './distances.ts'

export interface Bounds {
  /** Values as Parquet's PLAIN has them, without length. Null: no such bound can be given. */
  readonly min: Uint8Array | null
  readonly max: Uint8Array | null
  /** False where the bound was shortened: it still holds, but no value equals it. */
  readonly minExact: boolean
  readonly maxExact: boolean
  /** The order is the plain signed one, so the deprecated fields `min` and `max` mean the same. */
  readonly signed: boolean
}

/** Longer strings are shortened, so that no footer grows with the values. */
export const maxBoundBytes = 64

/**
 * Null for a chunk without values, or where no bound holds for all readers. Integers whose distances are known are told by these;
 * else, with a dictionary, only its entries are looked at.
 */
export function boundsOf(column: ColumnBuilder, distances: Distances | null, dictionary: Dictionary | null): Bounds | null {
  if (column.values === 0) return null
  if (distances) {
    const min = distances.first + BigInt(distances.least)
    const max = distances.first + BigInt(distances.greatest)
    if (column instanceof LongColumn) return exact(new BigInt64Array([min]), new BigInt64Array([max]))
    return exact(new Int32Array([Number(min)]), new Int32Array([Number(max)]))
  }
  const count = dictionary ? dictionary.size : column.values
  const places = dictionary ? dictionary.firsts : null
  if (column instanceof BytesColumn) return boundsOfBytes(column, count, places)
  if (column instanceof DoubleColumn) return boundsOfDoubles(column.data, count, places)
  if (column instanceof LongColumn) {
    const [min, max] = extremesOfLongs(column, count, places)
    return exact(new BigInt64Array([column.data[min]!]), new BigInt64Array([column.data[max]!]))
  }
  if (column instanceof IntColumn || column instanceof BooleanColumn) {
    let min = column.data[0]!
    let max = min
    for (let i = 1; i < count; i++) {
      const value = column.data[places ? places[i]! : i]!
      if (value < min) min = value
      else if (value > max) max = value
    }
    return column instanceof IntColumn
      ? exact(new Int32Array([min]), new Int32Array([max]))
      : exact(new Uint8Array([min]), new Uint8Array([max]))
  }
  throw new Error(`a column of type ${column.type} has no order`)
}

function exact(min: ArrayBufferView, max: ArrayBufferView): Bounds {
  return { min: new Uint8Array(min.buffer), max: new Uint8Array(max.buffer), minExact: true, maxExact: true, signed: true }
}

/**
 * NaN has no place in Parquet's order, yet readers hold it to be the greatest value or none: a chunk with NaN has no bounds.
 * The two zeros are equal but have two forms: as a bound, zero stands for both.
 */
function boundsOfDoubles(data: Float64Array, count: number, places: Uint32Array | null): Bounds | null {
  let min = Infinity
  let max = -Infinity
  for (let i = 0; i < count; i++) {
    const value = data[places ? places[i]! : i]!
    if (value < min) min = value
    if (value > max) max = value
    if (value !== value) return null
  }
  return exact(new Float64Array([min === 0 ? -0 : min]), new Float64Array([max === 0 ? 0 : max]))
}

/** Places of the least and the greatest value, compared as pairs of words: bigints would cost an allocation each. */
function extremesOfLongs(column: LongColumn, count: number, places: Uint32Array | null): [number, number] {
  const words = new Int32Array(column.data.buffer, column.data.byteOffset, column.values * 2)
  let min = 0
  let max = 0
  let minLow = words[0]! >>> 0
  let minHigh = words[1]!
  let maxLow = minLow
  let maxHigh = minHigh
  for (let i = 1; i < count; i++) {
    const k = places ? places[i]! : i
    const low = words[k * 2]! >>> 0
    const high = words[k * 2 + 1]!
    if (high < minHigh || (high === minHigh && low < minLow)) {
      min = k
      minLow = low
      minHigh = high
    } else if (high > maxHigh || (high === maxHigh && low > maxLow)) {
      max = k
      maxLow = low
      maxHigh = high
    }
  }
  return [min, max]
}

/** Strings and binaries by unsigned bytes, which for UTF-8 is the order of code points; decimals of 16 bytes as signed numbers. */
function boundsOfBytes(column: BytesColumn, count: number, places: Uint32Array | null): Bounds {
  const { data, ends } = column
  const text = column.type === 'string'
  const decimal = !text && column.type !== 'binary'
  // Flipping the sign bit turns the signed order into the unsigned one.
  const flip = decimal ? 0x80 : 0
  const before = (a: number, b: number): boolean => {
    let i = a === 0 ? 0 : ends[a - 1]!
    let j = b === 0 ? 0 : ends[b - 1]!
    const iEnd = ends[a]!
    const jEnd = ends[b]!
    if (i === iEnd || j === jEnd) return i === iEnd && j < jEnd
    const x = data[i++]! ^ flip
    const y = data[j++]! ^ flip
    if (x !== y) return x < y
    while (i < iEnd && j < jEnd) {
      const x = data[i++]!
      const y = data[j++]!
      if (x !== y) return x < y
    }
    return i === iEnd && j < jEnd
  }
  let min = 0
  let max = 0
  for (let i = 1; i < count; i++) {
    const k = places ? places[i]! : i
    if (before(k, min)) min = k
    else if (before(max, k)) max = k
  }
  const bytes = (k: number): Uint8Array => data.slice(k === 0 ? 0 : ends[k - 1]!, ends[k])
  const low = bytes(min)
  const high = bytes(max)
  const minExact = low.length <= maxBoundBytes
  const maxExact = high.length <= maxBoundBytes
  return {
    min: minExact ? low : shortened(low, text),
    max: maxExact ? high : text ? textAbove(shortened(high, true)) : bytesAbove(shortened(high, false)),
    minExact,
    maxExact,
    signed: false,
  }
}

/** At most `maxBoundBytes`, and never half a character. */
function shortened(bytes: Uint8Array, text: boolean): Uint8Array {
  let end = maxBoundBytes
  if (text) while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end--
  return bytes.slice(0, end)
}

/** The least prefix that is greater than everything beginning with `bytes`; null where there is none. */
function bytesAbove(bytes: Uint8Array): Uint8Array | null {
  for (let last = bytes.length - 1; last >= 0; last--) {
    if (bytes[last]! < 0xff) {
      const above = bytes.slice(0, last + 1)
      above[last]!++
      return above
    }
  }
  return null
}

/** The same for text: the last character that has a next one gives way to it. Bytes that are not UTF-8 have no such bound. */
function textAbove(bytes: Uint8Array): Uint8Array | null {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return null
  }
  const points = Array.from(text, (character) => character.codePointAt(0)!)
  for (let last = points.length - 1; last >= 0; last--) {
    if (points[last]! >= 0x10ffff) continue
    const next = points[last]! === 0xd7ff ? 0xe000 : points[last]! + 1
    return new TextEncoder().encode(String.fromCodePoint(...points.slice(0, last), next))
  }
  return null
}
