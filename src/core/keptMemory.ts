/**
 * Large pieces of memory, used again by whoever comes next in this thread. The garbage collector counts objects, not what they hold
 * outside its heap: it lets tens of megabytes lie before it looks.
 */

/** Smaller pieces are left to the garbage collector, larger ones are rare. */
const worthKeeping = { from: 64 * 1024, to: 16 * 1024 * 1024 }
const mostKept = 8
/** Sizes differ a little from time to time. */
const step = 256 * 1024

const free: ArrayBuffer[] = []

/** `bytes` of memory with anything in it. */
export function takeMemory(bytes: number): Uint8Array<ArrayBuffer> {
  if (bytes < worthKeeping.from) return new Uint8Array(bytes)
  let found = -1
  for (const [i, { byteLength }] of free.entries()) {
    if (byteLength >= bytes && (found < 0 || byteLength < free[found]!.byteLength)) found = i
  }
  const memory = found < 0 ? new ArrayBuffer(Math.ceil(bytes / step) * step) : free.splice(found, 1)[0]!
  return new Uint8Array(memory, 0, bytes)
}

/** Of memory that came from `takeMemory`, or a view of it; nobody may read it any more. */
export function giveBackMemory({ buffer }: Uint8Array): void {
  const { from, to } = worthKeeping
  if (!(buffer instanceof ArrayBuffer) || buffer.byteLength < from || buffer.byteLength > to) return
  if (free.length < mostKept) free.push(buffer)
}
