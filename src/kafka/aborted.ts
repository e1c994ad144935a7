/**
 * Which batches belong to aborted transactions, by the rule of Java's consumer (SEMANTICS R1.21). The broker's list may come
 * in any order; what counts is the first offset. One filter serves one fetch answer: the next answer brings its own list.
 */

export interface AbortedTransaction {
  readonly producerId: bigint
  readonly firstOffset: bigint
}

/** What the filter looks at; a record batch's header gives it. */
export interface BatchOrigin {
  readonly producerId: bigint
  readonly lastOffset: bigint
  readonly transactional: boolean
  /** null for a batch of data; control batches end transactions. */
  readonly control: 'abort' | 'other' | null
}

export class AbortedFilter {
  private readonly waiting: readonly AbortedTransaction[]
  private taken = 0
  private readonly open = new Set<bigint>()

  constructor(aborted: readonly AbortedTransaction[]) {
    this.waiting = [...aborted].sort((a, b) => (a.firstOffset < b.firstOffset ? -1 : a.firstOffset > b.firstOffset ? 1 : 0))
  }

  /** To be asked for every batch in offset order; true: its records are visible to read_committed. */
  visible(batch: BatchOrigin): boolean {
    while (this.taken < this.waiting.length && this.waiting[this.taken]!.firstOffset <= batch.lastOffset) {
      this.open.add(this.waiting[this.taken++]!.producerId)
    }
    if (batch.control === 'abort') this.open.delete(batch.producerId)
    if (batch.control !== null) return false
    return !(batch.transactional && this.open.has(batch.producerId))
  }
}
