/**
 * Records of one layout -> rows of typed columns, many at a time and without a JavaScript value for each. What comes out is what
 * the slow path (src/debezium, src/rows) makes of the same records; a record that has anything unusual ends the run before it.
 */
import { BooleanColumn, BytesColumn, DoubleColumn, IntColumn, LongColumn, type ColumnBuilder } from '../core/columns.ts'
import type { Reading } from '../core/events.ts'
import type { EventLayout } from '../core/layout.ts'
import type { RecordBlock } from '../core/records.ts'
import type { RowRun, RunValues, StreamPlace } from '../core/rowRun.ts'
import { blockAt, blockRoom, kernel, type Kernel } from './module.ts'
import { loadProgram, programOf, recordRoom, type Places, type Program } from './program.ts'

/** A column of the table: which field of the row fills it (-1: none), and how that is read (null: by the slow path). */
export interface RunColumn {
  readonly field: number
  readonly reading: Reading | null
}

export interface RunLimits {
  readonly rows: number
  /** Of values without their schemas; the record that reaches it is the last one. */
  readonly bytes: number
  /** us since 1970: a record from there on ends the run. */
  readonly dayEnd: number
}

/** done: all records; slow: the next one is for the slow path; full: `close` first; limit: the range ends here. */
const stops = ['done', 'slow', 'full', 'limit'] as const
export type Stop = (typeof stops)[number]

/** A value that the slow path reads; `start` and `end` are in `RunReader.bytes`. */
export interface LateDouble {
  readonly column: number
  readonly row: number
  readonly place: number
  readonly start: number
  readonly end: number
}

/** Where the values of one column stand in the rows read last. */
export interface TokenSpans {
  readonly present: Uint8Array
  readonly starts: Uint32Array
  readonly ends: Uint32Array
}

/** Marks by the kernel's numbers. */
const marks = [
  null,
  'true',
  'first',
  'first_in_data_collection',
  'last_in_data_collection',
  'last',
  'incremental',
  'true',
] as const

/** The program that the kernel of this thread has; ranges take turns. */
let loaded: Program | null = null

/** Null where layout and columns do not fit into the kernel's memory. */
export function runReader(layout: EventLayout, columns: readonly RunColumn[]): RunReader | null {
  const program = programOf(layout, columns)
  return program && new RunReader(program)
}

export class RunReader {
  /** Memory of the kernel: what spans of late values and tokens point to. */
  readonly bytes: Uint8Array
  private readonly kernel: Kernel
  private readonly program: Program
  private readonly places: Places
  private block: RecordBlock | null = null
  private rowsBefore = 0
  private readonly valuesBefore: number[]

  constructor(program: Program) {
    this.kernel = kernel()
    this.bytes = this.kernel.bytes
    this.program = program
    this.places = program.places
    this.valuesBefore = program.columns.map(() => 0)
  }

  /** Rows read since `close`. */
  get rows(): number {
    return loaded === this.program ? this.kernel.wasm.rows.value : 0
  }

  /** How many of them by the last `read`. */
  get lastRows(): number {
    return this.rows - this.rowsBefore
  }

  /** Columns whose values the slow path has to read: after each `read`, from `tokens`. */
  get tokenColumns(): readonly number[] {
    return this.places.tokenColumns
  }

  /** Records of the block from `first` on. Returns the record at which it stopped, and why. */
  read(block: RecordBlock, first: number, limits: RunLimits): { next: number; stop: Stop; rows: number } {
    const { wasm } = this.kernel
    if (loaded !== this.program) this.load()
    this.rowsBefore = wasm.rows.value
    if (this.block !== block && !this.take(block)) return { next: first, stop: 'slow', rows: 0 }
    for (const i of this.places.tokenColumns) this.valuesBefore[i] = this.values(i)
    wasm.rowsLeft.value = Math.min(limits.rows, 0x7fff_ffff)
    wasm.bytesLeft.value = BigInt(limits.bytes)
    wasm.dayEnd.value = BigInt(limits.dayEnd)
    const next = wasm.decode(first, block.count)
    return { next, stop: stops[wasm.stopped.value]!, rows: this.lastRows }
  }

  /** Keeps the first `rows` of the rows read last. */
  truncate(rows: number): void {
    this.kernel.wasm.truncate(this.rowsBefore + rows)
  }

  /** Doubles of more digits than two exact numbers can tell. */
  lateDoubles(): LateDouble[] {
    const { words, wasm } = this.kernel
    const found: LateDouble[] = []
    for (let k = 0; k < wasm.lateCount.value; k++) {
      const at = wasm.late.value / 4 + k * 4
      const [column, value, start, end] = words.subarray(at, at + 4) as unknown as [number, number, number, number]
      found.push({ column, row: this.rowOf(column, value), place: this.places.columns[column]!.data / 8 + value, start, end })
    }
    wasm.lateCount.value = 0
    return found
  }

  setDouble({ place }: LateDouble, value: number): void {
    new Float64Array(this.kernel.buffer)[place] = value
  }

  /** Of the rows read last. */
  tokens(i: number): TokenSpans {
    const { present, data, ends } = this.places.columns[i]!
    const from = this.valuesBefore[i]!
    const count = this.values(i) - from
    return {
      present: this.bytes.subarray(present + this.rowsBefore, present + this.rows),
      starts: new Uint32Array(this.kernel.buffer, data + from * 4, count),
      ends: new Uint32Array(this.kernel.buffer, ends + from * 4, count),
    }
  }

