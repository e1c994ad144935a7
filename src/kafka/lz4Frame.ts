/**
 * How much an LZ4 frame decompresses to, told from its headers: the decoder itself would simply go on allocating.
 * Layout: magic, descriptor (flags, block size, content size, dictionary id, checksum), blocks with their lengths, end mark.
 */

const magic = 0x184d2204

/**
 * An upper bound in bytes. It is made exact, by walking the blocks' sequences, only where the bound exceeds `limit`: the last
 * block of a frame is rarely full. Throws RangeError for what is no LZ4 frame.
 */
export function lz4FrameSize(data: Buffer, limit: number): number {
  const atMost = sumOfBlocks(data, (length, blockSize) => Math.min(blockSize, length * 255))
  if (atMost <= limit) return atMost
  return sumOfBlocks(data, (length, _, at) => sizeOfBlock(data, at, at + length))
}

function sumOfBlocks(data: Buffer, sizeOf: (length: number, blockSize: number, at: number) => number): number {
  if (data.readUInt32LE(0) !== magic) throw new RangeError('no LZ4 frame')
  const flags = data.readUInt8(4)
  const blockSize = 1 << (8 + 2 * ((data.readUInt8(5) >> 4) & 7))
  if (flags >> 6 !== 1 || blockSize < 65_536) throw new RangeError('unknown LZ4 frame version or block size')
  const blockChecksum = flags & 0x10 ? 4 : 0
  let at = 6 + (flags & 0x08 ? 8 : 0) + (flags & 0x01 ? 4 : 0) + 1
  const declared = flags & 0x08 ? Number(data.readBigUInt64LE(6)) : 0
  let total = 0
  for (;;) {
    const word = data.readUInt32LE(at)
    at += 4
    if (word === 0) return Math.max(total, declared)
    const length = word & 0x7fffffff
    if (at + length > data.length) throw new RangeError('LZ4 block longer than its frame')
    total += word >>> 31 ? length : sizeOf(length, blockSize, at)
    at += length + blockChecksum
  }
}

/** Walks tokens only: each adds its literals and its match. */
function sizeOfBlock(data: Buffer, start: number, end: number): number {
  let size = 0
  let at = start
  const extended = (nibble: number): number => {
    let length = nibble
    if (nibble !== 15) return length
    for (let byte = 255; byte === 255 && at < end; at++) {
      byte = data[at]!
      length += byte
    }
    return length
  }
  while (at < end) {
    const token = data[at++]!
    const literals = extended(token >> 4)
    size += literals
    at += literals
    if (at >= end) break
    at += 2
    size += extended(token & 15) + 4
  }
  return size
}
