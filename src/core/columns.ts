/**
 * Columns in the making. Only values that are there are stored (dense), beside one byte a row that tells null from value:
 * what a Parquet page needs, so that encoding is a copy.
 */
import { decimalOf, elementOf, type LakeType } from './schema.ts'

/** `present[i]` is 1 where row i has a value. Values stand dense: the k-th value belongs to the k-th present row. */
export interface ColumnBuilder {
  readonly type: LakeType
  readonly rows: number
  readonly values: number
  readonly present: Uint8Array
  appendNull(): void
  appendNulls(rows: number): void
  /** Forgets all rows from `rows` on: how a row that failed half-way is taken back. */
  rewind(rows: number): void
  clear(): void
  /** Bytes held by the rows so far, for limits; not what has been reserved. */
  readonly byteLength: number
}

export function columnBuilder(type: LakeType): ColumnBuilder {
  const element = elementOf(type)
  if (element) return new ListColumn(type, columnBuilder(element))
  if (decimalOf(type)?.precision === 38) return new BytesColumn(type)
  switch (type) {
    case 'integer':
    case 'date':
      return new IntColumn(type)
    case 'double':
      return new DoubleColumn(type)
    case 'boolean':
      return new BooleanColumn(type)
    case 'string':
    case 'binary':
      return new BytesColumn(type)
    default:
      return new LongColumn(type)
  }
}

type Values =
  | Uint8Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>
  | BigInt64Array<ArrayBuffer>

/**
 * The part that all columns share, made anew for each kind: so every kind runs code that has seen no other kind, which V8
 * compiles to plain loads and stores. One class for all costs some 0.3 us more (of 4) for a row of 26 columns.
 */
function presence() {
  abstract class Presence implements ColumnBuilder {
    readonly type: LakeType
    rows = 0
    values = 0
    present = new Uint8Array(1024)

    constructor(type: LakeType) {
      this.type = type
    }

    appendNull(): void {
      this.mark(0)
    }

    appendNulls(rows: number): void {
      this.reserveRows(rows)
      this.present.fill(0, this.rows, this.rows + rows)
      this.rows += rows
    }

    rewind(rows: number): void {
      if (rows >= this.rows) return
      let gone = 0
      for (let row = rows; row < this.rows; row++) gone += this.present[row]!
      this.rows = rows
      this.values -= gone
    }

    clear(): void {
      this.rows = this.values = 0
    }

    abstract readonly byteLength: number

    protected mark(present: 0 | 1): void {
      if (this.rows === this.present.length) this.present = grown(this.present, new Uint8Array(this.rows * 2))
      this.present[this.rows++] = present
      this.values += present
    }

    /** `values` of the rows have a value. */
    protected markAll(present: Uint8Array, values: number): void {
      this.reserveRows(present.length)
      this.present.set(present, this.rows)
      this.rows += present.length
      this.values += values
    }

    private reserveRows(rows: number): void {
      const length = roomFor(this.present.length, this.rows + rows)
      if (length > this.present.length) this.present = grown(this.present, new Uint8Array(length))
    }
  }
  return Presence
}

function fixedColumn<A extends Values>(width: number, reserve: (length: number) => A) {
  class FixedColumn extends presence() {
    data = reserve(1024)

    append(value: A[number]): void {
      if (this.values === this.data.length) this.grow(this.values * 2)
      this.data[this.values] = value
      this.mark(1)
    }

    /** A run of rows: which of them have a value, and the values. */
    appendAll(present: Uint8Array, values: A): void {
      const length = roomFor(this.data.length, this.values + values.length)
      if (length > this.data.length) this.grow(length)
      this.data.set(values as never, this.values)
      this.markAll(present, values.length)
    }

    get byteLength(): number {
      return this.rows + this.values * width
    }

    protected grow(length: number): void {
      this.data = grown(this.data, reserve(length))
    }
  }
  return FixedColumn
}

/** long, timestamp, timestamp_ntz, decimal(18,s) */
export class LongColumn extends fixedColumn(8, (length) => new BigInt64Array(length)) {
  /** The same memory in 32-bit halves, low one first (as on every machine that Node runs on but s390x). */
  private halves = new Int32Array(this.data.buffer)

