/**
 * What a zstd stream claims about itself, told from frame and block headers without decoding: a decoder allocates by these
 * claims. A block gives at most 128 KiB. Throws RangeError for what is no zstd stream.
 */

export interface ZstdClaim {
  /** The largest window of its frames, bytes: a decoder keeps that much history. */
  readonly window: number
  /** Sum of the content sizes that the frames declare; 0 where they declare none. */
  readonly declared: number
  /** What its blocks can give at most. */
  readonly atMost: number
}

const frameMagic = 0xfd2fb528
const largestBlock = 131_072

export function zstdFrameSize(data: Buffer): ZstdClaim {
  let window = 0
  let declared = 0
  let atMost = 0
  for (let at = 0; at < data.length;) {
    const magic = data.readUInt32LE(at)
    if (magic >>> 4 === 0x184d2a5) {
      at += 8 + data.readUInt32LE(at + 4)
      continue
    }
    if (magic !== frameMagic) throw new RangeError('no zstd frame')
    const flags = data.readUInt8(at + 4)
    const single = (flags & 0x20) !== 0
    at += 5
    let frameWindow = 0
    if (!single) {
      const descriptor = data.readUInt8(at++)
      const base = 2 ** (10 + (descriptor >> 3))
      frameWindow = base + (base / 8) * (descriptor & 7)
    }
    at += [0, 1, 2, 4][flags & 3]!
    const sizeBytes = [single ? 1 : 0, 2, 4, 8][flags >> 6]!
    const size = contentSize(data, at, sizeBytes)
    at += sizeBytes
    declared += size
    window = Math.max(window, single ? size : frameWindow)
    for (let last = false; !last;) {
      const header = data.readUIntLE(at, 3)
      at += 3
      last = (header & 1) === 1
      const kind = (header >> 1) & 3
      const length = header >> 3
      if (kind === 3) throw new RangeError('reserved zstd block type')
      atMost += kind === 2 ? largestBlock : length
      at += kind === 1 ? 1 : length
      if (at > data.length) throw new RangeError('zstd block longer than its frame')
    }
    if (flags & 0x04) at += 4
  }
  return { window, declared, atMost }
}

function contentSize(data: Buffer, at: number, bytes: number): number {
  switch (bytes) {
    case 0:
      return 0
    case 1:
      return data.readUInt8(at)
    case 2:
      return data.readUInt16LE(at) + 256
    case 4:
      return data.readUInt32LE(at)
    default:
      return Number(data.readBigUInt64LE(at))
  }
}
