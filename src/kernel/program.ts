/** What the kernel is told before it reads rows: where everything stands in its memory, how records are laid out, what columns there are. */
import type { EventLayout, MessageLayout, ObjectLayout } from '../core/layout.ts'
import { firstFieldSlot } from '../core/layout.ts'
import { firstFree, inputAt, type Kernel, type KernelExports } from './module.ts'
import type { RunColumn } from './rows.ts'

/** assembly/records.ts has the same numbers. `token`: only the slow path knows how to read it. */
export const kinds = {
  none: 0,
  integer: 1,
  double: 2,
  real: 3,
  decimal: 4,
  boolean: 5,
  text: 6,
  time: 7,
  date: 8,
  timestamp: 9,
  timestamp_ntz: 10,
  token: 11,
} as const
export type Kind = keyof typeof kinds

/** Rows between two drains, records of a block, late doubles. */
export const rowRoom = 2048
export const recordRoom = 16_384
export const lateRoom = 4096

const columnWords = 16
/** Bytes of one column's strings between two drains, and of all together. */
const mostText = 256 * 1024
const allText = 40 * 1024 * 1024
/** Up to so many bytes are read and written beyond what is meant. */
const slack = 16

export interface ColumnPlace {
  readonly kind: Kind
  readonly present: number
  readonly data: number
  /** 0: none. */
  readonly ends: number
  /** Of the word that counts its values. */
  readonly values: number
  readonly room: number
}

export interface Places {
  readonly spans: Readonly<Record<'keyStarts' | 'keyEnds' | 'valueStarts' | 'valueEnds' | 'offsetDeltas' | 'timestamps', number>>
  readonly arrays: Readonly<
    Record<'ops' | 'sourceTs' | 'commitLsns' | 'lsns' | 'txIds' | 'txOrders' | 'snapshotOf' | 'offsets' | 'kafkaTs', number>
  > & { readonly present: readonly number[] }
  readonly late: number
  readonly slots: number
  readonly slotCount: number
  readonly table: number
  readonly columns: readonly ColumnPlace[]
  readonly tokenColumns: readonly number[]
  /** Layouts and literals stand from here on. */
  readonly literals: number
}

/** Globals of the kernel that a program sets. */
type Settings = Partial<Record<NumberGlobals, number>>
type NumberGlobals = { [K in keyof KernelExports]: KernelExports[K] extends { value: number } ? K : never }[keyof KernelExports]

export interface Program {
  readonly columns: readonly RunColumn[]
  readonly places: Places
  readonly settings: Settings
  readonly table: Int32Array
  readonly literals: Uint8Array
}

/** Gives out memory from the bottom up. */
class Arena {
  at = firstFree

  take(bytes: number): number {
    const at = this.at
    this.at = (at + bytes + slack + 15) & ~15
    return at
  }
}

function placesOf(layout: EventLayout, columns: readonly RunColumn[]): Places | null {
  const arena = new Arena()
  const records = () => arena.take(recordRoom * 4)
  const rows = () => arena.take(rowRoom * 8)
  const spans = {
    keyStarts: records(),
    keyEnds: records(),
    valueStarts: records(),
    valueEnds: records(),
    offsetDeltas: records(),
    timestamps: arena.take(recordRoom * 8),
  }
  const arrays = {
    ops: arena.take(rowRoom),
    sourceTs: rows(),
    commitLsns: rows(),
    lsns: rows(),
    txIds: rows(),
    txOrders: rows(),
    snapshotOf: arena.take(rowRoom),
    offsets: rows(),
    kafkaTs: rows(),
    present: Array.from({ length: 6 }, () => arena.take(rowRoom)),
  }
  const slotCount = layout.firstKeySlot + layout.keyFields.length
  const kindOf = ({ field, reading }: RunColumn): Kind => (field < 0 ? 'none' : (reading?.kind ?? 'token'))
  const texts = columns.filter((column) => isText(kindOf(column))).length
  const room = Math.min(mostText, Math.floor(allText / Math.max(1, texts)))
  const late = arena.take(lateRoom * 16)
  const slots = arena.take(slotCount * 12)
  const table = arena.take(columns.length * columnWords * 4)
  const placed = columns.map((column, i): ColumnPlace => {
    const kind = kindOf(column)
    const withEnds = isText(kind) || kind === 'token'
    return {
      kind,
      present: arena.take(rowRoom),
      data: kind === 'none' ? 0 : arena.take(isText(kind) ? room : rowRoom * 8),
      ends: withEnds ? arena.take(rowRoom * 4) : 0,
      values: table + (i * columnWords + 6) * 4,
      room,
    }
  })
  const literals = arena.at
  const tokenColumns = placed.flatMap(({ kind }, i) => (kind === 'token' ? [i] : []))
  const places = { spans, arrays, late, slots, slotCount, table, columns: placed, tokenColumns, literals }
  return literals + literalBytes(layout, columns) > inputAt ? null : places
}

function isText(kind: Kind): boolean {
  return kind === 'text' || kind === 'time'
}

/** More than what layouts and literals take. */
function literalBytes({ value, row, key }: EventLayout, columns: readonly RunColumn[]): number {
  const ofObject = ({ members }: ObjectLayout): number =>
    members.reduce((sum, { name, constant, inner }) => {
      return sum + name.length + (constant?.length ?? 0) + 128 + (inner ? ofObject(inner) : 0)
    }, 256)
  const tokens = columns.reduce((sum, { reading }) => {
    return sum + (reading?.kind === 'text' ? reading.placeholders.reduce((all, token) => all + token.length + 64, 0) : 0)
  }, 0)
  const ofMessage = (message: MessageLayout): number => message.head.length + ofObject(message.object)
  return ofMessage(value) + ofObject(row) + (key ? ofMessage(key) : 0) + tokens + 4096
}

