/** What the readers learned of the last record, as the layout by which the next ones can be read without them (core/layout.ts). */
import { firstFieldSlot, slots, type EventLayout, type MemberLayout, type ObjectLayout } from '../core/layout.ts'
import { after, before, op, source, totalOrder, transaction } from './envelope.ts'
import type { ObjectReader } from './objectReader.ts'
import type { KeyShape, RowShape } from './rowShapes.ts'
import { isToken } from './scan.ts'
import { lsn, sequence, snapshot, steady, tsMs, tsUs, txId } from './source.ts'

export interface LastRecord {
  readonly shape: RowShape
  readonly head: Uint8Array
  readonly key: KeyShape | null
  readonly keyHead: Uint8Array | null
}

/** Members of the source with the values that they had last. */
type Constants = readonly (readonly [index: number, value: Uint8Array])[]
type Slots = ReadonlyMap<number, number>

const envelopeSlots: Slots = new Map([
  [before, slots.before],
  [after, slots.after],
  [op, slots.op],
  [transaction, slots.transaction],
])
const sourceSlots: Slots = new Map([
  [tsMs, slots.tsMs],
  [tsUs, slots.tsUs],
  [snapshot, slots.snapshot],
  [sequence, slots.sequence],
  [txId, slots.txId],
  [lsn, slots.lsn],
])
const orderSlots: Slots = new Map([[totalOrder, slots.order]])

/** Keeps the layout while it holds, so that whoever uses it sees by identity that nothing changed. */
export class LayoutKeeper {
  private readonly envelope: ObjectReader
  private readonly source: ObjectReader
  private readonly order: ObjectReader
  private readonly oldRows: boolean
  private kept: EventLayout | null = null
  private of: LastRecord | null = null
  private moves = ''
  private constants: Constants = []

  constructor(envelope: ObjectReader, source: ObjectReader, order: ObjectReader, oldRows: boolean) {
    this.envelope = envelope
    this.source = source
    this.order = order
    this.oldRows = oldRows
  }

  layout(bytes: Uint8Array, last: LastRecord): EventLayout | null {
    const { envelope, source, order } = this
    const readers = [envelope, source, order, last.shape.reader, ...(last.key ? [last.key.reader] : [])]
    const moves = readers.map((reader) => `${reader.moves}/${reader.members}`).join()
    if (this.of === null || moves !== this.moves || !sameRecord(this.of, last) || !this.holds(bytes)) {
      this.of = last
      this.moves = moves
      this.constants = constantsOf(this.source, bytes)
      this.kept = this.build(last)
    }
    return this.kept
  }

  /** The values that the layout takes for constant are still those. */
  private holds(bytes: Uint8Array): boolean {
    const { start, end } = this.source
    return this.constants.every(([index, value]) => isToken(bytes, start[index]!, end[index]!, value))
  }

  private build({ shape, head, key, keyHead }: LastRecord): EventLayout | null {
    const { fields } = shape.schema
    const firstKeySlot = firstFieldSlot + fields.length
    const row = objectLayout(shape.reader, { firstSlot: firstFieldSlot, slots: fields.length })
    const order = objectLayout(this.order, { firstSlot: slots.order, slots: 1, slotOf: orderSlots })
    const from = objectLayout(this.source, { firstSlot: slots.tsMs, slots: 6, slotOf: sourceSlots, constants: this.constants })
    if (row === null || order === null || from === null) return null
    if (shape.complete && row.members.length !== fields.length) return null
    const inner = new Map([
      [after, row],
      [source, from],
      [transaction, order],
    ])
    const envelope = objectLayout(this.envelope, { firstSlot: 0, slots: 0, slotOf: envelopeSlots, inner })
    if (envelope === null || (key !== null && keyHead === null)) return null
    const keyFields = key === null ? [] : key.names.map((name) => fields.findIndex((field) => field.name === name))
    const keyLayout = key && objectLayout(key.reader, { firstSlot: firstKeySlot, slots: key.names.length })
    if (key !== null && (keyLayout === null || keyFields.length === 0 || keyFields.includes(-1))) return null
    return {
      value: { head, wrapped: head.length > 0, object: envelope },
      row,
      key: keyLayout && { head: keyHead!, wrapped: keyHead!.length > 0, object: keyLayout },
      rows: shape.schema,
      keyFields: Int32Array.from(keyFields),
      firstKeySlot,
      oldRows: this.oldRows,
    }
  }
}

function constantsOf({ start, end }: ObjectReader, bytes: Uint8Array): Constants {
  // Copied: the block's memory is used again, and the slice of a Buffer would be a view of it.
  const copy = (index: number) => new Uint8Array(bytes.subarray(start[index], end[index]))
  return steady.filter((index) => start[index]! >= 0).map((index) => [index, copy(index)] as const)
}

function sameRecord(one: LastRecord, other: LastRecord): boolean {
  return one.shape === other.shape && one.head === other.head && one.key === other.key && one.keyHead === other.keyHead
}

interface Wanted {
  readonly firstSlot: number
  readonly slots: number
  /** By the reader's number of a name; absent: all of them in their order. */
  readonly slotOf?: Slots
  readonly inner?: ReadonlyMap<number, ObjectLayout>
  readonly constants?: Constants
}

function objectLayout(reader: ObjectReader, { firstSlot, slots, slotOf, inner, constants }: Wanted): ObjectLayout | null {
  const order = reader.lastOrder
  if (order === null) return null
  const members = order.map((index): MemberLayout => {
    const known = index < reader.names.length
    return {
      name: reader.tokenAt(index),
      slot: !known ? -1 : slotOf ? (slotOf.get(index) ?? -1) : firstSlot + index,
      constant: constants?.find(([of]) => of === index)?.[1] ?? null,
      inner: inner?.get(index) ?? null,
    }
  })
  return { firstSlot, slots, members }
}
