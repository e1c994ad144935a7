/**
 * Change events of a known layout -> rows of columns. The layout, the columns and the limits are written here by
 * src/kernel/rows.ts; whatever a record has beyond them ends the run before it, and that record goes the slow path.
 *
 * An object's layout, in 32-bit words: first slot, number of slots, number of members, literal behind the last value (place,
 * length); then for each member the literal before its value (place, length), its slot or -1, the layout of the object that it
 * is or 0. Slots keep where a value begins and ends; -1 where there is none.
 */
import { equalBytes, isDigit, skipString, skipValue, stringFlags } from './json'
import {
  copyText,
  double,
  isToken,
  long,
  readDate,
  readDecimal,
  readDouble,
  readInteger,
  readTimestamp,
  unescapeText,
} from './values'

// Why a run ended: src/kernel/rows.ts names the same numbers.
const done = 0
const slow = 1
const full = 2
const limit = 3

// How a column reads its values: src/core/events.ts names the same numbers.
const kindNone = 0
const kindInteger = 1
const kindDouble = 2
const kindReal = 3
const kindDecimal = 4
const kindBoolean = 5
const kindText = 6
const kindTime = 7
const kindDate = 8
const kindTimestamp = 9
const kindTimestampNtz = 10
const kindToken = 11

// Words of a column, 64 bytes in all: src/kernel/rows.ts names the same places.
const columnBytes: usize = 64
const columnKind: usize = 0
const columnSlot: usize = 4
/** Where the key of a delete has this column's value, or -1. */
const columnKeySlot: usize = 8
const columnPresent: usize = 12
const columnData: usize = 16
const columnEnds: usize = 20
const columnValues: usize = 24
const columnUsed: usize = 28
const columnRoom: usize = 32
const columnScale: usize = 36
const columnToken: usize = 40
const columnOtherToken: usize = 48

/** No value: below every LSN, transaction id and time. */
const nothing = i64.MIN_VALUE

// The first slots are those of every event: src/kernel/rows.ts names the same ones.
const slotBefore = 0
const slotAfter = 1
const slotOp = 2
const slotTsMs = 3
const slotTsUs = 4
const slotSnapshot = 5
const slotSequence = 6
const slotTxId = 7
const slotLsn = 8
const slotTransaction = 9
const slotOrder = 10

export let slotStarts: usize = 0
export let slotEnds: usize = 0
export let slotFlags: usize = 0
export let columns: usize = 0
export let columnCount: i32 = 0

/** Where the block stands that spans of records are in. */
export let block: usize = 0
/** Spans of records: 32-bit words, as RecordBlock has them. */
export let keyStarts: usize = 0
export let keyEnds: usize = 0
export let valueStarts: usize = 0
export let valueEnds: usize = 0
export let offsetDeltas: usize = 0
/** 64-bit floats, ms. */
export let timestamps: usize = 0

export let valueHead: usize = 0
export let valueHeadLength: i32 = 0
export let valueLayout: usize = 0
/** Braces behind the object: 1 where it is a payload. */
export let valueTail: i32 = 0
export let keyHead: usize = 0
export let keyHeadLength: usize = 0
/** 0: records have no key. */
export let keyLayout: usize = 0
export let keyTail: i32 = 0
/** 1: deletes carry the old row, and each change under REPLICA IDENTITY FULL. */
export let oldRows: i32 = 0
/** Layout of the row, for the old one. */
export let rowLayout: usize = 0

/** Snapshot marks that are known: each 32 bytes, its length first, then the token; the first one means "no snapshot". */
export let snapshots: usize = 0
export let snapshotCount: i32 = 0

// What each row is beside its columns: arrays of `rowRoom`.
export let ops: usize = 0
export let sourceTs: usize = 0
export let commitLsns: usize = 0
export let lsns: usize = 0
export let txIds: usize = 0
export let txOrders: usize = 0
export let snapshotOf: usize = 0
export let offsets: usize = 0
export let kafkaTs: usize = 0

/** Doubles whose digits are for the slow path: column, value, start, end as 32-bit words. */
export let late: usize = 0
export let lateCount: i32 = 0
export let lateRoom: i32 = 0

