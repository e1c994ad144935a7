import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  lagRecords,
  planAfter,
  planFrom,
  planFromHere,
  planRanges,
  rangesText,
  samePlace,
  stillTrue,
} from '../../../src/core/batchPlan.ts'
import { maxOffset, offsetText, parseOffset } from '../../../src/core/offsets.ts'
import type { Position } from '../../../src/core/receipts.ts'
import type { Watermarks } from '../../../src/core/records.ts'

const offset = fc.bigInt({ min: 0n, max: 1_000_000n })
const position = fc
  .tuple(fc.nat(50), offset, offset)
  .map(([partition, base, more]): Position => ({ partition, base: offsetText(base), seen: offsetText(base + more), day: 20_000 }))
const table = fc
  .tuple(
    fc.uniqueArray(position, { selector: (p) => p.partition, minLength: 1 }),
    fc.array(offset, { minLength: 51, maxLength: 51 }),
  )
  .map(([positions, more]) => ({
    positions,
    marks: positions.map((p, i): Watermarks => {
      const stable = parseOffset(p.seen) + (i % 3 === 0 ? 0n : more[i]!)
      return { partition: p.partition, low: 0n, stable, high: stable + 2n }
    }),
  }))

describe('planned ranges', () => {
  test('begin where the table stands, are never empty, never pass the stable offset or the limit', () => {
    fc.assert(
      fc.property(table, fc.integer({ min: 1, max: 500_000 }), ({ positions, marks }, maxRows) => {
        const from = planFrom(positions)
        const ranges = planRanges(from, marks, maxRows)
        const stable = new Map(marks.map((m) => [m.partition, m.stable]))
        for (const range of ranges) {
          const [start, to] = [parseOffset(range.from), parseOffset(range.to)]
          expect(from).toContainEqual({ partition: range.partition, from: range.from })
          expect(to > start && to <= stable.get(range.partition)! && to - start <= BigInt(maxRows)).toBe(true)
        }
        const left = marks.filter((m) => m.stable > parseOffset(from.find((f) => f.partition === m.partition)!.from))
        expect(ranges.map((r) => r.partition).sort()).toEqual(left.map((m) => m.partition).sort())
      }),
    )
  })

  test('follow each other without a gap until everything readable is planned', () => {
    fc.assert(
      fc.property(table, ({ positions, marks }) => {
        let from = planFrom(positions)
        let planned = 0n
        for (let n = 0; n < 60; n++) {
          const ranges = planRanges(from, marks, 30_000)
          expect(stillTrue(ranges, from)).toEqual(ranges)
          for (const r of ranges) planned += parseOffset(r.to) - parseOffset(r.from)
          from = planAfter(from, ranges)
        }
        const ends = marks.map((m) => ({ partition: m.partition, end: offsetText(m.stable) }))
        expect(Number(planned)).toBe(lagRecords(positions, ends))
      }),
    )
  })
})

test('a plan that was made ahead goes on where the write before it ended, never past its own ends nor the limit', () => {
  fc.assert(
    fc.property(table, offset, fc.integer({ min: 1, max: 500_000 }), ({ positions, marks }, shift, maxRows) => {
      const planned = planRanges(planFrom(positions), marks, 100_000)
      const moved = (seen: string) => offsetText(maxOffset(0n, parseOffset(seen) + shift - 500_000n))
      const from = planFrom(positions.map((p) => ({ ...p, base: '0', seen: moved(p.seen) })))
      const ranges = planFromHere(planned, from, maxRows)
      const end = new Map(planned.map((r) => [r.partition, parseOffset(r.to)]))
      for (const range of ranges) {
        expect(from).toContainEqual({ partition: range.partition, from: range.from })
        const left = end.get(range.partition)! - parseOffset(range.from)
        expect(parseOffset(range.to) - parseOffset(range.from)).toBe(left < BigInt(maxRows) ? left : BigInt(maxRows))
      }
      const unfinished = from.filter((f) => (end.get(f.partition) ?? -1n) > parseOffset(f.from))
      expect(ranges.map((r) => r.partition).sort()).toEqual(unfinished.map((f) => f.partition).sort())
    }),
  )
})

test('for old histories, a plan is dropped only in the partitions that stand elsewhere by now', () => {
  const ranges = [
    { partition: 0, from: '5', to: '9' },
    { partition: 1, from: '2', to: '3' },
  ]
  const from = [
    { partition: 0, from: '7' },
    { partition: 1, from: '2' },
  ]
  expect(stillTrue(ranges, from)).toEqual([ranges[1]])
  expect(samePlace(from, [...from].reverse())).toBe(true)
  expect(samePlace(from, planAfter(from, ranges))).toBe(false)
})

test('ranges read as text', () => {
  expect(rangesText([{ partition: 0, from: '120', to: '340' }])).toBe('0:[120,340)')
})
