/**
 * Record batches of magic 2, the only format since Kafka 0.11: headers, checksum, control records, and the records' spans.
 *
 *   0 baseOffset i64 | 8 batchLength i32 | 12 leaderEpoch i32 | 16 magic i8 | 17 crc u32 | 21 attributes i16
 *   23 lastOffsetDelta i32 | 27 baseTimestamp i64 | 35 maxTimestamp i64 | 43 producerId i64 | 51 producerEpoch i16
 *   53 baseSequence i32 | 57 count i32 | 61 records
 *
 * The checksum (CRC32C) covers everything from the attributes on; what stands before it is checked for sense.
 */
import { crc32c } from '@node-rs/crc32'
import { CdcFailure, code } from '../core/failures.ts'
import type { RecordBlock } from '../core/records.ts'
import type { BatchOrigin } from './aborted.ts'
import { decompress } from './compression.ts'

const headerBytes = 61
/** A record's shortest form: length, attributes, two deltas, no key, no value, no headers. */
const smallestRecord = 7

export interface RecordBatch extends BatchOrigin {
  readonly baseOffset: bigint
  readonly count: number
  readonly codec: number
  readonly logAppendTime: boolean
  readonly baseTimestamp: bigint
  readonly maxTimestamp: bigint
  /** The records' section as it came, perhaps compressed. */
  readonly records: Buffer
  /** For messages: `cdc.public.flights/0, batch at 123`. */
  readonly where: string
}

/**
 * The whole batches of a fetch answer, checked. A batch that the answer cuts off at its end is left out: the next fetch
 * brings it again. `where` names topic and partition. Throws CDC2005.
 */
export function readBatches(answer: Buffer, where: string): RecordBatch[] {
  const batches: RecordBatch[] = []
  let expected = -1n
  for (let at = 0; at + 12 <= answer.length;) {
    const length = answer.readInt32BE(at + 8)
    if (length < headerBytes - 12) throw corrupt(where, `batch length ${length}`)
    const end = at + 12 + length
    if (end > answer.length) break
    const batch = readBatch(answer.subarray(at, end), where)
    if (batch.baseOffset < expected) throw corrupt(where, `batch at ${batch.baseOffset} after offset ${expected - 1n}`)
    batches.push(batch)
    expected = batch.lastOffset + 1n
    at = end
  }
  return batches
}

function readBatch(bytes: Buffer, topicPartition: string): RecordBatch {
  const baseOffset = bytes.readBigInt64BE(0)
  const where = `${topicPartition}, batch at ${baseOffset}`
  const magic = bytes.readInt8(16)
  if (magic !== 2) throw corrupt(where, `magic ${magic} instead of 2`)
  if (crc32c(bytes.subarray(21)) !== bytes.readUInt32BE(17)) throw corrupt(where, 'checksum differs')
  const attributes = bytes.readInt16BE(21)
  const lastOffsetDelta = bytes.readInt32BE(23)
  const count = bytes.readInt32BE(57)
  const records = bytes.subarray(headerBytes)
  if (baseOffset < 0n || lastOffsetDelta < 0 || count < 0) throw corrupt(where, 'negative offset or count')
  const control = (attributes & 0x20) !== 0
  return {
    baseOffset,
    lastOffset: baseOffset + BigInt(lastOffsetDelta),
    count,
    codec: attributes & 7,
    logAppendTime: (attributes & 0x08) !== 0,
    transactional: (attributes & 0x10) !== 0,
    control: control ? controlKind(records, count, where) : null,
    baseTimestamp: bytes.readBigInt64BE(27),
    maxTimestamp: bytes.readBigInt64BE(35),
    producerId: bytes.readBigInt64BE(43),
    records,
    where,
  }
}

/** The first record's key says it: version i16, type i16 (0 abort, 1 commit). A compacted marker has no record left. */
function controlKind(records: Buffer, count: number, where: string): 'abort' | 'other' {
  if (count === 0) return 'other'
  const cursor = new Cursor(records, where)
  cursor.long()
  cursor.skip(1)
  cursor.long()
  cursor.long()
  const keyLength = cursor.int()
  if (keyLength < 4) throw corrupt(where, 'control record without a type')
  const type = cursor.at + 4 <= records.length ? records.readInt16BE(cursor.at + 2) : -1
  return type === 0 ? 'abort' : 'other'
}

/**
 * The batch's records with offsets in [from, to), as spans; null when none is. `limit`: bytes it may decompress to.
 * Throws CDC2005 and CDC2006.
 */