export let rowRoom: i32 = 0
export let rows: i32 = 0
/** How many more rows, and bytes of values without their schemas, the range may have; the bytes may be overdrawn by one record. */
export let rowsLeft: i32 = 0
export let bytesLeft: i64 = 0
/** us since 1970: an event from here on opens a later day. */
export let dayEnd: i64 = 0
export let baseOffset: i64 = 0
export let stopped: i32 = 0

function slotStart(slot: i32): i32 {
  return load<i32>(slotStarts + ((slot as usize) << 2))
}

function slotEnd(slot: i32): usize {
  return load<u32>(slotEnds + ((slot as usize) << 2)) as usize
}

/** Records [first, count) of the block. Returns how many were passed, and why it stopped in `stopped`. */
export function decode(first: i32, count: i32): i32 {
  for (let i = first; i < count; i++) {
    const place = (i as usize) << 2
    const start = load<i32>(valueStarts + place)
    const keyStart = load<i32>(keyStarts + place)
    if (start >= 0) {
      if (rows == rowRoom) {
        stopped = full
        return i
      }
      const valueEnd = load<i32>(valueEnds + place)
      stopped = readRecord(i, block + (start as usize), block + (valueEnd as usize), keyStart, load<i32>(keyEnds + place))
      if (stopped != done) return i
      rows++
      rowsLeft--
      bytesLeft -= (valueEnd - start - valueHeadLength) as i64
    }
    if (rowsLeft <= 0 || bytesLeft <= 0) {
      stopped = limit
      return i + 1
    }
  }
  stopped = done
  return count
}

function readRecord(i: i32, start: usize, end: usize, keyStart: i32, keyEnd: i32): i32 {
  if (!matchWhole(start, end, valueHead, valueHeadLength as usize, valueLayout, valueTail)) return slow
  if (keyStart < 0) {
    if (keyLayout != 0) return slow
  } else {
    if (keyLayout == 0) return slow
    const key = block + (keyStart as usize)
    if (!matchWhole(key, block + (keyEnd as usize), keyHead, keyHeadLength, keyLayout, keyTail)) return slow
  }
  if (!readEvent(i)) return slow
  return readRow(load<u8>(ops + (rows as usize)) == 0x64)
}

function matchWhole(start: usize, end: usize, head: usize, headLength: usize, layout: usize, tail: i32): bool {
  let at = start
  if (headLength > 0) {
    if (start + headLength > end || !equalBytes(start, head, headLength)) return false
    at = start + headLength
  }
  at = matchObject(layout, at, end)
  if (at == 0) return false
  if (tail == 0) return at == end
  return at + 1 == end && load<u8>(at) == 0x7d
}

/** Returns the place behind the object that stands at `at`, or 0; its slots are filled. */
function matchObject(layout: usize, at: usize, end: usize): usize {
  const members = load<i32>(layout, 8)
  let p = at
  let member = layout + 20
  for (let k = 0; k < members; k++, member += 16) {
    const length = load<u32>(member, 4) as usize
    if (p + length > end || !equalBytes(p, load<u32>(member) as usize, length)) return 0
    p += length
    if (p >= end) return 0
    const slot = load<i32>(member, 8)
    const inner = load<u32>(member, 12) as usize
    const valueAt = p
    const c = load<u8>(p)
    if (c == 0x22) {
      p = skipString(p, end)
    } else if (inner != 0 && c == 0x7b) p = matchObject(inner, p, end)
    else {
      if (inner != 0) clearSlots(inner)
      p = skipValue(p, end, 0)
    }
    if (p == 0) return 0
    if (slot >= 0) {
      const place = (slot as usize) << 2
      store<i32>(slotStarts + place, valueAt as i32)
      store<u32>(slotEnds + place, p as u32)
      store<i32>(slotFlags + place, stringFlags)
    }
  }
  const closing = load<u32>(layout, 16) as usize
  if (p + closing > end || !equalBytes(p, load<u32>(layout, 12) as usize, closing)) return 0
  return p + closing
}

function clearSlots(layout: usize): void {
  const first = load<i32>(layout) as usize
  memory.fill(slotStarts + (first << 2), 0xff, (load<i32>(layout, 4) as usize) << 2)
}

