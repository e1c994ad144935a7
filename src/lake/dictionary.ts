/**
 * Dictionaries of a column chunk, told from the bytes of its values: no JavaScript string or bigint is made.
 * An entry is the place of its first value in the column, so nothing is copied either.
 */
import { BytesColumn, DoubleColumn, IntColumn, LongColumn, type ColumnBuilder } from '../core/columns.ts'
import { decimalOf } from '../core/schema.ts'
import { bitWidthOf } from './hybrid.ts'

export interface Dictionary {
  readonly size: number
  /** For each entry, the place of the first value equal to it: values [0, size). */
  readonly firsts: Uint32Array
  /** For each value of the column, its entry. */
  readonly indices: Uint32Array
}

/** As in most writers: a dictionary page is read whole before the first value. */
const maxBytes = 1 << 20
/** After so many values, a column that hardly repeats is not worth hashing on. */
const sampleValues = 16_384
const sampleDistinct = 0.95

/** Null where a dictionary would not make the chunk smaller, or would grow too large; the same values give the same answer. */
export function dictionaryOf(column: ColumnBuilder): Dictionary | null {
  if (column.values < 2) return null
  if (column instanceof BytesColumn) return dictionaryOfBytes(column)
  if (column instanceof IntColumn) return dictionaryOfWords(column.data, 1, column.values)
  if (column instanceof LongColumn || column instanceof DoubleColumn) {
    const words = new Int32Array(column.data.buffer, column.data.byteOffset, column.values * 2)
    return dictionaryOfWords(words, 2, column.values)
  }
  return null
}

/** Values of one or two 32-bit words; doubles go by their bits, so -0 and every NaN keep theirs. */
function dictionaryOfWords(words: Int32Array, width: 1 | 2, values: number): Dictionary | null {
  const entries = new Entries(values)
  const maxSize = Math.min(values >>> 1, maxBytes / (width * 4))
  for (let k = 0; k < values; k++) {
    const low = words[k * width]!
    const high = width === 2 ? words[k * width + 1]! : 0
    const hash = mix(Math.imul(low, 0x9e3779b1) ^ Math.imul(high, 0x85ebca6b))
    let slot = hash & entries.mask
    let entry: number
    while ((entry = entries.slots[slot]! - 1) >= 0) {
      const first = entries.firsts[entry]! * width
      if (words[first] === low && (width === 1 || words[first + 1] === high)) break
      slot = (slot + 1) & entries.mask
      entries.steps++
    }
    if (entry < 0) {
      entry = entries.add(slot, hash, k)
      if (entries.size > maxSize) return null
    }
    entries.indices[k] = entry
    if (entries.hopeless(k + 1)) return null
  }
  return entries.unlessLarger(entries.size * width * 4, values * width * 4)
}

function dictionaryOfBytes(column: BytesColumn): Dictionary | null {
  const { data, ends, values } = column
  const entries = new Entries(values)
  const prefix = decimalOf(column.type) ? 0 : 4
  const maxSize = values >>> 1
  let bytes = 0
  for (let k = 0, start = 0; k < values; k++) {
    const end = ends[k]!
    let hash = end - start
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ data[i]!, 0x01000193)
    hash = mix(hash)
    let slot = hash & entries.mask
    let entry: number
    while ((entry = entries.slots[slot]! - 1) >= 0) {
      if (entries.hashes[entry] === hash) {
        const first = entries.firsts[entry]!
        if (equalBytes(data, first === 0 ? 0 : ends[first - 1]!, ends[first]!, start, end)) break
      }
      slot = (slot + 1) & entries.mask
      entries.steps++
    }
    if (entry < 0) {
      entry = entries.add(slot, hash, k)
      bytes += prefix + end - start
      if (entries.size > maxSize || bytes > maxBytes) return null
    }
    entries.indices[k] = entry
    if (entries.hopeless(k + 1)) return null
    start = end
  }
  return entries.unlessLarger(bytes, prefix * values + column.used)
}

/** An open-addressed hash table of entries; the search itself is inlined above, where the values are. */
class Entries implements Dictionary {
  size = 0
  firsts = new Uint32Array(512)
  hashes = new Int32Array(512)
  readonly indices: Uint32Array
  /** entry + 1, or 0 where free; never more than half full */
  slots = new Int32Array(1024)
  mask = 1023
  /** Slots passed over: crafted values that all hash alike must not cost more than they are worth. */
  steps = 0

  constructor(values: number) {
    this.indices = new Uint32Array(values)
  }

  add(slot: number, hash: number, first: number): number {
    const entry = this.size++
    this.slots[slot] = entry + 1
    this.firsts[entry] = first
    this.hashes[entry] = hash
    if (this.size === this.firsts.length) this.grow()
    return entry
  }

  hopeless(seen: number): boolean {
    return (seen === sampleValues && this.size > sampleValues * sampleDistinct) || this.steps > 8 * seen + 4096
  }

  unlessLarger(dictionaryBytes: number, plainBytes: number): Dictionary | null {
    const indexBytes = (this.indices.length * bitWidthOf(this.size - 1)) / 8
    return dictionaryBytes + indexBytes < plainBytes ? this : null
  }

  private grow(): void {
    const firsts = new Uint32Array(this.size * 2)
    firsts.set(this.firsts)
    this.firsts = firsts
    const hashes = new Int32Array(this.size * 2)
    hashes.set(this.hashes)
    this.hashes = hashes
    this.slots = new Int32Array(this.size * 4)
    this.mask = this.slots.length - 1
    for (let entry = 0; entry < this.size; entry++) {
      let slot = hashes[entry]! & this.mask
      while (this.slots[slot] !== 0) slot = (slot + 1) & this.mask
      this.slots[slot] = entry + 1
    }
  }
}

function mix(hash: number): number {
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return hash ^ (hash >>> 13)
}

function equalBytes(data: Uint8Array, a: number, aEnd: number, b: number, bEnd: number): boolean {
  if (aEnd - a !== bEnd - b) return false
  while (a < aEnd) if (data[a++] !== data[b++]) return false
  return true
}
