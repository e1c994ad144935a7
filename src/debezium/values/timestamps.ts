/** date, timestamp, timestamptz as ISO 8601 (time.precision.mode=isostring), by arithmetic on days: no Date, no rounding. */
import type { IntColumn, LongColumn } from '../../core/columns.ts'
import type { Field, RowNotes } from '../../core/events.ts'
import { isNull, outOfRange, undecodableValue } from './misfit.ts'

const usPerSecond = 1_000_000
const usPerDay = 86_400 * usPerSecond
/** Years beyond what PostgreSQL has: how Debezium prints its infinities (`+292278994-08-16T23:00:00Z`). */
const lastYear = 5_874_897
const firstYear = -4_714
/** How a snapshot prints `-infinity` of a date: java.sql.Date lost the era. */
const minusInfinityYear = 292_269_055

/** Days since 1970-01-01 of a date of the proleptic Gregorian calendar; years of 400 begin in March so that leap days end them. */
export function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year
  const era = Math.floor(y / 400)
  const yearOfEra = y - era * 400
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}

const monthDays = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** `YYYY-MM-DD` at `at`: its days, or NaN. */
function dateAt(bytes: Uint8Array, at: number, stop: number): number {
  if (at + 10 > stop || bytes[at + 4] !== 0x2d || bytes[at + 7] !== 0x2d) return NaN
  const year = pair(bytes, at) * 100 + pair(bytes, at + 2)
  const month = pair(bytes, at + 5)
  const day = pair(bytes, at + 8)
  if (!(year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= 31)) return NaN
  if (day > monthDays[month - 1]!) {
    const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
    if (!leap || month !== 2 || day > 29) return NaN
  }
  return daysFromCivil(year, month, day)
}

/** Two digits, or NaN. */
function pair(bytes: Uint8Array, at: number): number {
  const a = bytes[at]! - 0x30
  const b = bytes[at + 1]! - 0x30
  return a < 0 || a > 9 || b < 0 || b > 9 ? NaN : a * 10 + b
}

/** date: `"2026-02-03Z"`, the Z being no zone. */
export function dateField(name: string): Field {
  return {
    name,
    type: 'date',
    reading: { kind: 'date' },
    append(bytes, start, end, column, notes) {
      if (isNull(bytes, start)) return column.appendNull()
      if (bytes[start] !== 0x22) throw undecodableValue(name, 'a date in quotes is needed')
      const stop = end - 1
      const days = dateAt(bytes, start + 1, stop)
      if (days === days) {
        const at = start + 11
        if (at === stop || (at + 1 === stop && bytes[at] === 0x5a)) return (column as IntColumn).append(days)
      }
      noteUnusual(name, bytes, start, end, notes)
      column.appendNull()
    },
  }
}

/** timestamp and timestamptz: us since 1970, of the wall clock or UTC; `zoned` needs a Z or an offset, else a Z is ignored. */
export function timestampField(name: string, zoned: boolean): Field {
  return {
    name,
    type: zoned ? 'timestamp' : 'timestamp_ntz',
    reading: { kind: zoned ? 'timestamp' : 'timestamp_ntz' },
    append(bytes, start, end, column, notes) {
      if (isNull(bytes, start)) return column.appendNull()
      if (bytes[start] !== 0x22) throw undecodableValue(name, 'a timestamp in quotes is needed')
      const stop = end - 1
      const days = dateAt(bytes, start + 1, stop)
      if (days !== days) {
        noteUnusual(name, bytes, start, end, notes)
        return column.appendNull()
      }
      const us = timeAt(name, bytes, start + 11, stop, zoned)
      const total = days * usPerDay + us
      if (Math.abs(total) <= Number.MAX_SAFE_INTEGER) (column as LongColumn).appendNumber(total)
      else (column as LongColumn).append(BigInt(days) * BigInt(usPerDay) + BigInt(us))
    },
  }
}

/** `T04:05:06.123456Z` from `from` to the end of the token: us since midnight UTC (or of the wall clock). */
function timeAt(name: string, bytes: Uint8Array, from: number, stop: number, zoned: boolean): number {
  const hour = pair(bytes, from + 1)
  const minute = pair(bytes, from + 4)
  if (bytes[from] !== 0x54 || bytes[from + 3] !== 0x3a || !(hour <= 23 && minute <= 59)) throw notTimestamp(name)
  let us = (hour * 3600 + minute * 60) * usPerSecond
  let at = from + 6
  if (bytes[at] === 0x3a) {
    const second = pair(bytes, at + 1)
    if (!(second <= 59)) throw notTimestamp(name)
    us += second * usPerSecond
    at += 3
    if (bytes[at] === 0x2e) {
      const first = ++at
      let unit = 100_000
      let fraction = 0
      for (; at < stop; at++) {
        const digit = bytes[at]! - 0x30
        if (digit < 0 || digit > 9) break
        if (at - first < 6) {
          fraction += digit * unit
          unit /= 10
        } else if (digit > 0) throw outOfRange(name, 'finer than a microsecond')
      }
      if (at === first || at - first > 9) throw notTimestamp(name)
      us += fraction
    }
  }
  if (at > stop) throw notTimestamp(name)
  if (at === stop) {
    if (zoned) throw notTimestamp(name)
    return us
  }
  if (bytes[at] === 0x5a && at + 1 === stop) return us
  if (!zoned) throw notTimestamp(name)
  return us - offsetAt(name, bytes, at, stop)
}

/** `+02:00`: us east of UTC. */
function offsetAt(name: string, bytes: Uint8Array, at: number, stop: number): number {
  const sign = bytes[at] === 0x2b ? 1 : bytes[at] === 0x2d ? -1 : NaN
  const hours = pair(bytes, at + 1)
  const minutes = pair(bytes, at + 4)
  if (at + 6 !== stop || bytes[at + 3] !== 0x3a || !(sign && hours <= 18 && minutes <= 59)) throw notTimestamp(name)
  return sign * (hours * 60 + minutes) * 60 * usPerSecond
}

/** infinity, and years outside 0001 to 9999: NULL, and their text to `__special`. Anything else is no date at all. */
function noteUnusual(name: string, bytes: Uint8Array, start: number, end: number, notes: RowNotes): void {
  const text = end - start > 64 ? '' : String.fromCharCode(...bytes.subarray(start + 1, end - 1))
  if (text === 'infinity' || text === '-infinity') return notes.special(name, text)
  const year = /^([+-]\d{4,10}|0000)-\d\d-\d\d(T[\d:.]{5,18})?([+-]\d\d:\d\d|Z)?$/.exec(text)?.[1]
  if (year === undefined) throw notTimestamp(name)
  const y = Number(year)
  notes.special(name, y < firstYear || y === minusInfinityYear ? '-infinity' : y > lastYear ? 'infinity' : text)
}

function notTimestamp(name: string): Error {
  return undecodableValue(name, 'an ISO 8601 date or timestamp is needed')
}
