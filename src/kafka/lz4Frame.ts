/**
 * The layout of LZ4 frames: magic, descriptor (flags, block size, content size, dictionary id, checksum), blocks with their lengths,
 * end mark. From it is told how much a frame decompresses to, which the decoder itself would find out by allocating, and where
 * its blocks stand: taken one by one they cost a tenth of what the decoder of frames takes.
 */

const magic = 0x184d2204

export interface Lz4Block {
  /** The block stands at [start, end); the four bytes before it are its length. */
  readonly start: number
  readonly end: number
  /** As it is, not compressed. */
  readonly stored: boolean
}

interface Frame {
  readonly blocks: readonly Lz4Block[]
  /** What a block decompresses to at most. */
  readonly blockSize: number
  /** 0: not declared. */
  readonly contentSize: number
  /** Each block can be read by itself, and no checksum or dictionary would be passed over. */
  readonly plain: boolean
}

/**
 * An upper bound in bytes. It is made exact, by walking the blocks' sequences, only where the bound exceeds `limit`: the last
 * block of a frame is rarely full. Throws RangeError for what is no LZ4 frame.
 */
export function lz4FrameSize(data: Buffer, limit: number): number {
  const { blocks, blockSize, contentSize } = frameOf(data)
  const sum = (sizeOf: (block: Lz4Block) => number) =>
    blocks.reduce((total, block) => total + (block.stored ? block.end - block.start : sizeOf(block)), 0)
  const atMost = Math.max(
    contentSize,
    sum(({ start, end }) => Math.min(blockSize, (end - start) * 255)),
  )
  return atMost <= limit
    ? atMost
    : Math.max(
        contentSize,
        sum((block) => lz4BlockSize(data, block)),
      )
}

/** null: only a decoder of whole frames can read this one. Throws RangeError for what is no LZ4 frame. */
export function plainBlocks(data: Buffer): readonly Lz4Block[] | null {
  const { blocks, plain } = frameOf(data)
  return plain ? blocks : null
}

function frameOf(data: Buffer): Frame {
  if (data.readUInt32LE(0) !== magic) throw new RangeError('no LZ4 frame')
  const flags = data.readUInt8(4)
  const blockSize = 1 << (8 + 2 * ((data.readUInt8(5) >> 4) & 7))
  if (flags >> 6 !== 1 || blockSize < 65_536) throw new RangeError('unknown LZ4 frame version or block size')
  const [independent, blockChecksum, declared, contentChecksum, dictionary] = [0x20, 0x10, 0x08, 0x04, 0x01].map(
    (flag) => (flags & flag) !== 0,
  )
  const blocks: Lz4Block[] = []
  for (let at = 6 + (declared ? 8 : 0) + (dictionary ? 4 : 0) + 1; ;) {
    const word = data.readUInt32LE(at)
    if (word === 0) break
    const start = at + 4
    const end = start + (word & 0x7fffffff)
    if (end > data.length) throw new RangeError('LZ4 block longer than its frame')
    blocks.push({ start, end, stored: word >>> 31 === 1 })
    at = end + (blockChecksum ? 4 : 0)
  }
  return {
    blocks,
    blockSize,
    contentSize: declared ? Number(data.readBigUInt64LE(6)) : 0,
    plain: independent! && !blockChecksum && !declared && !contentChecksum && !dictionary,
  }
}

/** What a compressed block decompresses to. Walks tokens only: each adds its literals and its match. */
export function lz4BlockSize(data: Buffer, { start, end }: Lz4Block): number {
  let size = 0
  let at = start
  while (at < end) {
    const token = data[at++]!
    let literals = token >> 4
    if (literals === 15) for (let byte = 255; byte === 255 && at < end; literals += byte) byte = data[at++]!
    size += literals
    at += literals + 2
    if (at - 2 >= end) break
    let match = token & 15
    if (match === 15) for (let byte = 255; byte === 255 && at < end; match += byte) byte = data[at++]!
    size += match + 4
  }
  return size
}