  /** `value` is a whole number within +-2^53; no bigint is made. */
  appendNumber(value: number): void {
    if (this.values === this.data.length) this.grow(this.values * 2)
    const high = Math.floor(value / 0x1_0000_0000)
    const at = this.values * 2
    this.halves[at] = value - high * 0x1_0000_0000
    this.halves[at + 1] = high
    this.mark(1)
  }

  protected override grow(length: number): void {
    super.grow(length)
    this.halves = new Int32Array(this.data.buffer)
  }
}

/** integer, date */
export class IntColumn extends fixedColumn(4, (length) => new Int32Array(length)) {}

export class DoubleColumn extends fixedColumn(8, (length) => new Float64Array(length)) {}

/** One byte a value, 0 or 1. */
export class BooleanColumn extends fixedColumn(1, (length) => new Uint8Array(length)) {}

/** string (UTF-8), binary, decimal(38,s) (always 16 bytes). Value k stands at [ends[k-1] or 0, ends[k]) of `data`. */
export class BytesColumn extends presence() {
  data = new Uint8Array(8192)
  ends = new Uint32Array(1024)

  append(from: Uint8Array, start = 0, end = from.length): void {
    const at = this.reserve(end - start)
    if (end - start > 32) this.data.set(from.subarray(start, end), at)
    else for (let i = start, to = at; i < end; i++, to++) this.data[to] = from[i]!
    this.commit(at + end - start)
  }

  /** For writers in place: room for `length` more bytes in `data`; returns where they begin. `commit` ends the value. */
  reserve(length: number): number {
    const at = this.used
    if (at + length > this.data.length) this.data = grown(this.data, new Uint8Array(roomFor(this.data.length, at + length)))
    return at
  }

  commit(end: number): void {
    if (this.values === this.ends.length) this.ends = grown(this.ends, new Uint32Array(this.values * 2))
    this.ends[this.values] = end
    this.mark(1)
  }

  /** A run of rows: which of them have a value, the bytes of all values, and where each ends in these. */
  appendAll(present: Uint8Array, bytes: Uint8Array, ends: Uint32Array): void {
    const { values } = this
    const at = this.reserve(bytes.length)
    this.data.set(bytes, at)
    const length = roomFor(this.ends.length, values + ends.length)
    if (length > this.ends.length) this.ends = grown(this.ends, new Uint32Array(length))
    for (let k = 0; k < ends.length; k++) this.ends[values + k] = at + ends[k]!
    this.markAll(present, ends.length)
  }

  get used(): number {
    return this.values === 0 ? 0 : this.ends[this.values - 1]!
  }

  get byteLength(): number {
    return this.rows + this.used
  }
}

/** Row i holds `counts[k]` elements, k being its place among the present rows; the elements stand in `child`, nulls included. */
export class ListColumn extends presence() {
  readonly child: ColumnBuilder
  counts = new Uint32Array(1024)

  constructor(type: LakeType, child: ColumnBuilder) {
    super(type)
    this.child = child
  }

  /** Ends a list whose elements were just appended to `child`. */
  commit(count: number): void {
    if (this.values === this.counts.length) this.counts = grown(this.counts, new Uint32Array(this.values * 2))
    this.counts[this.values] = count
    this.mark(1)
  }

  override rewind(rows: number): void {
    super.rewind(rows)
    let elements = 0
    for (let k = 0; k < this.values; k++) elements += this.counts[k]!
    this.child.rewind(elements)
  }

  override clear(): void {
    super.clear()
    this.child.clear()
  }

  get byteLength(): number {
    return this.rows + this.values * 4 + this.child.byteLength
  }
}

/** A length that holds `needed`: at least a quarter more than the one there is, so that growing by and by costs little. */
function roomFor(length: number, needed: number): number {
  return needed <= length ? length : Math.max(needed, length + (length >>> 2))
}

function grown<A extends Values>(from: A, to: A): A {
  ;(to as Uint8Array).set(from as Uint8Array)
  return to
}
