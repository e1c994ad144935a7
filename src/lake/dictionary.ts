/**
 * Dictionaries of a column chunk, told from the bytes of its values: no JavaScript string or bigint is made.
 * An entry is the place of its first value in the column, so nothing is copied either.
 */
import { BytesColumn, DoubleColumn, IntColumn, LongColumn, type ColumnBuilder } from '../core/columns.ts'
import { decimalOf } from '../core/schema.ts'
import type { Distances } from './distances.ts'
import { bitWidthOf, writeHybrid } from './hybrid.ts'
import { thrift } from './parquetThrift.ts'
import type { EncodedValues } from './values.ts'

/** Holds until the next one is asked for: all chunks use the same memory. */
export interface Dictionary {
  readonly size: number
  /** For each entry, the place of the first value equal to it: values [0, size). */
  readonly firsts: Uint32Array
  /** For each value of the column, its entry; more may stand behind them. */
  readonly indices: Uint32Array
}

/** As in most writers: a dictionary page is read whole before the first value. */
const maxBytes = 1 << 20
/** After so many values, a column that hardly repeats is not worth hashing on. */
const sampleValues = 4096
const sampleDistinct = 0.95
/** Integers that are all this near to each other need no hashing. */
const maxTable = 1 << 16

export function dictionaryValues({ size, indices }: Dictionary): EncodedValues {
  const width = bitWidthOf(size - 1)
  return {
    encoding: thrift.Encoding.RLE_DICTIONARY,
    bytesOf: (from, to) => ((to - from) * width) / 8,
    write(out, from, to) {
      out.byte(width)
      writeHybrid(out, indices, from, to, width)
    },
  }
}

/**
 * Null where a dictionary and its indices would take `limit` bytes or more, or it would grow too large; the same values give the
 * same answer. `distances`: of this column.
 */
export function dictionaryOf(column: ColumnBuilder, distances: Distances | null, limit: number): Dictionary | null {
  if (column.values < 2) return null
  const entries = entriesOfThisThread
  entries.begin(column.values, limit)
  if (column instanceof BytesColumn) return dictionaryOfBytes(entries, column)
  if (column instanceof IntColumn || column instanceof LongColumn) {
    const width = column instanceof IntColumn ? 1 : 2
    if (distances && distances.greatest - distances.least < maxTable) return dictionaryOfNear(entries, distances, width)
    return dictionaryOfWords(entries, column.data, width, column.values)
  }
  return column instanceof DoubleColumn ? dictionaryOfWords(entries, column.data, 2, column.values) : null
}

/** By a table that has a place for each number between the least and the greatest. */
function dictionaryOfNear(entries: Entries, { values, count, least, greatest }: Distances, width: 1 | 2): Dictionary | null {
  const { slots, indices } = entries
  slots.fill(0, 0, greatest - least + 1)
  for (let k = 0; k < count; k++) {
    const slot = values[k]! - least
    let entry = slots[slot]! - 1
    if (entry < 0) {
      entry = entries.add(slot, slot, k)
      if (entries.outgrown(width * 4)) return null
    }
    indices[k] = entry
  }
  return entries
}

/** Values of one or two 32-bit words; doubles go by their bits, so -0 and every NaN keep theirs. */
function dictionaryOfWords(entries: Entries, data: ArrayBufferView, width: 1 | 2, values: number): Dictionary | null {
  const words = new Int32Array(data.buffer, data.byteOffset, values * width)
  const { indices } = entries
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
      entry = entries.addHashed(slot, hash, k)
      if (entries.outgrown(width * 4)) return null
    }
    indices[k] = entry
    if (entries.hopeless(k + 1)) return null
  }
  return entries
}

function dictionaryOfBytes(entries: Entries, { type, data, ends, values }: BytesColumn): Dictionary | null {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  const { indices } = entries
  const prefix = decimalOf(type) ? 0 : 4
  for (let k = 0, start = 0; k < values; k++) {
    const end = ends[k]!
    const hash = hashOf(view, start, end)
    let slot = hash & entries.mask
    let entry: number
    while ((entry = entries.slots[slot]! - 1) >= 0) {
      if (entries.hashes[entry] === hash) {
        const first = entries.firsts[entry]!
        const firstStart = first === 0 ? 0 : ends[first - 1]!
        if (ends[first]! - firstStart === end - start && equalBytes(view, firstStart, start, end - start)) break
      }
      slot = (slot + 1) & entries.mask
      entries.steps++
    }
    if (entry < 0) {
      entry = entries.addHashed(slot, hash, k)
      if (entries.outgrown(prefix + end - start)) return null
    }
    indices[k] = entry
    if (entries.hopeless(k + 1)) return null
    start = end
  }
  return entries
}

