/** Rows of one range as typed columns: the user's, then the metadata columns, as they will stand in the file. */
import type { ColumnBuilder } from '../core/columns.ts'
import type { ChangeEvent, RowImage, RowSchema } from '../core/events.ts'
import type { Growth } from '../core/receipts.ts'
import type { RowRun, StreamPlace } from '../core/rowRun.ts'
import { fileColumns, type Column, type TableSchema } from '../core/schema.ts'
import { giveBackColumns, takeColumn } from './columnMemory.ts'
import { FactsSoFar, type RowFacts } from './facts.ts'
import { MetadataColumns, type Place } from './metadata.ts'
import type { SchemaChange } from './placing.ts'
import { growthFor, planRows, type Plan } from './plan.ts'
import { textOf } from './specialText.ts'

export type { Place } from './metadata.ts'

export interface RowBatch {
  readonly schema: TableSchema
  /** Names and types of `columns`. */
  readonly fileColumns: readonly Column[]
  readonly columns: readonly ColumnBuilder[]
  /** Rows in `columns`. */
  readonly rows: number
  /** Rows appended since the batch was made, those that `clear` took away included. */
  readonly totalRows: number
  /** Bytes the columns hold: counted every 64 rows, the rows since then by the length of their JSON. */
  readonly byteLength: number
  /** What the table must have before `append` may be called with this event; null: it fits. Throws CDC4002 to CDC4006. */
  need(event: ChangeEvent): Growth | null
  /**
   * One row. `kafkaTsMs` is the record's timestamp, -1 for none. Throws CDC3001, CDC4001 to CDC4006; the batch is then as it
   * was before.
   */
  append(event: ChangeEvent, offset: bigint, kafkaTsMs: number): void
  /**
   * For each column of the table which field of such rows fills it, so that many can be read at once. Null where the rows need
   * more than that. To be asked after `append` took one of them.
   */
  fieldsFor(rows: RowSchema): Int32Array | null
  /** Greatest place of a streamed event so far: where the rows of a run are compared from. */
  readonly place: StreamPlace
  /** Many rows, of which `need` would say that they fit. */
  appendRun(run: RowRun): void
  /** Empties the columns once they are written as a row group. What `facts` and `totalRows` say stays: it is of the whole link. */
  clear(): void
  facts(): RowFacts
  /** Leaves the columns' memory to batches that come after; neither the batch nor its columns are of use then. */
  giveBack(): void
}

/** `policy`: what becomes of columns that the table lacks, or whose type has no place in it. */
export function createRowBatch(schema: TableSchema, place: Place, policy: SchemaChange = 'evolve'): RowBatch {
  return new Batch(schema, place, policy)
}

const rowsBetweenCounts = 64
/** About what the metadata columns take for one row. */
const metadataBytes = 90

class Batch implements RowBatch {
  readonly schema: TableSchema
  readonly fileColumns: readonly Column[]
  readonly columns: readonly ColumnBuilder[]
  rows = 0
  totalRows = 0
  private readonly policy: SchemaChange
  private readonly factsSoFar: FactsSoFar
  private readonly user: readonly ColumnBuilder[]
  private readonly metadata: MetadataColumns
  private readonly plans = new Map<RowSchema, Plan>()
  private plan: Plan | null = null
  private keySeen: readonly string[] | null = null
  private counted = 0
  private countedRows = 0
  private sinceCount = 0

  constructor(schema: TableSchema, place: Place, policy: SchemaChange) {
    this.schema = schema
    this.policy = policy
    this.fileColumns = fileColumns(schema)
    this.user = schema.columns.map(({ type }) => takeColumn(type))
    this.metadata = new MetadataColumns(place)
    this.factsSoFar = new FactsSoFar(place.high ?? null)
    this.columns = [...this.user, ...this.metadata.columns]
  }

  get byteLength(): number {
    if (this.rows - this.countedRows >= rowsBetweenCounts || this.rows < this.countedRows) {
      let sum = 0
      for (const column of this.columns) sum += column.byteLength
      this.counted = sum
      this.countedRows = this.rows
      this.sinceCount = 0
    }
    return this.counted + this.sinceCount
  }

  need(event: ChangeEvent): Growth | null {
    const { image } = event
    // A truncate has no row, hence neither columns nor key.
    if (image === null) return null
    if (this.plan?.rows === image.schema && this.keySeen === event.key) return null
    const plan = this.planFor(image.schema)
    const growth = growthFor(this.schema, plan, event)
    if (growth === null) {
      this.plan = plan
      this.keySeen = event.key
    }
    return growth
  }

  append(event: ChangeEvent, offset: bigint, kafkaTsMs: number): void {
    if (this.need(event) !== null) throw new Error('the table lacks columns for this row: ask need() first')
    const { rows, metadata } = this
    let bytes = metadataBytes
    try {
      if (event.image === null) for (const column of this.user) column.appendNull()
      else bytes += this.appendImage(event.image, this.plan!)
      metadata.append(event, offset, kafkaTsMs)
    } catch (error) {
      for (const column of this.columns) column.rewind(rows)
      metadata.forget()
      throw error
    }
    this.factsSoFar.add(event, offset)
    this.rows = rows + 1
    this.totalRows++
    this.sinceCount += bytes
  }

  fieldsFor(rows: RowSchema): Int32Array | null {
    return this.plan?.rows === rows && this.plan.special.length === 0 ? this.plan.fields : null
  }

  get place(): StreamPlace {
    return this.factsSoFar.place
  }

  appendRun(run: RowRun): void {
    this.user.forEach((column, i) => run.appendTo(i, column))
    this.metadata.appendRun(run)
    this.factsSoFar.addRun(run)
    this.rows += run.rows
    this.totalRows += run.rows
    // To be counted when it is asked for next.
    this.countedRows = this.rows + 1
  }

  clear(): void {
    for (const column of this.columns) column.clear()
    this.metadata.forget()
    this.rows = this.counted = this.countedRows = this.sinceCount = 0
  }

  facts(): RowFacts {
    return this.factsSoFar.soFar
  }

  giveBack(): void {
    giveBackColumns(this.columns)
  }

  /** Returns the length of the row's tokens. */
  private appendImage(image: RowImage, plan: Plan): number {
    const { bytes, start, end, schema } = image
    const { user, metadata } = this
    const { fields } = plan
    let length = 0
    for (let i = 0; i < user.length; i++) {
      const column = user[i]!
      const index = fields[i]!
      const from = index < 0 ? -1 : start[index]!
      if (from < 0) column.appendNull()
      else {
        const to = end[index]!
        length += to - from
        schema.fields[index]!.append(bytes, from, to, column, metadata)
      }
    }
    for (const index of plan.special) {
      const from = start[index]!
      if (from < 0) continue
      const text = textOf(bytes, from, end[index]!)
      if (text !== null) metadata.special(schema.fields[index]!.name, text)
    }
    return length
  }

  private planFor(rows: RowSchema): Plan {
    let plan = this.plans.get(rows)
    if (!plan) this.plans.set(rows, (plan = planRows(this.schema, rows, this.policy)))
    return plan
  }
}
