import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { giveBackMemory } from '../../../src/core/keptMemory.ts'
import { frames } from '../../../src/kafka/frames.ts'

/** As a socket does: fills what it is given, as far as it has bytes. */
function reader() {
  const delivered: Buffer[] = []
  const failures: Error[] = []
  const socket = frames({ deliver: (frame) => delivered.push(frame), fail: (error) => failures.push(error) })
  const place = socket.buffer as () => Uint8Array
  return {
    delivered,
    failures,
    /** Returns how many bytes it was given room for at most. */
    read: (bytes: Buffer): number => {
      let largest = 0
      for (let at = 0; at < bytes.length;) {
        const room = place()
        largest = Math.max(largest, room.length)
        const count = bytes.copy(room, 0, at, at + room.length)
        at += count
        if (!socket.callback(count, room)) break
      }
      return largest
    },
  }
}

function framed(body: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeInt32BE(body.length)
  return Buffer.concat([length, body])
}

const body = fc.oneof(
  fc.integer({ min: 0, max: 40 }),
  fc.integer({ min: 0, max: 70_000 }),
  fc.integer({ min: 200_000, max: 300_000 }),
)
const answers = fc.array(body, { minLength: 1, maxLength: 8 })
const cuts = fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 100_000 })), {
  minLength: 1,
  maxLength: 30,
})

describe('answers', () => {
  it('come whole and in order, however the network cuts them and whatever memory they come into', () => {
    fc.assert(
      fc.property(answers, cuts, (lengths, pieces) => {
        const sent = lengths.map((length, i) => framed(Buffer.alloc(length, i + 1)))
        const all = Buffer.concat(sent)
        const { delivered, read } = reader()
        for (let at = 0, i = 0; at < all.length; i++) {
          const piece = pieces[i % pieces.length]!
          read(all.subarray(at, at + piece))
          at += piece
        }
        expect(delivered.map((frame, i) => frame.equals(sent[i]!))).toEqual(sent.map(() => true))
        for (const frame of delivered) giveBackMemory(frame.fill(0xa5))
      }),
    )
  })

  it('are read straight into their place: what is left of a large one is asked for at once', () => {
    const { delivered, read } = reader()
    const answer = framed(Buffer.alloc(1_000_000, 7))
    expect(read(answer.subarray(0, 10))).toBe(64 * 1024)
    expect(read(answer.subarray(10))).toBe(answer.length - 10)
    expect(delivered).toHaveLength(1)
  })

  it.each([
    ['HTTP/1.1 400 Bad Request', /1213486160 bytes/],
    ['\xff\xff\xff\xfe', /-2 bytes/],
  ])('that nobody but another program sends end the connection: %j', (text, message) => {
    const { delivered, failures, read } = reader()
    read(Buffer.from(text, 'latin1'))
    expect(delivered).toEqual([])
    expect(failures.map(String)).toEqual([expect.stringMatching(message)])
  })
})
