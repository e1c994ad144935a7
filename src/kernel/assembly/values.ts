/** Tokens of values into what columns hold. Each says whether it knows the token; the slow path knows all of them (src/debezium/values). */
import { equalBytes, isDigit } from './json'

/** What the function that returned true last found. */
export let long: i64 = 0
export let double: f64 = 0

const usPerSecond: i64 = 1_000_000
const usPerDay: i64 = 86_400_000_000

/** A whole number of at most 18 digits that stands at [at, end). */
export function readInteger(at: usize, end: usize): bool {
  const negative = load<u8>(at) == 0x2d
  let p = negative ? at + 1 : at
  if (p >= end || end - p > 18) return false
  let value: i64 = 0
  for (; p < end; p++) {
    const c = load<u8>(p)
    if (!isDigit(c)) return false
    value = value * 10 + ((c - 0x30) as i64)
  }
  long = negative ? -value : value
  return true
}

/** Digits up to 2^53, of which at most 18 stand behind the point: one division of two exact doubles rounds to the nearest one. */
export function readDouble(at: usize, end: usize): bool {
  const negative = load<u8>(at) == 0x2d
  let value: i64 = 0
  let digits = 0
  let power: f64 = 1
  let point = false
  for (let p = negative ? at + 1 : at; p < end; p++) {
    const c = load<u8>(p)
    if (isDigit(c)) {
      value = value * 10 + ((c - 0x30) as i64)
      if (++digits > 18) return false
      if (point) power *= 10
    } else if (c == 0x2e && !point) point = true
    else return false
  }
  if (digits == 0 || value > 9_007_199_254_740_992) return false
  const magnitude = (value as f64) / power
  double = negative ? -magnitude : magnitude
  return true
}

/** A decimal in quotes, unscaled: at most 18 digits in all, at most `scale` behind the point. */
export function readDecimal(start: usize, end: usize, scale: i32): bool {
  if (load<u8>(start) != 0x22) return false
  const stop = end - 1
  let p = start + 1
  const negative = load<u8>(p) == 0x2d
  if (negative) p++
  let value: i64 = 0
  let digits = 0
  let fraction = 0
  let point = false
  for (; p < stop; p++) {
    const c = load<u8>(p)
    if (isDigit(c)) {
      value = value * 10 + ((c - 0x30) as i64)
      if (++digits > 18) return false
      if (point) fraction++
    } else if (c == 0x2e && !point) point = true
    else return false
  }
  const missing = scale - fraction
  if (digits == 0 || missing < 0 || digits + missing > 18) return false
  for (let k = 0; k < missing; k++) value *= 10
  long = negative ? -value : value
  return true
}

/** Two digits, or less than zero. */
function pair(at: usize): i32 {
  const a = load<u8>(at) - 0x30
  const b = load<u8>(at, 1) - 0x30
  return a > 9 || b > 9 ? -1 : (a as i32) * 10 + (b as i32)
}

/** `YYYY-MM-DD` at `at`, of the years 0001 to 9999: days since 1970 in `long`. */
function readDay(at: usize, stop: usize): bool {
  if (at + 10 > stop || load<u8>(at, 4) != 0x2d || load<u8>(at, 7) != 0x2d) return false
  const century = pair(at)
  const years = pair(at + 2)
  const month = pair(at + 5)
  const day = pair(at + 8)
  if (century < 0 || years < 0 || month < 1 || month > 12 || day < 1) return false
  const year = century * 100 + years
  if (year < 1 || day > daysOfMonth(year, month)) return false
  const y = month <= 2 ? year - 1 : year
  const era = y / 400
  const yearOfEra = y - era * 400
  const dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
  long = (era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468) as i64
  return true
}

function daysOfMonth(year: i32, month: i32): i32 {
  if (month == 2) return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31
}

/** `"2026-02-03Z"` or without the Z: days since 1970 in `long`. */
export function readDate(start: usize, end: usize): bool {
  if (load<u8>(start) != 0x22) return false
  const stop = end - 1
  if (!readDay(start + 1, stop)) return false
  const at = start + 11
  return at == stop || (at + 1 == stop && load<u8>(at) == 0x5a)
}

