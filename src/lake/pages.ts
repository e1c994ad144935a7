/**
 * Columns -> the bodies of data pages (DataPage v1, not yet compressed): levels, then values, plain or as dictionary indices.
 * Every column of a lake file is optional; a list is optional, repeated, optional (SEMANTICS R2.18).
 */
import {
  BooleanColumn,
  BytesColumn,
  DoubleColumn,
  IntColumn,
  ListColumn,
  LongColumn,
  type ColumnBuilder,
} from '../core/columns.ts'
import { decimalOf } from '../core/schema.ts'
import type { Dictionary } from './dictionary.ts'
import { bitWidthOf, writeHybrid, writeRun } from './hybrid.ts'
import type { PageBytes } from './pageBytes.ts'

/** Rows and bytes (before compression) of a page at most, unless one row alone is larger. */
export const maxPageRows = 20_000
export const maxPageBytes = 1 << 20

/** The shape of a chunk: one entry for each value, null, or empty list. */
export interface Levels {
  readonly rows: number
  readonly entries: number
  /** Definition level of each entry; a value is there where it is `maxDefinition`. */
  readonly definition: Uint8Array
  readonly maxDefinition: 1 | 3
  /** Lists only: 0 where an entry begins a row, else 1. */
  readonly repetition: Uint8Array | null
  /** Lists only: the entry at which each row begins, and at last the number of entries. */
  readonly starts: Uint32Array | null
}

/** A page to be: rows [.., ..) as ranges of entries and of dense values. */
export interface PageRange {
  readonly entry: number
  readonly entryEnd: number
  readonly value: number
  readonly valueEnd: number
}

/** The column whose values stand in the pages: of a list, its elements. */
export function leafOf(column: ColumnBuilder): ColumnBuilder {
  return column instanceof ListColumn ? column.child : column
}

export function levelsOf(column: ColumnBuilder): Levels {
  const { rows, present } = column
  if (!(column instanceof ListColumn)) {
    return { rows, entries: rows, definition: present, maxDefinition: 1, repetition: null, starts: null }
  }
  const { counts, child } = column
  const most = rows + child.rows
  const definition = new Uint8Array(most)
  const repetition = new Uint8Array(most)
  const starts = new Uint32Array(rows + 1)
  let entry = 0
  let element = 0
  for (let row = 0, list = 0; row < rows; row++) {
    starts[row] = entry
    const count = present[row] ? counts[list++]! : -1
    if (count <= 0) definition[entry++] = count + 1
    for (let i = 0; i < count; i++, entry++) {
      definition[entry] = child.present[element++]! + 2
      repetition[entry] = i === 0 ? 0 : 1
    }
  }
  starts[rows] = entry
  return { rows, entries: entry, definition, maxDefinition: 3, repetition, starts }
}

/** Cuts a chunk into pages; a page begins where a row begins. */
export function* pageRanges(leaf: ColumnBuilder, levels: Levels, dictionary: Dictionary | null): Generator<PageRange> {
  const entryOf = (row: number): number => (levels.starts ? levels.starts[row]! : row)
  let value = 0
  for (let row = 0; row < levels.rows;) {
    const entry = entryOf(row)
    for (let count = Math.min(maxPageRows, levels.rows - row); ; count = count >>> 1) {
      const entryEnd = entryOf(row + count)
      const valueEnd = value + valuesWithin(levels, entry, entryEnd)
      if (count > 1 && bodyBytes(leaf, dictionary, value, valueEnd) + (entryEnd - entry) / 4 > maxPageBytes) continue
      yield { entry, entryEnd, value, valueEnd }
      value = valueEnd
      row += count
      break
    }
  }
}

/** Appends the whole body of a data page. */
export function writeDataPage(
  out: PageBytes,
  leaf: ColumnBuilder,
  levels: Levels,
  dictionary: Dictionary | null,
  { entry, entryEnd, value, valueEnd }: PageRange,
): void {
  if (levels.repetition) {
    const at = out.take(4)
    writeHybrid(out, levels.repetition, entry, entryEnd, 1)
    out.uint32At(at, out.length - at - 4)
  }
  const at = out.take(4)
  const width = bitWidthOf(levels.maxDefinition)
  if (valueEnd - value === entryEnd - entry) writeRun(out, entryEnd - entry, levels.maxDefinition, width)
  else writeHybrid(out, levels.definition, entry, entryEnd, width)
  out.uint32At(at, out.length - at - 4)
  if (dictionary) {
    const width = bitWidthOf(dictionary.size - 1)
    out.byte(width)
    writeHybrid(out, dictionary.indices, value, valueEnd, width)
  } else {
    writePlain(out, leaf, value, valueEnd)
  }
}

/** Appends the body of a dictionary page: its entries, plain. */
export function writeDictionaryPage(out: PageBytes, leaf: ColumnBuilder, dictionary: Dictionary): void {
  for (let entry = 0; entry < dictionary.size; entry++) {
    const first = dictionary.firsts[entry]!
    writePlain(out, leaf, first, first + 1)
  }
}

function writePlain(out: PageBytes, leaf: ColumnBuilder, from: number, to: number): void {
  if (leaf instanceof BytesColumn) {
    const { data, ends } = leaf
    if (decimalOf(leaf.type)) {
      out.bytes(data, from * 16, to * 16)
      return
    }
    for (let k = from, start = from === 0 ? 0 : ends[from - 1]!; k < to; k++) {
      const end = ends[k]!
      out.uint32(end - start)
      out.bytes(data, start, end)
      start = end
    }
  } else if (leaf instanceof BooleanColumn) {
    const at = out.take((to - from + 7) >>> 3)
    out.data.fill(0, at, out.length)
    for (let k = from; k < to; k++) out.data[at + ((k - from) >>> 3)]! |= leaf.data[k]! << ((k - from) & 7)
  } else if (leaf instanceof IntColumn || leaf instanceof LongColumn || leaf instanceof DoubleColumn) {
    const width = leaf.data.BYTES_PER_ELEMENT
    out.bytes(new Uint8Array(leaf.data.buffer, leaf.data.byteOffset + from * width, (to - from) * width))
  } else {
    throw new Error(`a column of type ${leaf.type} cannot stand in a page`)
  }
}

function valuesWithin(levels: Levels, entry: number, entryEnd: number): number {
  const { definition, maxDefinition } = levels
  let values = 0
  for (let i = entry; i < entryEnd; i++) if (definition[i] === maxDefinition) values++
  return values
}

function bodyBytes(leaf: ColumnBuilder, dictionary: Dictionary | null, value: number, valueEnd: number): number {
  const values = valueEnd - value
  if (dictionary) return (values * bitWidthOf(dictionary.size - 1)) / 8
  if (!(leaf instanceof BytesColumn)) return values * 8
  if (values === 0) return 0
  return values * 4 + leaf.ends[valueEnd - 1]! - (value === 0 ? 0 : leaf.ends[value - 1]!)
}
