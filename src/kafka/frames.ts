/**
 * Answers of a connection, each read straight into memory of its own. kafkajs by itself joins pieces of 64 KiB: an answer of a
 * fetch is then held twice and copied once more, and every piece is garbage. Here it gets each answer whole, its length in front.
 */
import type { OnReadOpts } from 'node:net'
import { takeMemory } from '../core/keptMemory.ts'

/** What no answer of a broker takes: somebody else answers. */
const mostBytes = 2 ** 29
const lengthBytes = 4
const stagingBytes = 64 * 1024

export interface FrameSink {
  /** An answer, its length in front. */
  readonly deliver: (frame: Buffer) => void
  /** What comes is no answer of Kafka; nothing more is delivered. */
  readonly fail: (error: Error) => void
}

/** For the `onread` of a socket: answers as they come, in pieces of any size. */
export function frames({ deliver, fail }: FrameSink): OnReadOpts {
  const staging = Buffer.allocUnsafeSlow(stagingBytes)
  const length = Buffer.alloc(lengthBytes)
  let lengthRead = 0
  let frame: Buffer | null = null
  let filled = 0

  function read(bytes: number): void {
    filled += bytes
    if (filled < frame!.length) return
    const whole = frame!
    frame = null
    deliver(whole)
  }

  /** Reads the length. Returns how many bytes of the piece that took; null: it cannot be an answer. */
  function begin(piece: Buffer, at: number): number | null {
    const taken = piece.copy(length, lengthRead, at)
    lengthRead += taken
    if (lengthRead < lengthBytes) return taken
    const bytes = length.readInt32BE(0)
    if (bytes < 0 || bytes > mostBytes) return null
    frame = memoryOf(lengthBytes + bytes)
    filled = length.copy(frame)
    lengthRead = 0
    return taken
  }

  function split(piece: Buffer): boolean {
    for (let at = 0; at < piece.length;) {
      if (frame === null) {
        const taken = begin(piece, at)
        if (taken === null) return false
        at += taken
      }
      if (frame !== null) {
        const taken = piece.copy(frame, filled, at)
        at += taken
        read(taken)
      }
    }
    return true
  }

  return {
    buffer: () => (frame === null ? staging : frame.subarray(filled)),
    callback(bytes, buffer) {
      // What is left of an answer goes to its place; only what follows an answer, and small ones, comes by the staging memory.
      if (frame !== null) read(bytes)
      else if (!split((buffer as Buffer).subarray(0, bytes))) {
        fail(new Error(`an answer of ${length.readInt32BE(0)} bytes: this is no Kafka broker`))
        return false
      }
      return true
    },
  }
}

function memoryOf(bytes: number): Buffer {
  const { buffer, byteOffset, byteLength } = takeMemory(bytes)
  return Buffer.from(buffer, byteOffset, byteLength)
}
