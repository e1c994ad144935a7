/** Plans: which offsets are next. Pure arithmetic over half-open ranges; nothing is read here. */
import { maxOffset, minOffset, offsetText, parseOffset, type OffsetRange, type OffsetText } from './offsets.ts'
import type { Barrier } from './growth.ts'
import type { Position } from './receipts.ts'
import type { Watermarks } from './records.ts'

export interface BatchLimits {
  /** Offsets of one range. */
  readonly maxRows: number
  /** Raw bytes of one range; the write stops early there. */
  readonly maxBytes: number
  /** How long a batch gathers after its first record was seen, ms. */
  readonly maxAgeMs: number
  /** How long a poll waits on an idle table, ms. */
  readonly idleWaitMs: number
}

export interface PlanFrom {
  readonly partition: number
  readonly from: OffsetText
}

export interface PartitionEnd {
  readonly partition: number
  /** The last stable offset: everything below may be read. */
  readonly end: OffsetText
  /** The high watermark where it lies above `end`: a transaction that is still open holds back what is between (SEMANTICS R1.20). */
  readonly high?: OffsetText
}

export interface BatchPlan {
  readonly ranges: readonly OffsetRange[]
  /** What was readable when the plan was made: what `flush` waits for and lag is counted from. */
  readonly ends: readonly PartitionEnd[]
  /** Set where the log turned out to be elsewhere: go on from here. */
  readonly positions: readonly Position[] | null
  /** Set while the topic has partitions that wait to be admitted; the next poll is to be given it. */
  readonly barrier: Barrier | null
}

/** P = max(base, seen) of each partition: where reading goes on. */
export function planFrom(positions: readonly Position[]): PlanFrom[] {
  return positions.map((p) => ({ partition: p.partition, from: offsetText(reading(p)) }))
}

export function reading(position: Position): bigint {
  return maxOffset(parseOffset(position.base), parseOffset(position.seen))
}

/** `[P, min(stable, P + maxRows))` of each partition that has something to read. */
export function planRanges(from: readonly PlanFrom[], marks: readonly Watermarks[], maxRows: number): OffsetRange[] {
  const stable = new Map(marks.map((m) => [m.partition, m.stable]))
  return from.flatMap(({ partition, from }) => {
    const start = parseOffset(from)
    const to = minOffset(stable.get(partition) ?? start, start + BigInt(maxRows))
    return to > start ? [{ partition, from, to: offsetText(to) }] : []
  })
}

/** Where the plan after this one begins, if all of it is carried. */
export function planAfter(from: readonly PlanFrom[], ranges: readonly OffsetRange[]): PlanFrom[] {
  const to = new Map(ranges.map((r) => [r.partition, r.to]))
  return from.map((f) => ({ partition: f.partition, from: to.get(f.partition) ?? f.from }))
}

/**
 * What a plan that was made ahead is worth from where the table stands: its ends are readable, whether the write before it ended
 * early or went further than planned. Each range has at most `maxRows` offsets.
 */
export function planFromHere(ranges: readonly OffsetRange[], from: readonly PlanFrom[], maxRows: number): OffsetRange[] {
  const start = new Map(from.map((f) => [f.partition, parseOffset(f.from)]))
  return ranges.flatMap((range) => {
    const at = start.get(range.partition) ?? parseOffset(range.to)
    const to = minOffset(parseOffset(range.to), at + BigInt(maxRows))
    return to > at ? [{ partition: range.partition, from: offsetText(at), to: offsetText(to) }] : []
  })
}

/** As it was before `planFromHere`, for histories of then: drops what does not begin where the table stands. */
export function stillTrue(ranges: readonly OffsetRange[], from: readonly PlanFrom[]): OffsetRange[] {
  const start = new Map(from.map((f) => [f.partition, f.from]))
  return ranges.filter((r) => start.get(r.partition) === r.from)
}

export function samePlace(a: readonly PlanFrom[], b: readonly PlanFrom[]): boolean {
  const at = new Map(a.map((f) => [f.partition, f.from]))
  return a.length === b.length && b.every((f) => at.get(f.partition) === f.from)
}

/** What was readable, for the workflow to remember. */
export function endsOf(marks: readonly Watermarks[]): PartitionEnd[] {
  return marks.map(({ partition, stable, high }) => ({
    partition,
    end: offsetText(stable),
    ...(high > stable && { high: offsetText(high) }),
  }))
}

/** Records behind the ends that nobody may read yet, those of aborted transactions included. */
export function heldRecords(ends: readonly PartitionEnd[]): number {
  return ends.reduce((sum, { end, high }) => sum + (high === undefined ? 0 : Number(parseOffset(high) - parseOffset(end))), 0)
}

/** Whether a transaction that was open at `before` still is: the stable offset waits for the one that began first. */
export function stillHeld(before: readonly PartitionEnd[], after: readonly PartitionEnd[]): boolean {
  const held = new Map(before.flatMap(({ partition, end, high }) => (high === undefined ? [] : [[partition, end] as const])))
  return after.some(({ partition, end, high }) => high !== undefined && held.get(partition) === end)
}

/** Records between the positions and the ends, control records included. */
export function lagRecords(positions: readonly Position[], ends: readonly PartitionEnd[]): number {
  const at = new Map(positions.map((p) => [p.partition, reading(p)]))
  let lag = 0n
  for (const { partition, end } of ends) lag += maxOffset(0n, parseOffset(end) - (at.get(partition) ?? 0n))
  return Number(lag)
}

/** "0:[120,340) 2:[7,9)" */
export function rangesText(ranges: readonly OffsetRange[]): string {
  return ranges.map((r) => `${r.partition}:[${r.from},${r.to})`).join(' ')
}
