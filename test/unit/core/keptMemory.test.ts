import fc from 'fast-check'
import { beforeEach, expect, test } from 'vitest'
import { giveBackMemory, takeMemory } from '../../../src/core/keptMemory.ts'

const MiB = 1024 * 1024

/** What tests before left in this thread. */
beforeEach(() => {
  for (let i = 0; i < 20; i++) takeMemory(64 * 1024)
})

test('memory that was given back is taken again, the smallest piece that is large enough', () => {
  const pieces = [takeMemory(3 * MiB), takeMemory(MiB), takeMemory(2 * MiB)]
  for (const piece of pieces) giveBackMemory(piece.subarray(5, 6))
  expect(takeMemory(1.5 * MiB).buffer).toBe(pieces[2]!.buffer)
  expect(takeMemory(1.5 * MiB).buffer).toBe(pieces[0]!.buffer)
  expect(takeMemory(1.5 * MiB).buffer).not.toBe(pieces[1]!.buffer)
  expect(takeMemory(100_000).buffer).toBe(pieces[1]!.buffer)
})

test('small and huge pieces are left to the garbage collector, and so is what is more than a few', () => {
  for (const bytes of [0, 1000, 17 * MiB]) {
    const piece = takeMemory(bytes)
    giveBackMemory(piece)
    expect(takeMemory(bytes).buffer).not.toBe(piece.buffer)
  }
  const pieces = Array.from({ length: 20 }, () => takeMemory(MiB))
  for (const piece of pieces) giveBackMemory(piece)
  const again = new Set(Array.from({ length: 20 }, () => takeMemory(MiB).buffer))
  expect(pieces.filter(({ buffer }) => again.has(buffer))).toHaveLength(8)
})

test('no piece is with two at the same time, and each is as long as was asked for', () => {
  const bytes = fc.integer({ min: 0, max: 3 * MiB })
  fc.assert(
    fc.property(fc.array(fc.oneof(bytes, fc.constant('back' as const)), { maxLength: 60 }), (steps) => {
      const held: Uint8Array[] = []
      for (const step of steps) {
        if (step === 'back') {
          const piece = held.shift()
          if (piece) giveBackMemory(piece)
          continue
        }
        const piece = takeMemory(step)
        expect(piece.length).toBe(step)
        expect(held.some(({ buffer }) => buffer === piece.buffer)).toBe(false)
        held.push(piece)
      }
      for (const piece of held) giveBackMemory(piece)
    }),
    { numRuns: 50 },
  )
})
