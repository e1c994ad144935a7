/**
 * A topic with more partitions than its table (DESIGN §4.9, SEMANTICS R1.18). Where their number was multiplied, a key stays or
 * moves to a new partition, never between old ones: so new partitions are admitted once the old ones are carried up to where
 * they ended after the first record was seen in a new one.
 */
import { parseOffset, offsetText } from './offsets.ts'
import type { PartitionEnd, PlanFrom } from './batchPlan.ts'
import type { Watermarks } from './records.ts'

/** Old partitions have to be carried up to `ends` before `partitions` are admitted. */
export interface Barrier {
  readonly partitions: readonly number[]
  readonly ends: readonly PartitionEnd[]
}

/** Partitions that the table does not have, ascending. */
export function newPartitions(known: readonly { readonly partition: number }[], marks: readonly Watermarks[]): Watermarks[] {
  const admitted = new Set(known.map(({ partition }) => partition))
  return marks.filter(({ partition }) => !admitted.has(partition)).sort((a, b) => a.partition - b.partition)
}

/** n partitions became k times n: no key moved between old partitions. */
export function isMultiplied(known: readonly unknown[], marks: readonly Watermarks[]): boolean {
  return known.length > 0 && marks.length % known.length === 0
}

/** Something readable stands in one of them, or stood there. */
export function isUsed(partitions: readonly Watermarks[]): boolean {
  return partitions.some(({ stable }) => stable > 0n)
}

/**
 * `marks` must have been read after a record of a new partition was seen: all that was written before it is below these ends.
 * High watermarks, not last stable offsets: a record below an open transaction counts.
 */
export function barrierOf(known: readonly PlanFrom[], marks: readonly Watermarks[]): Barrier {
  const old = new Set(known.map(({ partition }) => partition))
  return {
    partitions: newPartitions(known, marks).map(({ partition }) => partition),
    ends: marks.flatMap(({ partition, high }) => (old.has(partition) ? [{ partition, end: offsetText(high) }] : [])),
  }
}

export function isDrained(from: readonly PlanFrom[], { ends }: Pick<Barrier, 'ends'>): boolean {
  const at = new Map(from.map((f) => [f.partition, parseOffset(f.from)]))
  return ends.every(({ partition, end }) => (at.get(partition) ?? -1n) >= parseOffset(end))
}
