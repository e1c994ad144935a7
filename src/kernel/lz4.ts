/** LZ4 into memory that the kernel reads from: no buffer for each batch, and no copy of it. */
import { blockAt, blockRoom, inputAt, inputRoom, kernel } from './module.ts'

export interface Lz4Part {
  readonly start: number
  readonly end: number
  /** As it is, not compressed. */
  readonly stored: boolean
}

/**
 * The parts of `data`, one after another. The bytes are used again: they are valid until the next call in this thread. Null where
 * they could be too many for the kernel; `atMost` bounds what comes out. Throws RangeError for what is no LZ4.
 */
export function unlz4(data: Uint8Array, parts: readonly Lz4Part[], atMost: number): Buffer | null {
  if (atMost > blockRoom || data.length > inputRoom) return null
  const { wasm, bytes, buffer } = kernel()
  bytes.set(data, inputAt)
  let to = blockAt
  for (const { start, end, stored } of parts) {
    if (stored) {
      bytes.copyWithin(to, inputAt + start, inputAt + end)
      to += end - start
    } else to = wasm.lz4Block(inputAt + start, inputAt + end, to, blockAt, blockAt + blockRoom)
    if (to === 0) throw new RangeError('an LZ4 block is broken')
  }
  return Buffer.from(buffer, blockAt, to - blockAt)
}
