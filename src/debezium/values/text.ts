/** Strings: the bytes of the token are the bytes of the column where nothing is escaped. */
import type { BytesColumn } from '../../core/columns.ts'
import type { Field } from '../../core/events.ts'
import { hexDigit, isToken } from '../scan.ts'
import { isNull, outOfRange, undecodableValue } from './misfit.ts'

/** `placeholder`, `other`: the tokens that stand for a TOASTed value that did not change (SEMANTICS R1.8). */
export function textField(name: string, placeholder: Uint8Array, other = placeholder): Field {
  return {
    name,
    type: 'string',
    reading: { kind: 'text', placeholders: [placeholder, other] },
    append(bytes, start, end, column, notes) {
      if (isNull(bytes, start)) return column.appendNull()
      if (isToken(bytes, start, end, placeholder) || isToken(bytes, start, end, other)) {
        notes.unchanged(name)
        return column.appendNull()
      }
      appendText(name, bytes, start, end, column as BytesColumn)
    },
  }
}

/** time without zone: Debezium prints a Z that PostgreSQL does not mean; it is left out. */
export function timeField(name: string): Field {
  return {
    name,
    type: 'string',
    reading: { kind: 'time' },
    append(bytes, start, end, column) {
      if (isNull(bytes, start)) return column.appendNull()
      const zone = bytes[end - 2] === 0x5a ? 1 : 0
      appendText(name, bytes, start, end - zone, column as BytesColumn)
    },
  }
}

/** The string token at [start, end), quotes included: only its first byte and what stands between the quotes are looked at. */
export function appendText(name: string, bytes: Uint8Array, start: number, end: number, column: BytesColumn): void {
  if (bytes[start] !== 0x22) throw undecodableValue(name, 'a string is needed')
  const stop = end - 1
  let i = start + 1
  // What is unescaped is never longer than what was escaped.
  const at = column.reserve(stop - i)
  const data = column.data
  let to = at
  while (i < stop) {
    const c = bytes[i]!
    if (c === 0x5c || c >= 0x80) break
    data[to++] = c
    i++
  }
  column.commit(i < stop ? appendRest(name, bytes, i, stop, data, to) : to)
}

function appendRest(name: string, bytes: Uint8Array, from: number, stop: number, data: Uint8Array, at: number): number {
  let i = from
  let to = at
  while (i < stop) {
    const c = bytes[i]!
    if (c === 0x5c) {
      if (bytes[i + 1] === 0x75) {
        let point = codeUnit(bytes, i + 2)
        i += 6
        if (point >= 0xd800 && point <= 0xdfff) {
          const low = bytes[i] === 0x5c && bytes[i + 1] === 0x75 && i + 6 <= stop ? codeUnit(bytes, i + 2) : 0
          if (point > 0xdbff || low < 0xdc00 || low > 0xdfff) throw outOfRange(name, 'half of a surrogate pair')
          point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00)
          i += 6
        }
        to = putPoint(data, to, point)
      } else {
        data[to++] = unescaped(bytes[i + 1]!)
        i += 2
      }
    } else if (c < 0x80) {
      data[to++] = c
      i++
    } else {
      const length = sequenceLength(bytes, i, stop)
      if (length === 0) throw undecodableValue(name, 'not UTF-8')
      for (let k = 0; k < length; k++) data[to++] = bytes[i++]!
    }
  }
  return to
}

function codeUnit(bytes: Uint8Array, at: number): number {
  let unit = 0
  for (let i = at; i < at + 4; i++) unit = unit * 16 + hexDigit(bytes[i]!)
  return unit
}

function unescaped(c: number): number {
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
    default:
      return c
  }
}

function putPoint(data: Uint8Array, at: number, point: number): number {
  let to = at
  if (point < 0x80) data[to++] = point
  else if (point < 0x800) {
    data[to++] = 0xc0 | (point >> 6)
    data[to++] = 0x80 | (point & 0x3f)
  } else {
    if (point < 0x10000) data[to++] = 0xe0 | (point >> 12)
    else {
      data[to++] = 0xf0 | (point >> 18)
      data[to++] = 0x80 | ((point >> 12) & 0x3f)
    }
    data[to++] = 0x80 | ((point >> 6) & 0x3f)
    data[to++] = 0x80 | (point & 0x3f)
  }
  return to
}

/** Length of the well-formed UTF-8 sequence at `i` (Unicode, table 3-7), or 0. */
export function sequenceLength(bytes: Uint8Array, i: number, stop: number): number {
  const c = bytes[i]!
  const second = i + 1 < stop ? bytes[i + 1]! : 0
  if (c >= 0xc2 && c <= 0xdf) return isTail(second) ? 2 : 0
  if (c >= 0xe0 && c <= 0xef) {
    const low = c === 0xe0 ? 0xa0 : 0x80
    const high = c === 0xed ? 0x9f : 0xbf
    return second >= low && second <= high && i + 2 < stop && isTail(bytes[i + 2]!) ? 3 : 0
  }
  if (c >= 0xf0 && c <= 0xf4) {
    const low = c === 0xf0 ? 0x90 : 0x80
    const high = c === 0xf4 ? 0x8f : 0xbf
    return second >= low && second <= high && i + 3 < stop && isTail(bytes[i + 2]!) && isTail(bytes[i + 3]!) ? 4 : 0
  }
  return 0
}

function isTail(c: number): boolean {
  return (c & 0xc0) === 0x80
}