function opensObject(slot: i32): bool {
  const at = slotStart(slot)
  return at >= 0 && load<u8>(at as usize) == 0x7b
}

/** What the envelope says of the row that is to come. */
function readEvent(i: i32): bool {
  const opAt = slotStart(slotOp)
  if (opAt < 0 || slotEnd(slotOp) - (opAt as usize) != 3) return false
  const op = load<u8>(opAt as usize, 1)
  const isDelete = op == 0x64
  if (isDelete) {
    if (oldRows != 0 ? !opensObject(slotBefore) : keyLayout == 0) return false
  } else {
    if ((op != 0x63 && op != 0x75 && op != 0x72) || !opensObject(slotAfter)) return false
    if (oldRows != 0 && op == 0x75 && !opensObject(slotBefore)) return false
  }
  const row = rows as usize
  const timestamp = load<f64>(timestamps + ((i as usize) << 3))
  if (!readSourceTs()) return false
  // More than a day ahead of the broker's clock: such an event opens no day, and is looked at slowly.
  if (long >= dayEnd) return false
  store<i64>(sourceTs + (row << 3), long)
  if (!readSequence()) return false
  store<i64>(commitLsns + (row << 3), long)
  if (!readSlot(slotLsn)) return false
  store<i64>(lsns + (row << 3), long)
  if (!readSlot(slotTxId)) return false
  store<i64>(txIds + (row << 3), long)
  if (opensObject(slotTransaction)) {
    if (!readSlot(slotOrder)) return false
  } else long = nothing
  store<i64>(txOrders + (row << 3), long)
  const snapshot = readSnapshot()
  if (snapshot < 0) return false
  store<u8>(snapshotOf + row, snapshot as u8)
  store<u8>(ops + row, op)
  store<i64>(offsets + (row << 3), baseOffset + (load<i32>(offsetDeltas + ((i as usize) << 2)) as i64))
  // -1: the producer gave no time.
  store<i64>(kafkaTs + (row << 3), timestamp < 0 ? nothing : (timestamp as i64) * 1000)
  return true
}

function readSourceTs(): bool {
  if (!readSlot(slotTsUs)) return false
  if (long != nothing) return true
  if (!readSlot(slotTsMs) || long == nothing) return false
  long *= 1000
  return true
}

/** A whole number, or `nothing` where it is absent or null. */
function readSlot(slot: i32): bool {
  const at = slotStart(slot)
  if (at < 0 || load<u8>(at as usize) == 0x6e) {
    long = nothing
    return true
  }
  return readInteger(at as usize, slotEnd(slot))
}

/** LSN of the last commit: the first element of `"[\"23\",\"42\"]"` or `"[null,\"42\"]"`. */
function readSequence(): bool {
  const at = slotStart(slotSequence)
  if (at < 0 || load<u8>(at as usize) == 0x6e) {
    long = nothing
    return true
  }
  const start = at as usize
  const end = slotEnd(slotSequence)
  if (end - start < 8 || load<u16>(start) != 0x5b22) return false
  if (load<u32>(start, 2) == 0x6c6c756e && load<u8>(start, 6) == 0x2c) {
    long = nothing
    return true
  }
  if (load<u16>(start, 2) != 0x225c) return false
  let stop = start + 4
  while (stop < end && load<u8>(stop) != 0x5c) stop++
  return readInteger(start + 4, stop)
}

/** Number of the mark, 0 for "no snapshot"; -1 for one that is not known. */
function readSnapshot(): i32 {
  const at = slotStart(slotSnapshot)
  if (at < 0) return 0
  const start = at as usize
  const c = load<u8>(start)
  if (c == 0x6e || c == 0x66) return 0
  const length = slotEnd(slotSnapshot) - start
  for (let k = 0; k < snapshotCount; k++) {
    const mark = snapshots + ((k as usize) << 5)
    if (length == (load<u32>(mark) as usize) && equalBytes(start, mark + 4, length)) return k
  }
  return -1
}

