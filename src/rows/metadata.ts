/** The columns that Sluice adds to a row (DESIGN §5), written beside it. */
import type { BooleanColumn, BytesColumn, ColumnBuilder, IntColumn } from '../core/columns.ts'
import type { ListColumn, LongColumn } from '../core/columns.ts'
import type { ChangeEvent, Op, RowNotes } from '../core/events.ts'
import type { RowRun } from '../core/rowRun.ts'
import { metadataColumns } from '../core/schema.ts'
import { takeColumn } from './columnMemory.ts'

/** Where a batch's rows come from: one partition of one epoch of the topic. */
export interface Place {
  readonly epoch: number
  readonly partition: number
  /** Greatest place of a streamed event before these rows (see `Position`). */
  readonly high?: string | undefined
}

const encoder = new TextEncoder()
const letters: Readonly<Record<Op, number>> = { r: 0x72, c: 0x63, u: 0x75, d: 0x64, t: 0x74 }

export class MetadataColumns implements RowNotes {
  readonly columns: readonly ColumnBuilder[] = metadataColumns.map(({ type }) => takeColumn(type))
  private readonly place: Place
  private readonly op = this.columns[0] as BytesColumn
  private readonly deleted = this.columns[1] as BooleanColumn
  private readonly sourceTs = this.columns[2] as LongColumn
  private readonly commitLsn = this.columns[3] as LongColumn
  private readonly lsn = this.columns[4] as LongColumn
  private readonly txId = this.columns[5] as LongColumn
  private readonly txOrder = this.columns[6] as LongColumn
  private readonly snapshot = this.columns[7] as BytesColumn
  private readonly epoch = this.columns[8] as IntColumn
  private readonly partition = this.columns[9] as IntColumn
  private readonly offset = this.columns[10] as LongColumn
  private readonly kafkaTs = this.columns[11] as LongColumn
  private readonly unchangedToast = this.columns[12] as ListColumn
  private readonly specials = this.columns[13] as BytesColumn
  private snapshotText = ''
  private snapshotBytes = new Uint8Array(0)
  private readonly unchangedNames: string[] = []
  private readonly specialTexts = new Map<string, string>()

  constructor(place: Place) {
    this.place = place
  }

  special(column: string, text: string): void {
    this.specialTexts.set(column, text)
  }

  unchanged(column: string): void {
    this.unchangedNames.push(column)
  }

  /** Forgets what was noted since the last row ended. */
  forget(): void {
    if (this.unchangedNames.length > 0) this.unchangedNames.length = 0
    if (this.specialTexts.size > 0) this.specialTexts.clear()
  }

  /** Ends a row whose values were appended just before. */
  append(event: ChangeEvent, offset: bigint, kafkaTsMs: number): void {
    const { op } = this
    const at = op.reserve(1)
    op.data[at] = letters[event.op]
    op.commit(at + 1)
    this.deleted.append(event.op === 'd' ? 1 : 0)
    if (event.sourceTsUs === null) this.sourceTs.appendNull()
    else this.sourceTs.appendNumber(event.sourceTsUs)
    appendLong(this.commitLsn, event.commitLsn)
    appendLong(this.lsn, event.lsn)
    appendLong(this.txId, event.txId)
    appendLong(this.txOrder, event.txOrder)
    this.appendSnapshot(event.snapshot)
    this.epoch.append(this.place.epoch)
    this.partition.append(this.place.partition)
    this.offset.append(offset)
    // -1: the producer gave no time.
    if (kafkaTsMs < 0) this.kafkaTs.appendNull()
    else this.kafkaTs.appendNumber(kafkaTsMs * 1000)
    this.appendUnchanged()
    this.appendSpecials()
  }

  /** Ends rows whose values were appended just before; nothing was noted of them. */
  appendRun(run: RowRun): void {
    const { rows, ops, sourceTs, commitLsn, lsn, txId, txOrder, offsets, kafkaTs } = run
    const all = new Uint8Array(rows).fill(1)
    const [opEnds, deleted] = [new Uint32Array(rows), new Uint8Array(rows)]
    for (let row = 0; row < rows; row++) {
      opEnds[row] = row + 1
      deleted[row] = ops[row] === letters.d ? 1 : 0
    }
    this.op.appendAll(all, ops, opEnds)
    this.deleted.appendAll(all, deleted)
    this.sourceTs.appendAll(sourceTs.present, sourceTs.values)
    this.commitLsn.appendAll(commitLsn.present, commitLsn.values)
    this.lsn.appendAll(lsn.present, lsn.values)
    this.txId.appendAll(txId.present, txId.values)
    this.txOrder.appendAll(txOrder.present, txOrder.values)
    if (run.snapshots === null) this.snapshot.appendNulls(rows)
    else for (const mark of run.snapshots) this.appendSnapshot(mark)
    this.epoch.appendAll(all, new Int32Array(rows).fill(this.place.epoch))
    this.partition.appendAll(all, new Int32Array(rows).fill(this.place.partition))
    this.offset.appendAll(all, offsets)
    this.kafkaTs.appendAll(kafkaTs.present, kafkaTs.values)
    this.unchangedToast.appendNulls(rows)
    this.specials.appendNulls(rows)
  }

  private appendSnapshot(text: string | null): void {
    if (text === null || text === 'false') return this.snapshot.appendNull()
    if (text !== this.snapshotText) {
      this.snapshotText = text
      this.snapshotBytes = encoder.encode(text)
    }
    this.snapshot.append(this.snapshotBytes)
  }

  private appendUnchanged(): void {
    const { unchangedNames, unchangedToast } = this
    if (unchangedNames.length === 0) return unchangedToast.appendNull()
    for (const name of unchangedNames) (unchangedToast.child as BytesColumn).append(encoder.encode(name))
    unchangedToast.commit(unchangedNames.length)
    unchangedNames.length = 0
  }

  private appendSpecials(): void {
    const { specialTexts, specials } = this
    if (specialTexts.size === 0) return specials.appendNull()
    const members = [...specialTexts].map(([column, text]) => `${JSON.stringify(column)}:${JSON.stringify(text)}`)
    specials.append(encoder.encode(`{${members.join(',')}}`))
    specialTexts.clear()
  }
}

function appendLong(column: LongColumn, value: bigint | null): void {
  if (value === null) column.appendNull()
  else column.append(value)
}
