import fc from 'fast-check'
import { compressSync } from 'lz4-napi'
import { describe, expect, test } from 'vitest'
import { unlz4 } from '../../../src/kernel/lz4.ts'

/** Repeats from near and far, and what repeats in nothing. */
const plain = fc
  .array(
    fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 300 }),
      fc
        .tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.integer({ min: 2, max: 200 }))
        .map(([piece, times]) => Uint8Array.from({ length: piece.length * times }, (_, i) => piece[i % piece.length]!)),
    ),
    { maxLength: 12 },
  )
  .map((pieces) => Buffer.concat(pieces))

/** The size in front is the encoder's own. */
const compressed = (data: Buffer) => compressSync(data).subarray(4)
const block = (data: Uint8Array) => ({ start: 0, end: data.length, stored: false })

describe('LZ4 blocks', () => {
  test('come out as they went in', () => {
    fc.assert(
      fc.property(plain, (data) => {
        const packed = compressed(data)
        expect(unlz4(packed, [block(packed)], data.length)!.equals(data)).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  test('stand one after another, those that are not compressed between the others', () => {
    fc.assert(
      fc.property(plain, plain, (one, other) => {
        const packed = compressed(one)
        const data = Buffer.concat([packed, other, packed])
        const [a, b] = [packed.length, packed.length + other.length]
        const parts = [
          { start: 0, end: a, stored: false },
          { start: a, end: b, stored: true },
          { start: b, end: data.length, stored: false },
        ]
        expect(unlz4(data, parts, 1 << 20)!.equals(Buffer.concat([one, other, one]))).toBe(true)
      }),
    )
  })

  test('that are cut or changed are refused or give something, and never more than there is room for', () => {
    fc.assert(
      fc.property(plain, fc.nat(), fc.nat({ max: 255 }), (data, at, byte) => {
        const packed = Buffer.from(compressed(data))
        packed[at % packed.length] = byte
        const cut = packed.subarray(0, at % (packed.length + 1))
        for (const broken of [packed, cut]) {
          try {
            expect(unlz4(broken, [block(broken)], 1 << 20)!.length).toBeLessThan(1 << 24)
          } catch (error) {
            expect(error).toBeInstanceOf(RangeError)
          }
        }
      }),
    )
  })

  test('reach back to their own frame alone', () => {
    // A literal, then a match of four bytes two bytes back: one of them stands before the frame.
    const reaching = Uint8Array.from([0x10, 0x61, 2, 0, 0x50, 1, 2, 3, 4, 5])
    expect(() => unlz4(reaching, [block(reaching)], 1 << 20)).toThrow(RangeError)
  })

  test('are refused where a match begins at its own end', () => {
    const standing = Uint8Array.from([0x10, 0x61, 0, 0, 0x50, 1, 2, 3, 4, 5])
    expect(() => unlz4(standing, [block(standing)], 1 << 20)).toThrow(RangeError)
  })

  test('are refused where a match is longer than all memory, whatever was promised', () => {
    const endless = Buffer.concat([
      Buffer.from([0x1f, 0x61, 1, 0]),
      Buffer.alloc(400_000, 255),
      Buffer.from([0, 0x50, 1, 2, 3, 4, 5]),
    ])
    expect(() => unlz4(endless, [block(endless)], 1 << 20)).toThrow(RangeError)
  })
})