/** Snapshot marks as they stand in an event; the first one is of none. `true` also stands without quotes. */
const snapshotTokens = [
  ...['false', 'true', 'first', 'first_in_data_collection', 'last_in_data_collection', 'last', 'incremental'].map(
    (mark) => `"${mark}"`,
  ),
  'true',
]
const incremental = 6
const encoder = new TextEncoder()

/** Layouts and literals as they stand in the kernel's memory from `places.literals` on. */
class Literals {
  private readonly from: number
  private bytes = new Uint8Array(4096)
  private length = 0
  private readonly written = new Map<ObjectLayout, number>()

  constructor(from: number) {
    this.from = from
  }

  get image(): Uint8Array {
    return this.bytes.subarray(0, this.length)
  }

  /** Returns where it stands. */
  put(literal: Uint8Array): number {
    const at = this.length
    this.length = (at + literal.length + slack + 15) & ~15
    if (this.length > this.bytes.length) {
      const grown = new Uint8Array(this.length * 2)
      grown.set(this.bytes)
      this.bytes = grown
    }
    this.bytes.set(literal, at)
    return this.from + at
  }

  putObject(object: ObjectLayout): number {
    const known = this.written.get(object)
    if (known !== undefined) return known
    const { members, closing } = literalsOf(object)
    const out = members.flatMap(({ literal, slot, inner }) => {
      return [this.put(literal), literal.length, slot, inner ? this.putObject(inner) : 0]
    })
    const head = [object.firstSlot, object.slots, members.length, this.put(closing), closing.length]
    const place = this.put(new Uint8Array(Int32Array.from([...head, ...out]).buffer))
    this.written.set(object, place)
    return place
  }
}

/** Null where it is too much for the kernel's memory. */
export function programOf(layout: EventLayout, columns: readonly RunColumn[]): Program | null {
  const places = placesOf(layout, columns)
  if (places === null) return null
  const literals = new Literals(places.literals)
  const { value, key, row, oldRows, firstKeySlot, keyFields } = layout
  const table = columns.map(({ field, reading }, i) => {
    const { kind, present, data, ends, room } = places.columns[i]!
    const keyPlace = keyFields.indexOf(field)
    const slot = field < 0 ? -1 : firstFieldSlot + field
    const keySlot = field < 0 || keyPlace < 0 ? -1 : firstKeySlot + keyPlace
    const scale = reading?.kind === 'decimal' ? reading.scale : 0
    const [token = noToken, other = noToken] = reading?.kind === 'text' ? reading.placeholders : []
    const tokens = [literals.put(token), token.length, literals.put(other), other.length]
    const words = [kinds[kind], slot, keySlot, present, data, ends, 0, 0, room, scale, ...tokens]
    return [...words, ...Array.from({ length: columnWords - words.length }, () => 0)]
  })
  const { present: _, ...arrays } = places.arrays
  const settings: Settings = {
    valueHead: literals.put(value.head),
    valueHeadLength: value.head.length,
    valueLayout: literals.putObject(value.object),
    valueTail: value.wrapped ? 1 : 0,
    keyHead: key ? literals.put(key.head) : 0,
    keyHeadLength: key ? key.head.length : 0,
    keyLayout: key ? literals.putObject(key.object) : 0,
    keyTail: key?.wrapped ? 1 : 0,
    rowLayout: literals.putObject(row),
    oldRows: oldRows ? 1 : 0,
    columns: places.table,
    columnCount: columns.length,
    slotStarts: places.slots,
    slotEnds: places.slots + places.slotCount * 4,
    slotFlags: places.slots + places.slotCount * 8,
    snapshots: literals.put(marksOf(snapshotTokens)),
    snapshotCount: snapshotTokens.length,
    incremental,
    ...places.spans,
    ...arrays,
    late: places.late,
    lateRoom,
    rowRoom,
  }
  return { columns, places, settings, table: Int32Array.from(table.flat()), literals: literals.image }
}

/** Leaves the kernel without rows. */
export function loadProgram({ wasm, bytes, words }: Kernel, { places, settings, table, literals }: Program): void {
  for (const [name, value] of Object.entries(settings)) wasm[name as keyof Settings].value = value
  words.set(table, places.table / 4)
  words.fill(-1, places.slots / 4, places.slots / 4 + places.slotCount)
  bytes.set(literals, places.literals)
  wasm.clear()
}

const noToken = new Uint8Array(0)

interface MemberLiteral {
  /** All from the value before to this one. */
  readonly literal: Uint8Array
  readonly slot: number
  readonly inner: ObjectLayout | null
}

function literalsOf({ members }: ObjectLayout): { members: MemberLiteral[]; closing: Uint8Array } {
  const found: MemberLiteral[] = []
  let before = encoder.encode('{')
  for (const { name, constant, slot, inner } of members) {
    const literal = joined(before, name)
    before = encoder.encode(',')
    if (constant) before = joined(literal, constant, before)
    else found.push({ literal, slot, inner })
  }
  const open = members.length === 0 ? before : before.subarray(0, -1)
  return { members: found, closing: joined(open, encoder.encode('}')) }
}

function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(parts.flatMap((part) => [...part]))
}

/** 32 bytes each: its length, then itself. */
function marksOf(tokens: readonly string[]): Uint8Array {
  const out = new Uint8Array(tokens.length * 32)
  tokens.forEach((token, i) => {
    new DataView(out.buffer).setUint32(i * 32, token.length, true)
    out.set(encoder.encode(token), i * 32 + 4)
  })
  return out
}
