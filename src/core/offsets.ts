/**
 * Kafka offsets are bigint in memory and decimal strings wherever they travel as JSON.
 * Every range is half-open: `[from, to)`.
 */
import { CdcFailure, code } from './failures.ts'

export type OffsetText = string

/** What one `writeParquet` reads: fixed in Temporal's history before anything is written (DESIGN §4.3). */
export interface OffsetRange {
  readonly partition: number
  readonly from: OffsetText
  readonly to: OffsetText
}

/** Delta's `txn.version` is a JSON number: past 2^53 it would be rounded in silence. */
const largest = BigInt(Number.MAX_SAFE_INTEGER)

export function parseOffset(text: OffsetText): bigint {
  if (!/^(0|[1-9]\d{0,18})$/.test(text)) throw new CdcFailure(code.InvalidInput, `not an offset: ${JSON.stringify(text)}`)
  const offset = BigInt(text)
  if (offset > largest) throw new CdcFailure(code.InvalidInput, `offset beyond 2^53: ${text}`)
  return offset
}

export function offsetText(offset: bigint): OffsetText {
  return offset.toString()
}

export function maxOffset(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}

export function minOffset(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}