const firstMask = 1023

/** A table of entries, hashed or not; the search itself is inlined above, where the values are. */
class Entries implements Dictionary {
  size = 0
  firsts = new Uint32Array(512)
  indices = new Uint32Array(1024)
  hashes = new Int32Array(512)
  /** entry + 1, or 0 where free. Hashed: the first `mask + 1` of them, never more than half full. */
  slots = new Int32Array(maxTable)
  mask = firstMask
  /** Slots passed over: crafted values that all hash alike must not cost more than they are worth. */
  steps = 0
  private values = 0
  private limit = Infinity
  private bytes = 0

  begin(values: number, limit: number): void {
    if (values > this.indices.length) this.indices = new Uint32Array(Math.max(values, this.indices.length * 2))
    this.slots.fill(0, 0, firstMask + 1)
    this.mask = firstMask
    this.size = this.steps = this.bytes = 0
    this.values = values
    this.limit = limit
  }

  add(slot: number, hash: number, first: number): number {
    const entry = this.size++
    if (entry === this.firsts.length) {
      this.firsts = twice(this.firsts, new Uint32Array(entry * 2))
      this.hashes = twice(this.hashes, new Int32Array(entry * 2))
    }
    this.slots[slot] = entry + 1
    this.firsts[entry] = first
    this.hashes[entry] = hash
    return entry
  }

  addHashed(slot: number, hash: number, first: number): number {
    const entry = this.add(slot, hash, first)
    if (this.size * 2 > this.mask) this.spread()
    return entry
  }

  /** An entry of so many bytes was added. */
  outgrown(entryBytes: number): boolean {
    this.bytes += entryBytes
    // Indices of a single entry are one run.
    const indexBytes = this.size === 1 ? 0 : (this.values * bitWidthOf(this.size - 1)) / 8
    return this.bytes > maxBytes || this.bytes + indexBytes >= this.limit
  }

  hopeless(seen: number): boolean {
    return (seen === sampleValues && this.size > sampleValues * sampleDistinct) || this.steps > 8 * seen + 4096
  }

  private spread(): void {
    const slots = (this.mask + 1) * 2
    if (slots > this.slots.length) this.slots = new Int32Array(slots)
    this.slots.fill(0, 0, slots)
    this.mask = slots - 1
    for (let entry = 0; entry < this.size; entry++) {
      let slot = this.hashes[entry]! & this.mask
      while (this.slots[slot] !== 0) slot = (slot + 1) & this.mask
      this.slots[slot] = entry + 1
    }
  }
}

const entriesOfThisThread = new Entries()

function twice<A extends Uint32Array | Int32Array>(from: A, to: A): A {
  to.set(from)
  return to
}

/** For one length up to four bytes, each value has another hash. */
function hashOf(view: DataView, at: number, end: number): number {
  const length = end - at
  if (length < 4) return length === 0 ? 0 : mix(Math.imul(length ^ shortWord(view, at, end), 0x9e3779b1))
  let hash = length
  for (; at + 4 < end; at += 4) hash = Math.imul(hash ^ view.getInt32(at, true), 0x9e3779b1)
  // The last four bytes: some of them may have been looked at before, but none behind them are.
  return mix(Math.imul(hash ^ view.getInt32(end - 4, true), 0x9e3779b1))
}

/** One to three bytes: the first, the one in the middle, the last. */
function shortWord(view: DataView, at: number, end: number): number {
  return view.getUint8(at) | (view.getUint8(at + ((end - at) >> 1)) << 8) | (view.getUint8(end - 1) << 16)
}

function mix(hash: number): number {
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return hash ^ (hash >>> 13)
}

/** Of `length` bytes at both places, which have the same hash. */
function equalBytes(view: DataView, a: number, b: number, length: number): boolean {
  if (length <= 4) return true
  for (let i = 0; i + 4 < length; i += 4) if (view.getInt32(a + i, true) !== view.getInt32(b + i, true)) return false
  return view.getInt32(a + length - 4, true) === view.getInt32(b + length - 4, true)
}
