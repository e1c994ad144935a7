/**
 * Parquet's DELTA_BINARY_PACKED: differences between neighbours, less the least one of their block, bit by bit. Offsets, LSNs and
 * times take a few bits so, and numbers without any order those that their range needs.
 */
import { packBits, packWideBits } from './bitPacking.ts'
import type { Distances } from './distances.ts'
import type { PageBytes } from './pageBytes.ts'
import { thrift } from './parquetThrift.ts'
import type { EncodedValues } from './values.ts'

/** Every known writer and reader has blocks of this shape. */
const blockSize = 128
const miniblocks = 4
const miniblockSize = blockSize / miniblocks

export function packedValues(distances: Distances): EncodedValues {
  return {
    encoding: thrift.Encoding.DELTA_BINARY_PACKED,
    bytesOf: (from, to) => (to - from) * 8,
    write: (out, from, to) => writeDifferences(out, distances, from, to),
  }
}

/** Blocks that are looked at to tell the size of all. */
const sampleBlocks = 8

/** About how many bytes the differences of the whole chunk take. */
export function packedBytes({ values, count }: Distances): number {
  const blocks = Math.ceil((count - 1) / blockSize)
  const sampled = Math.min(blocks, sampleBlocks)
  let bytes = 0
  for (let i = 0; i < sampled; i++) {
    const from = 1 + Math.floor((i * blocks) / sampled) * blockSize
    block.take(values, from, Math.min(from + blockSize, count))
    bytes += block.bytes
  }
  // A page's own head, and the blocks that were not looked at.
  return 16 + (sampled === 0 ? 0 : (bytes * blocks) / sampled)
}

function writeDifferences(out: PageBytes, { first, values }: Distances, from: number, to: number): void {
  out.varint(blockSize)
  out.varint(miniblocks)
  out.varint(to - from)
  out.zigzag(from === to ? 0n : first + BigInt(values[from]!))
  for (let at = from + 1; at < to; at += blockSize) {
    block.take(values, at, Math.min(at + blockSize, to))
    block.write(out)
  }
}

/** One block at a time. */
class Block {
  /** How far each difference is above the least one; zeros behind them, as the last miniblock is filled up. */
  private readonly above = new Float64Array(blockSize)
  /** The same without what is above 32 bits. */
  private readonly low = new Uint32Array(blockSize)
  private readonly widths = new Uint8Array(miniblocks)
  private least = Infinity
  bytes = 0

  /** Of the values [from, to) the differences to the one before. */
  take(values: Float64Array, from: number, to: number): void {
    const { above, low, widths } = this
    const count = to - from
    let least = Infinity
    let before = values[from - 1]!
    for (let i = 0; i < count; i++) {
      const value = values[from + i]!
      const difference = value - before
      above[i] = difference
      if (difference < least) least = difference
      before = value
    }
    if (count < blockSize) above.fill(least, count)
    this.least = least
    this.bytes = 8
    for (let mini = 0, i = 0; mini < miniblocks; mini++) {
      let most = 0
      for (const end = i + miniblockSize; i < end; i++) {
        const distance = above[i]! - least
        above[i] = low[i] = distance
        if (distance > most) most = distance
      }
      widths[mini] = most > 0xffff_ffff ? 64 - Math.clz32(most / 0x1_0000_0000) : 32 - Math.clz32(most)
      this.bytes += (widths[mini]! * miniblockSize) / 8
    }
  }

  write(out: PageBytes): void {
    const { above, low, least, widths } = this
    out.varint(least < 0 ? -2 * least - 1 : 2 * least)
    out.bytes(widths)
    for (let mini = 0; mini < miniblocks; mini++) {
      const from = mini * miniblockSize
      const width = widths[mini]!
      if (width > 32) packWideBits(out, above, from, from + miniblockSize, width)
      else if (width > 0) packBits(out, low, from, from + miniblockSize, width)
    }
  }
}

const block = new Block()
