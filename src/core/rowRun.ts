/** A run of rows that were read at once: what `RowBatch.append` is told of one row, for many. */
import type { ColumnBuilder } from './columns.ts'

/** Values of those rows that have one, in their order. */
export interface RunValues {
  /** 1 for each row that has a value, else 0. */
  readonly present: Uint8Array
  readonly values: BigInt64Array<ArrayBuffer>
}

/** Greatest place of a streamed event so far; -1 where there is none (src/rows/streamOrder.ts). */
export interface StreamPlace {
  readonly commit: bigint
  readonly lsn: bigint
  readonly order: bigint
}

export interface RunFacts {
  /** us since 1970. */
  readonly minSourceTs: bigint
  readonly maxSourceTs: bigint
  /** null: no row has one. */
  readonly minLsn: bigint | null
  readonly maxLsn: bigint | null
  readonly place: StreamPlace
  /** Events that are not above the place before them, and snapshot rows after streaming had begun. */
  readonly replayed: number
  readonly resnapshot: number
}

/** Views of memory that is used again: to be taken over at once. */
export interface RowRun {
  readonly rows: number
  /** Appends the run's values to the builder of the table's column i. */
  appendTo(i: number, column: ColumnBuilder): void
  /** Letters of `Op`. */
  readonly ops: Uint8Array
  /** Kafka's, of every row. */
  readonly offsets: BigInt64Array<ArrayBuffer>
  readonly sourceTs: RunValues
  readonly commitLsn: RunValues
  readonly lsn: RunValues
  readonly txId: RunValues
  readonly txOrder: RunValues
  /** us since 1970. */
  readonly kafkaTs: RunValues
  /** For each row the name of its snapshot mark, null for none; null where no row has one. */
  readonly snapshots: readonly (string | null)[] | null
  readonly facts: RunFacts
}
