/** int2, int4, int8, oid: JSON numbers into 64 bits, each digit kept (JSON.parse would round beyond 2^53). */
import type { LongColumn } from '../../core/columns.ts'
import type { Field } from '../../core/events.ts'
import { isNull, outOfRange, undecodableValue } from './misfit.ts'

const maxInt64 = 0x7fff_ffff_ffff_ffffn
const minInt64 = -0x8000_0000_0000_0000n

/** Sum of digits of which the first 15 stand in `head` and the `rest.length` ones after them in `tail`; exact. */
export function joinDigits(head: number, tail: number, tailDigits: number): bigint {
  return BigInt(head) * 10n ** BigInt(tailDigits) + BigInt(tail)
}

/**
 * A whole number below 2^53 either way that stands at [start, end) of `bytes`, as a number; NaN for any other token, whole
 * numbers beyond included.
 */
export function smallInteger(bytes: Uint8Array, start: number, end: number): number {
  let at = start
  const negative = bytes[at] === 0x2d
  if (negative) at++
  if (at >= end || end - at > 16) return NaN
  let value = 0
  for (; at < end; at++) {
    const digit = bytes[at]! - 0x30
    if (digit < 0 || digit > 9) return NaN
    value = value * 10 + digit
  }
  if (value > Number.MAX_SAFE_INTEGER) return NaN
  return negative ? -value : value
}

/** Any int64, or null for another token. */
export function bigInteger(bytes: Uint8Array, start: number, end: number): bigint | null {
  const negative = bytes[start] === 0x2d
  let at = negative ? start + 1 : start
  if (at >= end) return null
  let head = 0
  let tail = 0
  const split = Math.min(end, at + 15)
  for (; at < split; at++) {
    const digit = bytes[at]! - 0x30
    if (digit < 0 || digit > 9) return null
    head = head * 10 + digit
  }
  const tailDigits = end - split
  if (tailDigits > 15) return null
  for (; at < end; at++) {
    const digit = bytes[at]! - 0x30
    if (digit < 0 || digit > 9) return null
    tail = tail * 10 + digit
  }
  const value = joinDigits(head, tail, tailDigits)
  const signed = negative ? -value : value
  return signed > maxInt64 || signed < minInt64 ? null : signed
}

export function integerField(name: string): Field {
  return {
    name,
    type: 'long',
    reading: { kind: 'integer' },
    append(bytes, start, end, column) {
      if (isNull(bytes, start)) return column.appendNull()
      const small = smallInteger(bytes, start, end)
      if (small === small) return (column as LongColumn).appendNumber(small)
      const big = bigInteger(bytes, start, end)
      if (big === null) throw notInteger(name, bytes, start, end)
      ;(column as LongColumn).append(big)
    },
  }
}

function notInteger(name: string, bytes: Uint8Array, start: number, end: number): Error {
  for (let at = bytes[start] === 0x2d ? start + 1 : start; at < end; at++) {
    if (bytes[at]! < 0x30 || bytes[at]! > 0x39) return undecodableValue(name, 'an integer is needed')
  }
  return outOfRange(name, 'beyond 64 bits')
}
