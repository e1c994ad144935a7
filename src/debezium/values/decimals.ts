/** numeric and money as quoted decimals (decimal.handling.mode=string) into unscaled integers; nothing passes a double. */
import type { BytesColumn, LongColumn } from '../../core/columns.ts'
import type { Field, RowNotes } from '../../core/events.ts'
import { isToken } from '../scan.ts'
import { joinDigits } from './integers.ts'
import { isNull, outOfRange, undecodableValue } from './misfit.ts'
import { appendText } from './text.ts'

/** What PostgreSQL has and no DECIMAL can hold, in the spellings seen, without case. */
const specials = new Map([
  ['nan', 'NaN'],
  ['positive_infinity', 'Infinity'],
  ['infinity', 'Infinity'],
  ['negative_infinity', '-Infinity'],
  ['-infinity', '-Infinity'],
])

/** The digits of a decimal as they are read: sign, unscaled digits without leading zeros and without a point. One is enough. */
const digits = new Uint8Array(64)

interface Read {
  count: number
  negative: boolean
}
const read: Read = { count: 0, negative: false }

/**
 * Reads the token into `digits` at `scale`: fewer fraction digits are padded, more are refused (CDC4001), nothing is rounded.
 * False: not a number but a special value, which was noted.
 */
function readDigits(
  name: string,
  bytes: Uint8Array,
  start: number,
  end: number,
  precision: number,
  scale: number,
  notes: RowNotes,
): boolean {
  if (bytes[start] !== 0x22) throw undecodableValue(name, 'a decimal in quotes is needed')
  let at = start + 1
  const stop = end - 1
  read.negative = bytes[at] === 0x2d
  if (read.negative || bytes[at] === 0x2b) at++
  let count = 0
  let fraction = 0
  let point = false
  let seen = false
  for (; at < stop; at++) {
    const digit = bytes[at]! - 0x30
    if (digit >= 0 && digit <= 9) {
      seen = true
      if (point) fraction++
      if (count > 0 || digit > 0) {
        if (count >= precision) throw outOfRange(name, `more than ${precision} digits`)
        digits[count++] = digit
      }
    } else if (digit === -2 && !point) point = true
    else break
  }
  let exponent = 0
  if (at < stop) {
    if (!seen || (bytes[at]! | 0x20) !== 0x65) return special(name, bytes, start, end, notes)
    exponent = exponentOf(name, bytes, at + 1, stop)
  }
  if (!seen) throw undecodableValue(name, 'a decimal in quotes is needed')
  const missing = scale - (fraction - exponent)
  if (missing < 0) throw outOfRange(name, `more than ${scale} fraction digits`)
  if (count > 0) {
    if (count + missing > precision) throw outOfRange(name, `more than ${precision} digits`)
    for (let i = 0; i < missing; i++) digits[count++] = 0
  }
  read.count = count
  return true
}

/** Java prints very small and very large BigDecimals as 1E-7. */
function exponentOf(name: string, bytes: Uint8Array, start: number, end: number): number {
  const negative = bytes[start] === 0x2d
  let at = negative || bytes[start] === 0x2b ? start + 1 : start
  if (at >= end || end - at > 6) throw undecodableValue(name, 'a decimal in quotes is needed')
  let value = 0
  for (; at < end; at++) {
    const digit = bytes[at]! - 0x30
    if (digit < 0 || digit > 9) throw undecodableValue(name, 'a decimal in quotes is needed')
    value = value * 10 + digit
  }
  return negative ? -value : value
}

function special(name: string, bytes: Uint8Array, start: number, end: number, notes: RowNotes): false {
  const known = specialOf(bytes, start, end)
  if (known === undefined) throw undecodableValue(name, 'a decimal in quotes is needed')
  notes.special(name, known)
  return false
}

function specialOf(bytes: Uint8Array, start: number, end: number): string | undefined {
  return end - start > 24 ? undefined : specials.get(String.fromCharCode(...bytes.subarray(start + 1, end - 1)).toLowerCase())
}