export function readRecords(batch: RecordBatch, from: bigint, to: bigint, limit: number): RecordBlock | null {
  if (batch.count === 0) return null
  const bytes = decompress(batch.codec, batch.records, limit, batch.where)
  if (batch.count * smallestRecord > bytes.length) throw corrupt(batch.where, `${batch.count} records in ${bytes.length} bytes`)
  const first = clamp(from - batch.baseOffset)
  const end = clamp(to - batch.baseOffset)
  const spans = batch.count <= keptSpans.room ? keptSpans : new Spans(batch.count)
  spans.count = 0
  const cursor = new Cursor(bytes, batch.where)
  const baseTimestamp = Number(batch.baseTimestamp)
  const lastDelta = Number(batch.lastOffset - batch.baseOffset)
  let previous = -1
  for (let i = 0; i < batch.count; i++) {
    const length = cursor.int()
    const recordEnd = cursor.at + length
    if (length < 0 || recordEnd > bytes.length) throw corrupt(batch.where, `record ${i} longer than its batch`)
    cursor.at++
    const timestamp = batch.logAppendTime ? Number(batch.maxTimestamp) : baseTimestamp + cursor.long()
    if (batch.logAppendTime) cursor.long()
    const delta = cursor.int()
    if (delta <= previous || delta > lastDelta) throw corrupt(batch.where, `record ${i} out of order`)
    previous = delta
    const keyLength = cursor.int()
    const keyStart = cursor.at
    if (keyLength > 0) cursor.at += keyLength
    const valueLength = cursor.int()
    const valueStart = cursor.at
    if (cursor.at + Math.max(valueLength, 0) > recordEnd) throw corrupt(batch.where, `record ${i} longer than it says`)
    cursor.at = recordEnd
    if (delta >= first && delta < end) spans.add(delta, timestamp, keyStart, keyLength, valueStart, valueLength)
  }
  if (cursor.at !== bytes.length) throw corrupt(batch.where, 'bytes after the last record')
  return spans.count === 0 ? null : spans.block(bytes, batch.baseOffset)
}

class Spans {
  count = 0
  readonly room: number
  private readonly offsetDelta: Int32Array
  private readonly timestamp: Float64Array
  private readonly keyStart: Int32Array
  private readonly keyEnd: Int32Array
  private readonly valueStart: Int32Array
  private readonly valueEnd: Int32Array

  constructor(capacity: number) {
    this.room = capacity
    this.offsetDelta = new Int32Array(capacity)
    this.timestamp = new Float64Array(capacity)
    this.keyStart = new Int32Array(capacity)
    this.keyEnd = new Int32Array(capacity)
    this.valueStart = new Int32Array(capacity)
    this.valueEnd = new Int32Array(capacity)
  }

  add(delta: number, timestamp: number, key: number, keyLength: number, value: number, valueLength: number): void {
    const i = this.count++
    this.offsetDelta[i] = delta
    this.timestamp[i] = timestamp
    this.keyStart[i] = keyLength < 0 ? -1 : key
    this.keyEnd[i] = keyLength < 0 ? -1 : key + keyLength
    this.valueStart[i] = valueLength < 0 ? -1 : value
    this.valueEnd[i] = valueLength < 0 ? -1 : value + valueLength
  }

  block(bytes: Uint8Array, baseOffset: bigint): RecordBlock {
    const { count } = this
    const { offsetDelta, timestamp, keyStart, keyEnd, valueStart, valueEnd } = this
    return { bytes, count, baseOffset, offsetDelta, timestamp, keyStart, keyEnd, valueStart, valueEnd }
  }
}

/** Used for one batch after another: a block is valid until the next one is asked for. Few batches have more records. */
const keptSpans = new Spans(16_384)

/** Reads zigzag varints. Beyond the end a typed array gives undefined, which ends a varint: the caller's checks see the rest. */
class Cursor {
  at = 0
  private readonly bytes: Buffer
  private readonly where: string

  constructor(bytes: Buffer, where: string) {
    this.bytes = bytes
    this.where = where
  }

  skip(bytes: number): void {
    this.at += bytes
  }

  int(): number {
    const bytes = this.bytes
    let byte = bytes[this.at++]!
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1)
    let raw = byte & 0x7f
    for (let shift = 7; shift < 35; shift += 7) {
      byte = bytes[this.at++]!
      raw |= (byte & 0x7f) << shift
      if (byte < 0x80) return (raw >>> 1) ^ -(raw & 1)
    }
    throw corrupt(this.where, 'varint without an end')
  }

  /** Exact to 2^53; timestamps' deltas are that. Longer ones come out rounded, never misaligned. */
  long(): number {
    const bytes = this.bytes
    const start = this.at
    let byte = bytes[this.at++]!
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1)
    let raw = byte & 0x7f
    let factor = 128
    for (; this.at - start < 4; factor *= 128) {
      byte = bytes[this.at++]!
      raw += (byte & 0x7f) * factor
      if (byte < 0x80) return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2
    }
    let wide = BigInt(raw)
    for (let shift = 28n; this.at - start < 10; shift += 7n) {
      byte = bytes[this.at++]!
      wide |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return Number(BigInt.asIntN(64, (BigInt.asUintN(64, wide) >> 1n) ^ -(wide & 1n)))
    }
    throw corrupt(this.where, 'varint without an end')
  }
}

function clamp(delta: bigint): number {
  return delta < 0n ? 0 : delta > 0x7fffffffn ? 0x80000000 : Number(delta)
}

function corrupt(where: string, what: string): CdcFailure {
  return new CdcFailure(code.CorruptBatch, `corrupt record batch (${where}): ${what}`)
}