/** `"2026-02-03T04:05:06.123456Z"`, seconds and fraction optional: us since 1970 in `long`. `zoned` needs the Z. */
export function readTimestamp(start: usize, end: usize, zoned: bool): bool {
  if (load<u8>(start) != 0x22) return false
  const stop = end - 1
  if (!readDay(start + 1, stop)) return false
  const from = start + 11
  if (from + 6 > stop || load<u8>(from) != 0x54 || load<u8>(from, 3) != 0x3a) return false
  const hour = pair(from + 1)
  const minute = pair(from + 4)
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59) return false
  let us = ((hour * 3600 + minute * 60) as i64) * usPerSecond
  let p = from + 6
  if (p + 3 <= stop && load<u8>(p) == 0x3a) {
    const second = pair(p + 1)
    if (second < 0 || second > 59) return false
    us += (second as i64) * usPerSecond
    p += 3
    if (p < stop && load<u8>(p) == 0x2e) {
      let unit: i64 = 100_000
      const first = ++p
      for (; p < stop && isDigit(load<u8>(p)); p++) {
        us += ((load<u8>(p) - 0x30) as i64) * unit
        unit /= 10
      }
      if (p == first || p - first > 6) return false
    }
  }
  const known = p == stop ? !zoned : p + 1 == stop && load<u8>(p) == 0x5a
  if (known) long = long * usPerDay + us
  return known
}

/** Copies bytes of a string; what is read and written goes up to 15 bytes beyond. */
export function copyText(from: usize, length: usize, to: usize): void {
  for (let k: usize = 0; k < length; k += 16) v128.store(to + k, v128.load(from + k))
}

/**
 * The string between the quotes [at, stop) with its escapes undone and its UTF-8 checked; returns where it ends in the column,
 * or 0. `\u` is for the slow path.
 */
export function unescapeText(at: usize, stop: usize, column: usize): usize {
  let to = column
  let p = at
  while (p < stop) {
    const c = load<u8>(p)
    if (c == 0x5c) {
      const escaped = unescaped(load<u8>(p, 1))
      if (escaped == 0) return 0
      store<u8>(to++, escaped)
      p += 2
    } else if (c < 0x80) {
      store<u8>(to++, c)
      p++
    } else {
      const length = sequenceLength(p, stop)
      if (length == 0) return 0
      for (let k: usize = 0; k < length; k++) store<u8>(to + k, load<u8>(p + k))
      to += length
      p += length
    }
  }
  return to
}

/** 0: a `\u`. */
function unescaped(c: u8): u8 {
  switch (c) {
    case 0x6e:
      return 0x0a
    case 0x74:
      return 0x09
    case 0x72:
      return 0x0d
    case 0x62:
      return 0x08
    case 0x66:
      return 0x0c
    case 0x75:
      return 0
    default:
      return c
  }
}

/** Length of the well-formed UTF-8 sequence at `at` (Unicode, table 3-7), or 0. */
function sequenceLength(at: usize, stop: usize): usize {
  const c = load<u8>(at)
  const second = at + 1 < stop ? load<u8>(at, 1) : 0
  if (c >= 0xc2 && c <= 0xdf) return isTail(second) ? 2 : 0
  if (c >= 0xe0 && c <= 0xef) {
    const low: u8 = c == 0xe0 ? 0xa0 : 0x80
    const high: u8 = c == 0xed ? 0x9f : 0xbf
    return second >= low && second <= high && at + 2 < stop && isTail(load<u8>(at, 2)) ? 3 : 0
  }
  if (c >= 0xf0 && c <= 0xf4) {
    const low: u8 = c == 0xf0 ? 0x90 : 0x80
    const high: u8 = c == 0xf4 ? 0x8f : 0xbf
    return second >= low && second <= high && at + 3 < stop && isTail(load<u8>(at, 2)) && isTail(load<u8>(at, 3)) ? 4 : 0
  }
  return 0
}

function isTail(c: u8): bool {
  return (c & 0xc0) == 0x80
}

/** The very bytes of a token, which may be empty: then nothing is. */
export function isToken(start: usize, end: usize, token: usize, length: usize): bool {
  return length > 0 && end - start == length && equalBytes(start, token, length)
}