/** Appends a value or null to each column. Where a value is not known here nothing of the row stays. */
function readRow(isDelete: bool): i32 {
  if (isDelete && oldRows != 0) {
    const at = slotStart(slotBefore) as usize
    if (matchObject(rowLayout, at, slotEnd(slotBefore)) != slotEnd(slotBefore)) return slow
  }
  const byKey = isDelete && oldRows == 0
  let column = columns
  for (let k = 0; k < columnCount; k++, column += columnBytes) {
    const slot = byKey ? load<i32>(column, columnKeySlot) : load<i32>(column, columnSlot)
    const answer = readValue(column, k, slot)
    if (answer != done) {
      takeBack(k)
      return answer
    }
  }
  return done
}

/** Of the row under way, what stands in the first `count` columns. */
function takeBack(count: i32): void {
  let column = columns
  for (let k = 0; k < count; k++, column += columnBytes) dropLast(column)
  while (lateCount > 0) {
    const last = late + (((lateCount - 1) as usize) << 4)
    const owner = columns + (load<u32>(last) as usize) * columnBytes
    if (load<i32>(last, 4) < load<i32>(owner, columnValues)) break
    lateCount--
  }
}

function dropLast(column: usize): void {
  if (load<u8>((load<u32>(column, columnPresent) as usize) + (rows as usize)) == 0) return
  const values = load<i32>(column, columnValues) - 1
  store<i32>(column, values, columnValues)
  const ends = load<u32>(column, columnEnds) as usize
  if (ends != 0 && load<i32>(column, columnKind) != kindToken) {
    store<u32>(column, values == 0 ? 0 : load<u32>(ends + (((values - 1) as usize) << 2)), columnUsed)
  }
}

function readValue(column: usize, index: i32, slot: i32): i32 {
  const kind = load<i32>(column, columnKind)
  const present = (load<u32>(column, columnPresent) as usize) + (rows as usize)
  const at = slot < 0 ? -1 : slotStart(slot)
  if (kind == kindNone || at < 0 || load<u8>(at as usize) == 0x6e) {
    store<u8>(present, 0)
    return done
  }
  const start = at as usize
  const end = slotEnd(slot)
  const values = load<i32>(column, columnValues) as usize
  const data = load<u32>(column, columnData) as usize
  switch (kind) {
    case kindInteger:
      if (!readInteger(start, end)) return slow
      store<i64>(data + (values << 3), long)
      break
    case kindDecimal:
      if (!readDecimal(start, end, load<i32>(column, columnScale))) return slow
      store<i64>(data + (values << 3), long)
      break
    case kindTimestamp:
    case kindTimestampNtz:
      if (!readTimestamp(start, end, kind == kindTimestamp)) return slow
      store<i64>(data + (values << 3), long)
      break
    case kindDate:
      if (!readDate(start, end)) return slow
      store<i32>(data + (values << 2), long as i32)
      break
    case kindBoolean: {
      const c = load<u8>(start)
      if (c != 0x74 && c != 0x66) return slow
      store<u8>(data + values, c == 0x74 ? 1 : 0)
      break
    }
    case kindDouble:
    case kindReal:
      if (readDouble(start, end)) {
        store<f64>(data + (values << 3), kind == kindReal ? (double as f32 as f64) : double)
      } else {
        if (lateCount == lateRoom) return full
        const entry = late + ((lateCount as usize) << 4)
        store<i32>(entry, index)
        store<u32>(entry, values as u32, 4)
        store<u32>(entry, start as u32, 8)
        store<u32>(entry, end as u32, 12)
        lateCount++
      }
      break
    case kindText:
    case kindTime: {
      const answer = readText(column, kind, slot, start, end, values, data)
      if (answer != done) return answer
      break
    }
    default:
      // Tokens: where the value stands, for the slow path of just this column.
      store<u32>(data + (values << 2), start as u32)
      store<u32>((load<u32>(column, columnEnds) as usize) + (values << 2), end as u32)
  }
  store<u8>(present, 1)
  store<u32>(column, (values as u32) + 1, columnValues)
  return done
}

