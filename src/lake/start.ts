import { offsetText } from '../core/offsets.ts'
import type { Position } from '../core/receipts.ts'

/** Where a partition begins: its low watermark and the day of the first event that stands there (else today). */
export interface Start {
  readonly partition: number
  readonly offset: bigint
  /** days since 1970 */
  readonly day: number
}

/** A chain that has no link yet. */
export function beginning({ partition, offset, day }: Start): Position {
  const base = offsetText(offset)
  return { partition, base, seen: base, day }
}
