/** What the footer of a link and its receipt say about its rows. */
import type { ChangeEvent, Op } from '../core/events.ts'
import type { LinkStats, StreamFacts } from '../core/receipts.ts'
import type { RowRun, StreamPlace } from '../core/rowRun.ts'
import { StreamOrder } from './streamOrder.ts'

export interface RowFacts {
  /** null while there are no rows. */
  readonly stats: LinkStats | null
  /** LSNs of the rows, decimal text; null where no row has one. */
  readonly lsn: { readonly min: string; readonly max: string } | null
  readonly ops: Readonly<Record<Op, number>>
  readonly order: StreamFacts
}

export class FactsSoFar {
  private minOffset: bigint | null = null
  private maxOffset: bigint | null = null
  private minSourceTs: number | null = null
  private maxSourceTs: number | null = null
  private minLsn: bigint | null = null
  private maxLsn: bigint | null = null
  private readonly ops: Record<Op, number> = { r: 0, c: 0, u: 0, d: 0, t: 0 }
  private readonly order: StreamOrder

  constructor(high: string | null = null) {
    this.order = new StreamOrder(high)
  }

  add(event: ChangeEvent, offset: bigint): void {
    this.addOffsets(offset, offset)
    if (event.sourceTsUs !== null) this.addSourceTs(event.sourceTsUs)
    const lsn = event.lsn
    // Rows of one statement often share their LSN, as the same bigint.
    if (lsn !== null && lsn !== this.maxLsn) this.addLsn(lsn)
    this.ops[event.op]++
    this.order.add(event)
  }

  /** At least one row. */
  addRun({ offsets, ops, facts }: RowRun): void {
    this.addOffsets(offsets[0]!, offsets.at(-1)!)
    this.addSourceTs(Number(facts.minSourceTs))
    this.addSourceTs(Number(facts.maxSourceTs))
    if (facts.minLsn !== null) this.addLsn(facts.minLsn)
    if (facts.maxLsn !== null) this.addLsn(facts.maxLsn)
    for (let row = 0; row < ops.length; row++) this.ops[opOf(ops[row]!)]++
    this.order.addRun(facts)
  }

  get place(): StreamPlace {
    return this.order.place
  }

  /** Rows come in the order of their partition. */
  private addOffsets(first: bigint, last: bigint): void {
    this.minOffset ??= first
    this.maxOffset = last
  }

  private addSourceTs(ts: number): void {
    if (this.minSourceTs === null || ts < this.minSourceTs) this.minSourceTs = ts
    if (this.maxSourceTs === null || ts > this.maxSourceTs) this.maxSourceTs = ts
  }

  private addLsn(lsn: bigint): void {
    if (this.minLsn === null || lsn < this.minLsn) this.minLsn = lsn
    if (this.maxLsn === null || lsn > this.maxLsn) this.maxLsn = lsn
  }

  get soFar(): RowFacts {
    const { minOffset, maxOffset, minSourceTs, maxSourceTs, minLsn, maxLsn } = this
    const stats = minOffset !== null &&
      maxOffset !== null && {
        minOffset: minOffset.toString(),
        maxOffset: maxOffset.toString(),
        minSourceTs: minSourceTs === null ? null : minSourceTs.toString(),
        maxSourceTs: maxSourceTs === null ? null : maxSourceTs.toString(),
      }
    const lsn = minLsn !== null && maxLsn !== null && { min: minLsn.toString(), max: maxLsn.toString() }
    return { stats: stats || null, lsn: lsn || null, ops: { ...this.ops }, order: this.order.soFar }
  }
}

/** The letter, as ASCII, is the event's own. */
function opOf(letter: number): Op {
  switch (letter) {
    case 0x63:
      return 'c'
    case 0x75:
      return 'u'
    case 0x64:
      return 'd'
    case 0x72:
      return 'r'
    default:
      return 't'
  }
}
