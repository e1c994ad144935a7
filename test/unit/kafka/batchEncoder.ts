/** Writes record batches of magic 2, so that tests can say exactly what stands in a log. */
import { gzipSync } from 'node:zlib'
import { crc32c } from '@node-rs/crc32'
import lz4 from 'lz4-napi'
import snappy from 'snappy'

export interface TestRecord {
  readonly delta: number
  readonly key?: Buffer | null
  readonly value?: Buffer | null
  readonly timestampDelta?: number | bigint
  readonly headers?: readonly [string, Buffer | null][]
}

export interface TestBatch {
  readonly baseOffset: bigint
  readonly records: readonly TestRecord[]
  readonly lastOffsetDelta?: number
  readonly producerId?: bigint
  readonly transactional?: boolean
  readonly control?: 'abort' | 'commit'
  readonly codec?: 'none' | 'gzip' | 'snappy' | 'xerial' | 'lz4'
  readonly baseTimestamp?: bigint
  readonly maxTimestamp?: bigint
  readonly logAppendTime?: boolean
  /** Replaces the compressed records' section as it is. */
  readonly section?: { readonly codec: number; readonly bytes: Buffer; readonly count: number }
}

const codecBits = { none: 0, gzip: 1, snappy: 2, xerial: 2, lz4: 3 }

export function encodeBatch(batch: TestBatch): Buffer {
  const records = batch.control ? [controlRecord(batch.control)] : batch.records
  const codec = batch.codec ?? 'none'
  const section = batch.section?.bytes ?? compress(codec, Buffer.concat(records.map(encodeRecord)))
  const bits = batch.section?.codec ?? codecBits[codec]
  const transactional = batch.transactional || batch.control ? 0x10 : 0
  const head = Buffer.alloc(61)
  head.writeBigInt64BE(batch.baseOffset, 0)
  head.writeInt32BE(49 + section.length, 8)
  head.writeInt32BE(0, 12)
  head.writeInt8(2, 16)
  head.writeInt16BE(bits | (batch.logAppendTime ? 0x08 : 0) | transactional | (batch.control ? 0x20 : 0), 21)
  head.writeInt32BE(batch.lastOffsetDelta ?? records.at(-1)?.delta ?? 0, 23)
  head.writeBigInt64BE(batch.baseTimestamp ?? 1_700_000_000_000n, 27)
  head.writeBigInt64BE(batch.maxTimestamp ?? 1_700_000_000_000n, 35)
  head.writeBigInt64BE(batch.producerId ?? -1n, 43)
  head.writeInt16BE(0, 51)
  head.writeInt32BE(-1, 53)
  head.writeInt32BE(batch.section?.count ?? records.length, 57)
  return sealed(Buffer.concat([head, section]))
}

/** With the checksum put right, for what is wrong on purpose elsewhere. */
export function sealed(batch: Buffer): Buffer {
  batch.writeUInt32BE(crc32c(batch.subarray(21)), 17)
  return batch
}

export function encodeRecord(record: TestRecord): Buffer {
  const body = Buffer.concat([
    Buffer.from([0]),
    varint(BigInt(record.timestampDelta ?? 0)),
    varint(BigInt(record.delta)),
    field(record.key ?? null),
    field(record.value ?? null),
    varint(BigInt(record.headers?.length ?? 0)),
    ...(record.headers ?? []).flatMap(([name, value]) => [field(Buffer.from(name)), field(value)]),
  ])
  return Buffer.concat([varint(BigInt(body.length)), body])
}

export function varint(value: bigint): Buffer {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
  for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  bytes.push(Number(rest))
  return Buffer.from(bytes)
}

function field(bytes: Buffer | null): Buffer {
  return bytes === null ? varint(-1n) : Buffer.concat([varint(BigInt(bytes.length)), bytes])
}

function controlRecord(kind: 'abort' | 'commit'): TestRecord {
  const key = Buffer.from([0, 0, 0, kind === 'abort' ? 0 : 1])
  return { delta: 0, key, value: Buffer.alloc(6) }
}

function compress(codec: NonNullable<TestBatch['codec']>, bytes: Buffer): Buffer {
  switch (codec) {
    case 'none':
      return bytes
    case 'gzip':
      return gzipSync(bytes)
    case 'snappy':
      return snappy.compressSync(bytes)
    case 'xerial':
      return xerial(bytes, 100)
    case 'lz4':
      return lz4.compressFrameSync(bytes)
  }
}

function xerial(bytes: Buffer, blockSize: number): Buffer {
  const parts: Buffer[] = [Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1])]
  for (let at = 0; at < bytes.length; at += blockSize) {
    const block = snappy.compressSync(bytes.subarray(at, at + blockSize))
    const length = Buffer.alloc(4)
    length.writeInt32BE(block.length)
    parts.push(length, block)
  }
  return Buffer.concat(parts)
}
