/**
 * How the records of a topic are laid out, byte for byte around their values: the same from record to record, so that the one
 * read last tells how to read the next ones without looking for names. A record that is laid out otherwise is read slowly.
 */
import type { RowSchema } from './events.ts'

/** One JSON object without white space. */
export interface ObjectLayout {
  /** Its slots are [firstSlot, firstSlot + slots): where the values of one record stand is kept by slot. */
  readonly firstSlot: number
  readonly slots: number
  readonly members: readonly MemberLayout[]
}

export interface MemberLayout {
  /** `"name":` */
  readonly name: Uint8Array
  /** -1: nobody asks for the value. */
  readonly slot: number
  /** The value's own bytes, where a change of them is rare enough to be read slowly. */
  readonly constant: Uint8Array | null
  /** How the value is laid out where it is an object; else it may be anything. */
  readonly inner: ObjectLayout | null
}

/** An object, and what stands before and behind it in its message. */
export interface MessageLayout {
  readonly head: Uint8Array
  /** The object is a payload: one more brace closes the message. */
  readonly wrapped: boolean
  readonly object: ObjectLayout
}

export interface EventLayout {
  readonly value: MessageLayout
  /** The row in `before` and `after`. */
  readonly row: ObjectLayout
  /** null: records have no key. */
  readonly key: MessageLayout | null
  /** Field i has the slot `firstFieldSlot + i`. */
  readonly rows: RowSchema
  /** For each column of the key its field. */
  readonly keyFields: Int32Array
  readonly firstKeySlot: number
  /** The old row of a delete is believed (REPLICA IDENTITY FULL). */
  readonly oldRows: boolean
}

/** Slots of the envelope and of what stands in it. */
export const slots = {
  before: 0,
  after: 1,
  op: 2,
  tsMs: 3,
  tsUs: 4,
  snapshot: 5,
  sequence: 6,
  txId: 7,
  lsn: 8,
  transaction: 9,
  order: 10,
} as const
export const firstFieldSlot = 16
