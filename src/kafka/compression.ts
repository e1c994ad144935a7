/**
 * The four codecs of record batches, each with a bound on what comes out: a batch's compressed size says nothing about its
 * real one. Over the bound is CDC2006, before the bytes exist; what does not decompress is CDC2005.
 */
import * as zlib from 'node:zlib'
import { Decompress, decompress as zstdDecompress } from 'fzstd'
import lz4 from 'lz4-napi'
import snappy from 'snappy'
import { CdcFailure, code } from '../core/failures.ts'
import { unlz4 as unlz4Blocks } from '../kernel/lz4.ts'
import { lz4FrameSize, plainBlocks } from './lz4Frame.ts'
import { zstdFrameSize } from './zstdFrame.ts'

/** Attribute bits 0-2 of a record batch. */
export const codecNames = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

/** Thrown by the codecs below; `decompress` gives it its place and code. */
export class OverBound extends Error {}

/**
 * `limit` in bytes. `where` names batch and partition for the message. What comes back may be memory that is used again: it is
 * valid until the next call.
 */
export function decompress(codec: number, data: Buffer, limit: number, where: string): Buffer {
  try {
    switch (codecNames[codec]) {
      case 'none':
        return data
      case 'gzip':
        return gunzip(data, limit)
      case 'snappy':
        return unsnap(data, limit)
      case 'lz4':
        return unlz4(data, limit)
      case 'zstd':
        return unzstd(data, limit)
      default:
        throw new CdcFailure(code.CorruptBatch, `${where} names codec ${codec}, which does not exist`)
    }
  } catch (error) {
    if (error instanceof CdcFailure) throw error
    if (error instanceof OverBound) {
      throw new CdcFailure(code.OversizedBatch, `${where} (${codecNames[codec]}) decompresses to more than ${limit} bytes`, {
        details: { limit, compressed: data.length },
      })
    }
    throw new CdcFailure(code.CorruptBatch, `${where} does not decompress (${codecNames[codec]})`, { cause: error })
  }
}

function gunzip(data: Buffer, limit: number): Buffer {
  try {
    return zlib.gunzipSync(data, { maxOutputLength: limit, chunkSize: Math.min(limit, Math.max(16_384, data.length * 4)) })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw new OverBound()
    throw error
  }
}

const xerialMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])

/** Java's producer frames its blocks (xerial: 16 bytes of header, then length and block); librdkafka sends one raw block. */
function unsnap(data: Buffer, limit: number): Buffer {
  if (!data.subarray(0, 8).equals(xerialMagic)) return unsnapBlock(data, limit)
  const blocks: Buffer[] = []
  let total = 0
  for (let at = 16; at < data.length;) {
    const length = data.readInt32BE(at)
    const end = at + 4 + length
    if (length < 0 || end > data.length) throw new RangeError('snappy block longer than its batch')
    const block = unsnapBlock(data.subarray(at + 4, end), limit - total)
    total += block.length
    blocks.push(block)
    at = end
  }
  return blocks.length === 1 ? blocks[0]! : Buffer.concat(blocks, total)
}

function unsnapBlock(block: Buffer, limit: number): Buffer {
  let claimed = 0
  for (let at = 0, factor = 1; ; at++, factor *= 128) {
    const byte = block.readUInt8(at)
    claimed += (byte & 0x7f) * factor
    if (byte < 0x80) break
    if (at === 4) throw new RangeError('snappy length longer than five bytes')
  }
  if (claimed > limit) throw new OverBound()
  return snappy.uncompressSync(block, { asBuffer: true }) as Buffer
}

function unlz4(data: Buffer, limit: number): Buffer {
  const atMost = lz4FrameSize(data, limit)
  if (atMost > limit) throw new OverBound()
  const blocks = plainBlocks(data)
  return (blocks && unlz4Blocks(data, blocks, atMost)) ?? lz4.decompressFrameSync(data)
}

/** What every zstd decoder is asked to support: a small batch may well claim it. */
const usualWindow = 8 * 1024 * 1024

type ZstdOfNode = (data: Buffer, options: { maxOutputLength: number }) => Buffer
/** Node has zstd from 22.15 on. */
const zstdOfNode = (zlib as { zstdDecompressSync?: ZstdOfNode }).zstdDecompressSync

function unzstd(data: Buffer, limit: number): Buffer {
  const claim = zstdFrameSize(data)
  if (claim.window > Math.max(limit, usualWindow) || claim.declared > limit) throw new OverBound()
  if (zstdOfNode) {
    try {
      return zstdOfNode(data, { maxOutputLength: limit })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw new OverBound()
      throw error
    }
  }
  if (claim.atMost <= limit) return asBuffer(zstdDecompress(data))
  const chunks: Uint8Array[] = []
  let total = 0
  new Decompress((chunk) => {
    total += chunk.length
    if (total > limit) throw new OverBound()
    chunks.push(chunk.slice())
  }).push(data, true)
  return Buffer.concat(chunks, total)
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
