/** Blocks of LZ4, sixteen bytes at a time: what stands behind source and target is read and overwritten, but never meant. */

/**
 * The block [from, end) decompressed to `to`; matches reach back to `first` at most, and nothing is written from `limit` on but
 * for 15 bytes that mean nothing. Returns where it ends, or 0 where this is no such block.
 */
export function lz4Block(from: usize, end: usize, to: usize, first: usize, limit: usize): usize {
  let p = from
  let out = to
  while (p < end) {
    const token = load<u8>(p++) as usize
    let literals = token >> 4
    if (literals == 15) {
      let more: usize
      do {
        if (p >= end) return 0
        more = load<u8>(p++) as usize
        literals += more
      } while (more == 255)
    }
    if (literals > end - p || literals > limit - out) return 0
    for (let k: usize = 0; k < literals; k += 16) v128.store(out + k, v128.load(p + k))
    out += literals
    p += literals
    // The last sequence of a block is literals alone.
    if (p == end) return out
    if (end - p < 2) return 0
    const distance = load<u16>(p) as usize
    p += 2
    let length = token & 15
    if (length == 15) {
      let more: usize
      do {
        if (p >= end) return 0
        more = load<u8>(p++) as usize
        length += more
      } while (more == 255)
    }
    length += 4
    if (distance == 0 || distance > out - first || length > limit - out) return 0
    const match = out - distance
    if (distance >= 16) for (let k: usize = 0; k < length; k += 16) v128.store(out + k, v128.load(match + k))
    else for (let k: usize = 0; k < length; k++) store<u8>(out + k, load<u8>(match + k))
    out += length
  }
  return 0
}
