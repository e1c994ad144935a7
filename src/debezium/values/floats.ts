/** real and double: JSON numbers, and the three strings that stand for what JSON has no number for. */
import type { DoubleColumn } from '../../core/columns.ts'
import type { Field } from '../../core/events.ts'
import { isNull, undecodableValue } from './misfit.ts'

/** 10^0 to 10^22 are exact doubles: with up to 15 digits one rounding gives the nearest double. */
const powers = Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`))

const specials = new Map([
  ['"NaN"', NaN],
  ['"Infinity"', Infinity],
  ['"-Infinity"', -Infinity],
])

/** `real`: the number printed is the shortest that names the float, so the double nearest to it must be narrowed again. */
export function floatField(name: string, real: boolean): Field {
  return {
    name,
    type: 'double',
    reading: { kind: real ? 'real' : 'double' },
    append(bytes, start, end, column) {
      if (isNull(bytes, start)) return column.appendNull()
      const value = doubleOf(name, bytes, start, end)
      ;(column as DoubleColumn).append(real ? Math.fround(value) : value)
    },
  }
}

function doubleOf(name: string, bytes: Uint8Array, start: number, end: number): number {
  let at = start
  const negative = bytes[at] === 0x2d
  if (negative) at++
  let value = 0
  let count = 0
  let fraction = 0
  let point = false
  for (; at < end; at++) {
    const digit = bytes[at]! - 0x30
    if (digit >= 0 && digit <= 9) {
      value = value * 10 + digit
      count++
      if (point) fraction++
    } else if (digit === -2 && !point) point = true
    else break
  }
  if (at < end || count > 15 || fraction > 22) return slowDouble(name, bytes, start, end)
  if (fraction > 0) value /= powers[fraction]!
  return negative ? -value : value
}

function slowDouble(name: string, bytes: Uint8Array, start: number, end: number): number {
  const first = bytes[start]!
  const numeric = first === 0x2d || (first >= 0x30 && first <= 0x39)
  if (!numeric && (first !== 0x22 || end - start > 11)) throw undecodableValue(name, 'a number is needed')
  let text = ''
  for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i]!)
  const value = numeric ? Number(text) : specials.get(text)
  if (value === undefined) throw undecodableValue(name, 'a number is needed')
  if (numeric && !Number.isFinite(value)) throw undecodableValue(name, 'a number beyond the range of a double')
  return value
}