function readText(column: usize, kind: i32, slot: i32, start: usize, end: usize, values: usize, data: usize): i32 {
  if (load<u8>(start) != 0x22) return slow
  if (isToken(start, end, load<u32>(column, columnToken) as usize, load<u32>(column, columnToken + 4) as usize)) return slow
  if (isToken(start, end, load<u32>(column, columnOtherToken) as usize, load<u32>(column, columnOtherToken + 4) as usize))
    return slow
  const from = start + 1
  const stop = kind == kindTime && load<u8>(end - 2) == 0x5a ? end - 2 : end - 1
  const length = stop - from
  const used = load<u32>(column, columnUsed) as usize
  const room = load<u32>(column, columnRoom) as usize
  if (used + length > room) return length > room ? slow : full
  let to = data + used
  if (load<i32>(slotFlags + ((slot as usize) << 2)) == 0) {
    copyText(from, length, to)
    to += length
  } else {
    to = unescapeText(from, stop, to)
    if (to == 0) return slow
  }
  store<u32>((load<u32>(column, columnEnds) as usize) + (values << 2), (to - data) as u32)
  store<u32>(column, (to - data) as u32, columnUsed)
  return done
}

/** Keeps the first `count` rows. */
export function truncate(count: i32): void {
  let column = columns
  for (let k = 0; k < columnCount; k++, column += columnBytes) {
    const present = load<u32>(column, columnPresent) as usize
    let gone = 0
    for (let row = count; row < rows; row++) gone += load<u8>(present + (row as usize)) as i32
    const values = load<i32>(column, columnValues) - gone
    store<i32>(column, values, columnValues)
    const ends = load<u32>(column, columnEnds) as usize
    if (ends != 0 && load<i32>(column, columnKind) != kindToken) {
      store<u32>(column, values == 0 ? 0 : load<u32>(ends + (((values - 1) as usize) << 2)), columnUsed)
    }
  }
  rows = count
}

/** Forgets all rows: they were taken away. */
export function clear(): void {
  let column = columns
  for (let k = 0; k < columnCount; k++, column += columnBytes) {
    store<i32>(column, 0, columnValues)
    store<i32>(column, 0, columnUsed)
  }
  rows = 0
  lateCount = 0
}

/** The values of `from` that are not `nothing` close together in place, and for each row whether there was one; how many there are. */
export function compact(from: usize, present: usize): i32 {
  let values = 0
  for (let row = 0; row < rows; row++) {
    const value = load<i64>(from + ((row as usize) << 3))
    const there = value != nothing
    store<u8>(present + (row as usize), there ? 1 : 0)
    if (!there) continue
    store<i64>(from + ((values as usize) << 3), value)
    values++
  }
  return values
}

// What the rows say of their link (src/rows/facts.ts, src/rows/streamOrder.ts), carried from run to run.
export let minTs: i64 = 0
export let maxTs: i64 = 0
export let minLsn: i64 = 0
export let maxLsn: i64 = 0
export let highCommit: i64 = 0
export let highLsn: i64 = 0
export let highOrder: i64 = 0
export let replayed: i32 = 0
export let resnapshot: i32 = 0
/** Number of the mark of an incremental snapshot. */
export let incremental: i32 = 0

/** To be called before `compact`. Least values begin at the greatest number and the other way round. */
export function account(): void {
  for (let row: usize = 0; row < (rows as usize); row++) {
    const ts = load<i64>(sourceTs + (row << 3))
    if (ts < minTs) minTs = ts
    if (ts > maxTs) maxTs = ts
    const lsn = load<i64>(lsns + (row << 3))
    if (lsn != nothing) {
      if (lsn < minLsn) minLsn = lsn
      if (lsn > maxLsn) maxLsn = lsn
    }
    if (load<u8>(ops + row) == 0x72) {
      if (highLsn >= 0 && (load<u8>(snapshotOf + row) as i32) != incremental) resnapshot++
      continue
    }
    if (lsn == nothing) continue
    const told = load<i64>(commitLsns + (row << 3))
    const commit = told == nothing ? lsn : told
    const inTx = load<i64>(txOrders + (row << 3))
    const order = inTx == nothing ? -1 : inTx
    const above = commit == highCommit ? (lsn == highLsn ? order > highOrder || order < 0 : lsn > highLsn) : commit > highCommit
    if (!above) {
      replayed++
      continue
    }
    highCommit = commit
    highLsn = lsn
    highOrder = order
  }
}
