/**
 * A change event as the decoder hands it over: the envelope parsed, the row still as JSON tokens in the bytes they came in.
 * Values become typed columns without passing through JavaScript objects, strings or doubles.
 */
import type { ColumnBuilder } from './columns.ts'
import type { LakeType } from './schema.ts'

/** r = snapshot read, c = insert, u = update, d = delete, t = truncate */
export type Op = 'r' | 'c' | 'u' | 'd' | 't'

/** What a value leaves behind beside NULL in its column. */
export interface RowNotes {
  /** The value has no place in the column's type (infinite date, NaN decimal): its text goes to `__special`. */
  special(column: string, text: string): void
  /** A TOAST placeholder: the database did not say the value; the name goes to `__unchanged_toast`. */
  unchanged(column: string): void
}

/** How a value is read that has the usual form: by the kernel (src/kernel), many at a time. */
export type Reading =
  | { readonly kind: 'integer' | 'double' | 'real' | 'boolean' | 'date' | 'timestamp' | 'timestamp_ntz' | 'time' }
  | { readonly kind: 'decimal'; readonly scale: number }
  /** At most two tokens that stand for a value that is not there. */
  | { readonly kind: 'text'; readonly placeholders: readonly Uint8Array[] }

export interface Field {
  readonly name: string
  readonly type: LakeType
  /** What `append` does with usual values; absent: each is given to `append`. */
  readonly reading?: Reading
  /**
   * Appends exactly one value: the JSON token at [start, end) of `bytes`, `null` included.
   * Throws CDC4001 ValueOutOfRange or CDC3001 UndecodableRecord; the caller then rewinds the row.
   */
  append(bytes: Uint8Array, start: number, end: number, column: ColumnBuilder, notes: RowNotes): void
}

/** The columns of a row image. The same schema block gives the same object: compare by identity. */
export interface RowSchema {
  readonly fields: readonly Field[]
}

/** One row as tokens: field i stands at [start[i], end[i]) of `bytes`; a start of -1 is a field that is absent. */
export interface RowImage {
  readonly schema: RowSchema
  readonly bytes: Uint8Array
  readonly start: Int32Array
  readonly end: Int32Array
}

export interface ChangeEvent {
  readonly op: Op
  /** r, c, u: the row after the change. d: the key, or the whole old row where the database is known to give it. t: null. */
  readonly image: RowImage | null
  /** Names of the primary key's columns, from the message key; empty for a table without one. Compare by identity first. */
  readonly key: readonly string[]
  /** Commit time in the database, us since 1970; null where the connector says none. */
  readonly sourceTsUs: number | null
  readonly commitLsn: bigint | null
  readonly lsn: bigint | null
  readonly txId: bigint | null
  readonly txOrder: bigint | null
  readonly snapshot: string | null
}
