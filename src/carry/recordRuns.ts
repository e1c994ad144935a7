/**
 * The quick way of records into a batch: once one was read slowly, those that are laid out like it are read by the kernel, run by
 * run. What it does not know goes the slow way, record by record; rows keep their order.
 */
import { DoubleColumn } from '../core/columns.ts'
import type { Field, RowNotes } from '../core/events.ts'
import type { EventLayout } from '../core/layout.ts'
import type { RecordBlock } from '../core/records.ts'
import type { Decoder } from '../debezium/decoder.ts'
import { runReader, type RunLimits, type RunReader, type Stop } from '../kernel/rows.ts'
import type { RowBatch } from '../rows/rowBatch.ts'

/** Runs shorter than that cost more than they save: then so many records go the slow way, twice as many from time to time. */
const shortRun = 16
const fewestSlow = 32
const mostSlow = 1024

export interface RecordRuns {
  /** Read, and not yet in the batch. */
  readonly rows: number
  /** Bytes that the schema takes in each value of a run. */
  readonly schemaBytes: number
  /** The block's records from `first` on, as far as they are usual. `slow`: the next one is for the slow way; `full`: ask again. */
  read(block: RecordBlock, first: number, limits: RunLimits): { next: number; stop: Stop }
  /** After the batch took the record that the decoder decoded last. */
  learn(block: RecordBlock): void
  /** Brings what was read into the batch: before anything else is appended or looked at. */
  settle(): void
}

export function recordRuns(decoder: Decoder, batch: RowBatch): RecordRuns {
  let layout: EventLayout | null = null
  let fields: readonly (Field | null)[] = []
  let reader: RunReader | null = null
  let slow = 0
  let slowNext = fewestSlow

  function settle(): void {
    if (reader !== null && reader.rows > 0) batch.appendRun(reader.close(batch.place))
  }

  function pace(passed: number): void {
    if (passed >= shortRun) slowNext = fewestSlow
    else {
      slow = slowNext
      slowNext = Math.min(mostSlow, slowNext * 2)
    }
  }

  return {
    get schemaBytes() {
      return layout?.value.head.length ?? 0
    },
    get rows() {
      return reader?.rows ?? 0
    },
    settle,
    read(block, first, limits) {
      if (slow > 0) slow--
      if (reader === null || slow > 0) return { next: first, stop: 'slow' }
      const run = reader.read(block, first, limits)
      const kept = readTheRest(reader, batch, fields)
      const { next, stop } = kept < run.rows ? { next: recordOf(block, first, kept), stop: 'slow' as const } : run
      if (stop === 'slow') pace(next - first)
      if (stop !== 'full') return { next, stop }
      settle()
      return { next, stop: next > first ? 'full' : 'slow' }
    },
    learn(block) {
      const now = decoder.layout(block)
      if (now === layout) return
      layout = now
      const places = now && batch.fieldsFor(now.rows)
      fields = places ? Array.from(places, (field) => now.rows.fields[field] ?? null) : []
      const columns = places && Array.from(places, (field, i) => ({ field, reading: fields[i]?.reading ?? null }))
      reader = now && columns && runReader(now, columns)
    },
  }
}

/** Values of a run that the kernel left to the slow way. Returns how many rows of it have only usual values: the others are gone. */
function readTheRest(reader: RunReader, batch: RowBatch, fields: readonly (Field | null)[]): number {
  let kept = reader.lastRows
  for (const late of reader.lateDoubles()) {
    const double = new DoubleColumn('double')
    if (late.row < kept && appendsAll(() => fields[late.column]!.append(reader.bytes, late.start, late.end, double, usual))) {
      reader.setDouble(late, double.data[0]!)
    } else kept = Math.min(kept, late.row)
  }
  for (const i of reader.tokenColumns) kept = readTokens(reader, batch, i, fields[i]!, kept)
  if (kept < reader.lastRows) reader.truncate(kept)
  return kept
}

function readTokens(reader: RunReader, batch: RowBatch, i: number, field: Field, rows: number): number {
  const column = batch.columns[i]!
  const { present, starts, ends } = reader.tokens(i)
  const before = column.rows
  for (let row = 0, value = 0; row < rows; row++) {
    if (present[row] === 0) column.appendNull()
    else {
      const at = value++
      if (!appendsAll(() => field.append(reader.bytes, starts[at]!, ends[at]!, column, usual))) {
        for (const other of reader.tokenColumns) if (other <= i) batch.columns[other]!.rewind(before + row)
        return row
      }
    }
  }
  return rows
}

/** A value with notes is not usual: its row goes the slow way, which knows where notes go. */
const noted = new Error('a note')
const usual: RowNotes = {
  special() {
    throw noted
  },
  unchanged() {
    throw noted
  },
}

/** Whatever is wrong with the value, the slow way says it. */
function appendsAll(append: () => void): boolean {
  try {
    append()
    return true
  } catch {
    return false
  }
}

/** The record that has the row number `row`, counted from the record `first`; tombstones have none. */
function recordOf({ valueStart }: RecordBlock, first: number, row: number): number {
  let at = first
  for (let seen = 0; ; at++) if (valueStart[at]! >= 0 && seen++ === row) return at
}