  /** The rows read since the last `close`, which are then forgotten: what is returned holds until the next `read`. */
  close(place: StreamPlace): RowRun {
    const { wasm, bytes, buffer } = this.kernel
    const { arrays } = this.places
    const rows = this.rows
    const facts = this.facts(place)
    const values = (from: number, present: number): RunValues => {
      const count = wasm.compact(from, present)
      return { present: bytes.subarray(present, present + rows), values: new BigInt64Array(buffer, from, count) }
    }
    const numbers = bytes.subarray(arrays.snapshotOf, arrays.snapshotOf + rows)
    const counts = this.program.columns.map((_, i) => this.values(i))
    const run: RowRun = {
      rows,
      appendTo: (i, column) => this.appendTo(i, column, rows, counts[i]!),
      ops: bytes.subarray(arrays.ops, arrays.ops + rows),
      offsets: new BigInt64Array(buffer, arrays.offsets, rows),
      sourceTs: values(arrays.sourceTs, arrays.present[0]!),
      commitLsn: values(arrays.commitLsns, arrays.present[1]!),
      lsn: values(arrays.lsns, arrays.present[2]!),
      txId: values(arrays.txIds, arrays.present[3]!),
      txOrder: values(arrays.txOrders, arrays.present[4]!),
      kafkaTs: values(arrays.kafkaTs, arrays.present[5]!),
      snapshots: numbers.some((number) => number !== 0) ? Array.from(numbers, (number) => marks[number]!) : null,
      facts,
    }
    wasm.clear()
    return run
  }

  private facts(place: StreamPlace): RowRun['facts'] {
    const { wasm } = this.kernel
    wasm.minTs.value = wasm.minLsn.value = 2n ** 63n - 1n
    wasm.maxTs.value = wasm.maxLsn.value = -(2n ** 63n)
    wasm.highCommit.value = place.commit
    wasm.highLsn.value = place.lsn
    wasm.highOrder.value = place.order
    wasm.replayed.value = wasm.resnapshot.value = 0
    wasm.account()
    const none = wasm.minLsn.value > wasm.maxLsn.value
    return {
      minSourceTs: wasm.minTs.value,
      maxSourceTs: wasm.maxTs.value,
      minLsn: none ? null : wasm.minLsn.value,
      maxLsn: none ? null : wasm.maxLsn.value,
      place: { commit: wasm.highCommit.value, lsn: wasm.highLsn.value, order: wasm.highOrder.value },
      replayed: wasm.replayed.value,
      resnapshot: wasm.resnapshot.value,
    }
  }

  private appendTo(i: number, column: ColumnBuilder, rows: number, values: number): void {
    const { kind, present, data, ends } = this.places.columns[i]!
    const { bytes, buffer } = this.kernel
    if (kind === 'token') return
    if (kind === 'none') return column.appendNulls(rows)
    const marks = bytes.subarray(present, present + rows)
    if (column instanceof BytesColumn) {
      const stops = new Uint32Array(buffer, ends, values)
      column.appendAll(marks, bytes.subarray(data, data + (values === 0 ? 0 : stops[values - 1]!)), stops)
    } else if (column instanceof LongColumn) column.appendAll(marks, new BigInt64Array(buffer, data, values))
    else if (column instanceof DoubleColumn) column.appendAll(marks, new Float64Array(buffer, data, values))
    else if (column instanceof IntColumn) column.appendAll(marks, new Int32Array(buffer, data, values))
    else if (column instanceof BooleanColumn) column.appendAll(marks, new Uint8Array(buffer, data, values))
    else throw new Error(`no run of rows has a column of type ${column.type}`)
  }

  private load(): void {
    loadProgram(this.kernel, this.program)
    this.block = null
    loaded = this.program
  }

  /** False where the block does not fit: it is then read slowly. */
  private take(block: RecordBlock): boolean {
    const { bytes, words, buffer, wasm } = this.kernel
    const { spans } = this.places
    if (block.count > recordRoom || block.bytes.length > blockRoom) return false
    if (block.bytes.buffer === buffer) wasm.block.value = block.bytes.byteOffset
    else {
      bytes.set(block.bytes, blockAt)
      wasm.block.value = blockAt
    }
    words.set(block.keyStart.subarray(0, block.count), spans.keyStarts / 4)
    words.set(block.keyEnd.subarray(0, block.count), spans.keyEnds / 4)
    words.set(block.valueStart.subarray(0, block.count), spans.valueStarts / 4)
    words.set(block.valueEnd.subarray(0, block.count), spans.valueEnds / 4)
    words.set(block.offsetDelta.subarray(0, block.count), spans.offsetDeltas / 4)
    new Float64Array(buffer, spans.timestamps, block.count).set(block.timestamp.subarray(0, block.count))
    wasm.baseOffset.value = block.baseOffset
    this.block = block
    return true
  }

  private values(i: number): number {
    return this.kernel.words[this.places.columns[i]!.values / 4]!
  }

  /** The row, counted in those read last, that has the column's value number `value`. */
  private rowOf(i: number, value: number): number {
    const { present } = this.places.columns[i]!
    let row = 0
    for (let seen = 0; ; row++) {
      seen += this.bytes[present + row]!
      if (seen > value) return row - this.rowsBefore
    }
  }
}