/**
 * numeric that no DECIMAL holds, digit for digit, and its special values as PostgreSQL spells them. `whole`: the column has a
 * negative scale, and Debezium prints some 2,000 zeros behind the point, which are left out.
 */
export function decimalTextField(name: string, placeholder: Uint8Array, whole: boolean): Field {
  return {
    name,
    type: 'string',
    append(bytes, start, end, column, notes) {
      if (isNull(bytes, start)) return column.appendNull()
      if (isToken(bytes, start, end, placeholder)) {
        notes.unchanged(name)
        return column.appendNull()
      }
      const text = column as BytesColumn
      const known = bytes[end - 2]! > 0x39 ? specialOf(bytes, start, end) : undefined
      if (known !== undefined) text.append(encoder.encode(known))
      else appendText(name, bytes, start, whole ? pointAt(name, bytes, start, end) + 1 : end, text)
    },
  }
}

const encoder = new TextEncoder()

/** Where the point stands that only zeros follow, or the closing quote. */
function pointAt(name: string, bytes: Uint8Array, start: number, end: number): number {
  const point = bytes.subarray(start, end - 1).indexOf(0x2e)
  if (point < 0) return end - 1
  for (let i = start + point + 1; i < end - 1; i++)
    if (bytes[i] !== 0x30) throw outOfRange(name, 'a fraction, the scale being negative')
  return start + point
}

/** DECIMAL(18,scale): 64 bits, unscaled. The class counts, not the column's own precision, which may grow (DESIGN §5). */
export function decimal18Field(name: string, scale: number): Field {
  return {
    name,
    type: `decimal(18,${scale})`,
    reading: { kind: 'decimal', scale },
    append(bytes, start, end, column, notes) {
      if (isNull(bytes, start) || !readDigits(name, bytes, start, end, 18, scale, notes)) return column.appendNull()
      const { count, negative } = read
      const split = count < 15 ? count : 15
      let head = 0
      for (let i = 0; i < split; i++) head = head * 10 + digits[i]!
      if (count === split) return (column as LongColumn).appendNumber(negative ? -head : head)
      let tail = 0
      for (let i = split; i < count; i++) tail = tail * 10 + digits[i]!
      const value = joinDigits(head, tail, count - split)
      ;(column as LongColumn).append(negative ? -value : value)
    },
  }
}

/** Eight digits of 16 bits, the lowest first. */
const limbs = new Float64Array(8)

/** DECIMAL(38,scale): 16 bytes, unscaled, two's complement, big-endian. */
export function decimal38Field(name: string, scale: number): Field {
  return {
    name,
    type: `decimal(38,${scale})`,
    append(bytes, start, end, column, notes) {
      if (isNull(bytes, start) || !readDigits(name, bytes, start, end, 38, scale, notes)) return column.appendNull()
      limbs.fill(0)
      for (let i = 0; i < read.count;) {
        let chunk = 0
        let base = 1
        for (let k = 0; k < 9 && i < read.count; k++, i++) {
          chunk = chunk * 10 + digits[i]!
          base *= 10
        }
        for (let k = 0; k < 8; k++) {
          const sum = limbs[k]! * base + chunk
          chunk = Math.floor(sum / 65536)
          limbs[k] = sum - chunk * 65536
        }
      }
      write16(column as BytesColumn, read.negative)
    },
  }
}

function write16(column: BytesColumn, negative: boolean): void {
  const at = column.reserve(16)
  const data = column.data
  let carry = negative ? 1 : 0
  for (let k = 0; k < 8; k++) {
    let limb = limbs[k]!
    if (negative) {
      limb = (limb ^ 0xffff) + carry
      carry = limb >> 16
    }
    data[at + 15 - 2 * k] = limb & 0xff
    data[at + 14 - 2 * k] = (limb >> 8) & 0xff
  }
  column.commit(at + 16)
}
