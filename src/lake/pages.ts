/**
 * Columns -> the bodies of data pages (DataPage v1, not yet compressed): levels, then values.
 * Every column of a lake file is optional; a list is optional, repeated, optional (SEMANTICS R2.18).
 */
import { ListColumn, type ColumnBuilder } from '../core/columns.ts'
import type { Dictionary } from './dictionary.ts'
import { bitWidthOf, writeHybrid, writeRun } from './hybrid.ts'
import type { PageBytes } from './pageBytes.ts'
import { writePlain } from './plainValues.ts'
import type { EncodedValues } from './values.ts'

/** Rows and bytes (before compression) of a page at most, unless one row alone is larger. */
export const maxPageRows = 32_768
export const maxPageBytes = 1 << 20

/** The shape of a chunk: one entry for each value, null, or empty list. */
export interface Levels {
  readonly rows: number
  readonly entries: number
  readonly values: number
  /** Definition level of each entry; a value is there where it is `maxDefinition`. */
  readonly definition: Uint8Array
  readonly maxDefinition: 1 | 3
  /** Lists only: 0 where an entry begins a row, else 1. */
  readonly repetition: Uint8Array | null
  /** Where rows have several entries: the entry at which each row begins, and at last the number of entries. */
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
  const { rows, values, present } = column
  if (!(column instanceof ListColumn)) {
    return { rows, entries: rows, values, definition: present, maxDefinition: 1, repetition: null, starts: null }
  }
  // Neither a list nor an element anywhere: all levels are 0, as `present` is.
  if (values === 0)
    return { rows, entries: rows, values, definition: present, maxDefinition: 3, repetition: present, starts: null }
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
  return { rows, entries: entry, values: child.values, definition, maxDefinition: 3, repetition, starts }
}

/** Cuts a chunk into pages; a page begins where a row begins. */
export function* pageRanges(levels: Levels, values: EncodedValues): Generator<PageRange> {
  const entryOf = (row: number): number => (levels.starts ? levels.starts[row]! : row)
  let value = 0
  for (let row = 0; row < levels.rows;) {
    const entry = entryOf(row)
    for (let count = Math.min(maxPageRows, levels.rows - row); ; count = count >>> 1) {
      const entryEnd = entryOf(row + count)
      const valueEnd = row + count === levels.rows ? levels.values : value + valuesWithin(levels, entry, entryEnd)
      if (count > 1 && values.bytesOf(value, valueEnd) + (entryEnd - entry) / 4 > maxPageBytes) continue
      yield { entry, entryEnd, value, valueEnd }
      value = valueEnd
      row += count
      break
    }
  }
}

/** Appends the whole body of a data page. */
export function writeDataPage(out: PageBytes, levels: Levels, values: EncodedValues, range: PageRange): void {
  const { entry, entryEnd, value, valueEnd } = range
  const { definition, maxDefinition, repetition } = levels
  if (repetition) writeLevels(out, () => writeHybrid(out, repetition, entry, entryEnd, 1))
  const width = bitWidthOf(maxDefinition)
  writeLevels(out, () => {
    if (valueEnd - value === entryEnd - entry) writeRun(out, entryEnd - entry, maxDefinition, width)
    else writeHybrid(out, definition, entry, entryEnd, width)
  })
  values.write(out, value, valueEnd)
}

/** Levels stand behind their length. */
function writeLevels(out: PageBytes, write: () => void): void {
  const at = out.take(4)
  write()
  out.uint32At(at, out.length - at - 4)
}

/** Appends the body of a dictionary page: its entries, plain. */
export function writeDictionaryPage(out: PageBytes, leaf: ColumnBuilder, { size, firsts }: Dictionary): void {
  for (let entry = 0; entry < size; entry++) writePlain(out, leaf, firsts[entry]!, firsts[entry]! + 1)
}

function valuesWithin({ definition, maxDefinition }: Levels, entry: number, entryEnd: number): number {
  let values = 0
  for (let i = entry; i < entryEnd; i++) if (definition[i] === maxDefinition) values++
  return values
}
