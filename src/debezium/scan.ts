/**
 * A strict JSON scanner over bytes: it finds where values end and makes nothing. Whatever is not JSON, ends too early or
 * is nested too deep throws CDC3001; strings are checked for escapes and control characters here, for UTF-8 where they are copied.
 */
import { CdcFailure, code } from '../core/failures.ts'

/** Deeper nesting than any type of PostgreSQL has in Debezium's JSON (json itself arrives as a string). */
const maxDepth = 64

/** `details.at` is a position in the block's bytes; the decoder turns it into an offset in its record. */
export function undecodable(what: string, at: number): CdcFailure {
  return new CdcFailure(code.UndecodableRecord, what, { details: { at } })
}

export function isSpace(c: number | undefined): boolean {
  return c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09
}

export function skipSpace(bytes: Uint8Array, pos: number, end: number): number {
  let at = pos
  while (at < end && isSpace(bytes[at])) at++
  return at
}

/** `pos` is where a value begins (no white space before it); returns where it ends. */
export function skipValue(bytes: Uint8Array, pos: number, end: number, depth = 0): number {
  if (pos >= end) throw undecodable('JSON ends before a value', pos)
  const c = bytes[pos]!
  if (c === 0x22) return skipString(bytes, pos, end)
  if (c === 0x6e) return skipWord(bytes, pos, end, 'null')
  if (c === 0x74) return skipWord(bytes, pos, end, 'true')
  if (c === 0x66) return skipWord(bytes, pos, end, 'false')
  if (c === 0x7b) return skipObject(bytes, pos, end, depth + 1)
  if (c === 0x5b) return skipArray(bytes, pos, end, depth + 1)
  return skipNumber(bytes, pos, end)
}

/** `pos` is at the opening quote; returns the position after the closing one. */
export function skipString(bytes: Uint8Array, pos: number, end: number): number {
  let at = pos + 1
  while (at < end) {
    const c = bytes[at]!
    if (c === 0x22) return at + 1
    if (c === 0x5c) at = skipEscape(bytes, at, end)
    else if (c < 0x20) throw undecodable('control character in a JSON string', at)
    else at++
  }
  throw undecodable('JSON ends within a string', end)
}

function skipEscape(bytes: Uint8Array, pos: number, end: number): number {
  if (pos + 1 >= end) throw undecodable('JSON ends within an escape', end)
  const c = bytes[pos + 1]!
  if (c === 0x75) {
    if (pos + 6 > end) throw undecodable('JSON ends within an escape', end)
    for (let i = pos + 2; i < pos + 6; i++) if (hexDigit(bytes[i]!) < 0) throw undecodable('bad escape in a JSON string', i)
    return pos + 6
  }
  // " \ / b f n r t
  if (c === 0x22 || c === 0x5c || c === 0x2f || c === 0x62 || c === 0x66 || c === 0x6e || c === 0x72 || c === 0x74) return pos + 2
  throw undecodable('bad escape in a JSON string', pos)
}

export function hexDigit(c: number): number {
  if (c >= 0x30 && c <= 0x39) return c - 0x30
  const lower = c | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}

function skipWord(bytes: Uint8Array, pos: number, end: number, word: string): number {
  const stop = pos + word.length
  for (let i = 1; i < word.length; i++) {
    if (pos + i >= end || bytes[pos + i] !== word.charCodeAt(i)) throw undecodable('not a JSON value', pos)
  }
  return stop
}

function skipNumber(bytes: Uint8Array, pos: number, end: number): number {
  let at = pos
  if (bytes[at] === 0x2d) at++
  const whole = skipDigits(bytes, at, end)
  if (whole === at) throw undecodable('not a JSON value', pos)
  if (bytes[at] === 0x30 && whole > at + 1) throw undecodable('a JSON number begins with 0', pos)
  at = whole
  if (at < end && bytes[at] === 0x2e) {
    const fraction = skipDigits(bytes, at + 1, end)
    if (fraction === at + 1) throw undecodable('a JSON number ends with its point', at)
    at = fraction
  }
  if (at < end && (bytes[at]! | 0x20) === 0x65) {
    at++
    if (at < end && (bytes[at] === 0x2b || bytes[at] === 0x2d)) at++
    const exponent = skipDigits(bytes, at, end)
    if (exponent === at) throw undecodable('a JSON number has an empty exponent', at)
    at = exponent
  }
  return at
}

function skipDigits(bytes: Uint8Array, pos: number, end: number): number {
  let at = pos
  while (at < end && bytes[at]! >= 0x30 && bytes[at]! <= 0x39) at++
  return at
}

function skipObject(bytes: Uint8Array, pos: number, end: number, depth: number): number {
  if (depth > maxDepth) throw undecodable('JSON is nested too deep', pos)
  let at = skipSpace(bytes, pos + 1, end)
  if (at < end && bytes[at] === 0x7d) return at + 1
  for (;;) {
    if (at >= end || bytes[at] !== 0x22) throw undecodable('no name where JSON needs one', at)
    at = skipColon(bytes, skipString(bytes, at, end), end)
    at = skipSpace(bytes, skipValue(bytes, at, end, depth), end)
    if (at >= end) throw undecodable('JSON ends within an object', at)
    if (bytes[at] === 0x7d) return at + 1
    if (bytes[at] !== 0x2c) throw undecodable('no comma where JSON needs one', at)
    at = skipSpace(bytes, at + 1, end)
  }
}

/** From behind a name to the beginning of its value. */
export function skipColon(bytes: Uint8Array, pos: number, end: number): number {
  const at = skipSpace(bytes, pos, end)
  if (at >= end || bytes[at] !== 0x3a) throw undecodable('no colon where JSON needs one', at)
  return skipSpace(bytes, at + 1, end)
}

function skipArray(bytes: Uint8Array, pos: number, end: number, depth: number): number {
  if (depth > maxDepth) throw undecodable('JSON is nested too deep', pos)
  let at = skipSpace(bytes, pos + 1, end)
  if (at < end && bytes[at] === 0x5d) return at + 1
  for (;;) {
    at = skipSpace(bytes, skipValue(bytes, at, end, depth), end)
    if (at >= end) throw undecodable('JSON ends within an array', at)
    if (bytes[at] === 0x5d) return at + 1
    if (bytes[at] !== 0x2c) throw undecodable('no comma where JSON needs one', at)
    at = skipSpace(bytes, at + 1, end)
  }
}

/** Nothing but white space may stand in [pos, end). */
export function expectEnd(bytes: Uint8Array, pos: number, end: number): void {
  const at = skipSpace(bytes, pos, end)
  if (at < end) throw undecodable('more bytes after the JSON value', at)
}

export function startsWith(bytes: Uint8Array, pos: number, end: number, head: Uint8Array): boolean {
  const length = head.length
  if (pos + length > end) return false
  for (let i = 0; i < length; i++) if (bytes[pos + i] !== head[i]) return false
  return true
}

/** The very bytes of `token` and nothing else. */
export function isToken(bytes: Uint8Array, start: number, end: number, token: Uint8Array): boolean {
  return end - start === token.length && startsWith(bytes, start, end, token)
}
