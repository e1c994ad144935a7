/**
 * Where streamed events stand in the database's order, and what the order gives away (SEMANTICS R1.12, R1.16): an event that
 * is not above the greatest one before it was sent again, or the database went back. Such events are counted and told, never
 * dropped: a wrong guess would lose rows. The greatest place is handed from link to link, so that the count of a link is a
 * function of its records and of the chain before it.
 */
import type { ChangeEvent } from '../core/events.ts'
import type { StreamFacts } from '../core/receipts.ts'
import type { RunFacts, StreamPlace } from '../core/rowRun.ts'

/** A place is `<commit lsn>/<lsn>/<order>`; the order in its transaction is -1 where the connector tells none. */
export class StreamOrder {
  private commit = -1n
  private lsn = -1n
  private order = -1n
  private replayed = 0
  private resnapshot = 0

  constructor(high: string | null = null) {
    if (high !== null) [this.commit, this.lsn, this.order] = high.split('/').map(BigInt) as [bigint, bigint, bigint]
  }

  add(event: ChangeEvent): void {
    const { lsn, op } = event
    if (op === 'r') {
      if (this.lsn >= 0n && event.snapshot !== 'incremental') this.resnapshot++
      return
    }
    if (lsn === null) return
    // Until the connector has seen its first commit, the change itself stands for it: commits after it are greater.
    const commit = event.commitLsn ?? lsn
    const order = event.txOrder ?? -1n
    const above = commit === this.commit ? this.isAbove(lsn, order) : commit > this.commit
    if (!above) {
      this.replayed++
      return
    }
    this.commit = commit
    this.lsn = lsn
    this.order = order
  }

  /** Rows of one COPY share their LSN; without an order in the transaction nothing tells them apart, and equal is no replay. */
  private isAbove(lsn: bigint, order: bigint): boolean {
    return lsn === this.lsn ? order > this.order || order < 0n : lsn > this.lsn
  }

  get place(): StreamPlace {
    return { commit: this.commit, lsn: this.lsn, order: this.order }
  }

  /** Events that were compared elsewhere, from `place` on. */
  addRun({ place, replayed, resnapshot }: RunFacts): void {
    this.commit = place.commit
    this.lsn = place.lsn
    this.order = place.order
    this.replayed += replayed
    this.resnapshot += resnapshot
  }

  get soFar(): StreamFacts {
    const high = this.lsn < 0n ? null : `${this.commit}/${this.lsn}/${this.order}`
    return { high, replayed: this.replayed, resnapshot: this.resnapshot }
  }
}
