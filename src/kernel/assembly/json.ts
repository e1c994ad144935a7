/**
 * JSON as bytes, sixteen at a time. The same strictness as src/debezium/scan.ts has, with one answer less: what is not the
 * usual JSON returns 0, and the record is read there, slowly, with a reason for people.
 */

const quote: u8 = 0x22
const backslash: u8 = 0x5c
/** As in src/debezium/scan.ts. */
const maxDepth: i32 = 64

/** Of the string passed last: bit 0, it has escapes; bit 1, it has bytes beyond ASCII. */
export let stringFlags: i32 = 0

/** Whether the `length` bytes at both places are the same; up to 15 bytes behind them are read, too. */
export function equalBytes(a: usize, b: usize, length: usize): bool {
  if (length <= 16) {
    const same = i8x16.bitmask(i8x16.eq(v128.load(a), v128.load(b)))
    const wanted = (1 << (length as i32)) - 1
    return (same & wanted) == wanted
  }
  const last = length - 16
  for (let k: usize = 0; k < last; k += 16) {
    if (i8x16.bitmask(i8x16.eq(v128.load(a + k), v128.load(b + k))) != 0xffff) return false
  }
  return i8x16.bitmask(i8x16.eq(v128.load(a + last), v128.load(b + last))) == 0xffff
}

/** `at` is where a value begins; returns where it ends, or 0. */
export function skipValue(at: usize, end: usize, depth: i32): usize {
  if (at >= end) return 0
  const c = load<u8>(at)
  if (c == quote) return skipString(at, end)
  if (c == 0x6e) return at + 4 <= end && load<u32>(at) == 0x6c6c756e ? at + 4 : 0
  if (c == 0x74) return at + 4 <= end && load<u32>(at) == 0x65757274 ? at + 4 : 0
  if (c == 0x66) return at + 5 <= end && load<u32>(at + 1) == 0x65736c61 ? at + 5 : 0
  if (c == 0x7b) return skipNested(at, end, depth + 1, 0x7d)
  if (c == 0x5b) return skipNested(at, end, depth + 1, 0x5d)
  return skipNumber(at, end)
}

/** `at` is at the opening quote; returns the place behind the closing one, or 0. Sets `stringFlags`. */
export function skipString(at: usize, end: usize): usize {
  let flags = 0
  let p = at + 1
  while (p < end) {
    const word = v128.load(p)
    const special = v128.or(
      v128.or(i8x16.eq(word, i8x16.splat(quote)), i8x16.eq(word, i8x16.splat(backslash))),
      i8x16.lt_u(word, i8x16.splat(0x20)),
    )
    const found = i8x16.bitmask(special)
    const high = i8x16.bitmask(word)
    if (found == 0) {
      if (high != 0) flags |= 2
      p += 16
      continue
    }
    const ahead = ctz(found)
    if ((high & ((1 << ahead) - 1)) != 0) flags |= 2
    p += ahead as usize
    if (p >= end) return 0
    const c = load<u8>(p)
    if (c == quote) {
      stringFlags = flags
      return p + 1
    }
    if (c != backslash) return 0
    flags |= 1
    p = skipEscape(p, end)
    if (p == 0) return 0
  }
  return 0
}

function skipEscape(at: usize, end: usize): usize {
  if (at + 1 >= end) return 0
  const c = load<u8>(at + 1)
  if (c == 0x75) {
    if (at + 6 > end) return 0
    for (let k: usize = 2; k < 6; k++) if (!isHex(load<u8>(at + k))) return 0
    return at + 6
  }
  const known = c == quote || c == backslash || c == 0x2f || c == 0x62 || c == 0x66 || c == 0x6e || c == 0x72 || c == 0x74
  return known ? at + 2 : 0
}

function isHex(c: u8): bool {
  const lower = c | 0x20
  return (c >= 0x30 && c <= 0x39) || (lower >= 0x61 && lower <= 0x66)
}

export function isDigit(c: u8): bool {
  return c - 0x30 <= 9
}

function skipDigits(at: usize, end: usize): usize {
  let p = at
  while (p < end && isDigit(load<u8>(p))) p++
  return p
}

function skipNumber(at: usize, end: usize): usize {
  let p = at
  if (load<u8>(p) == 0x2d) p++
  const whole = skipDigits(p, end)
  if (whole == p || (load<u8>(p) == 0x30 && whole > p + 1)) return 0
  p = whole
  if (p < end && load<u8>(p) == 0x2e) {
    const fraction = skipDigits(p + 1, end)
    if (fraction == p + 1) return 0
    p = fraction
  }
  if (p < end && (load<u8>(p) | 0x20) == 0x65) {
    p++
    if (p < end && (load<u8>(p) == 0x2b || load<u8>(p) == 0x2d)) p++
    const exponent = skipDigits(p, end)
    if (exponent == p) return 0
    p = exponent
  }
  return p
}

/** An object or array without white space. */
function skipNested(at: usize, end: usize, depth: i32, close: u8): usize {
  if (depth > maxDepth) return 0
  let p = at + 1
  if (p < end && load<u8>(p) == close) return p + 1
  while (true) {
    if (close == 0x7d) {
      if (p >= end || load<u8>(p) != quote) return 0
      p = skipString(p, end)
      if (p == 0 || p >= end || load<u8>(p) != 0x3a) return 0
      p++
    }
    p = skipValue(p, end, depth)
    if (p == 0 || p >= end) return 0
    const c = load<u8>(p)
    if (c == close) return p + 1
    if (c != 0x2c) return 0
    p++
  }
}
