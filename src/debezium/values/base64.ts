/** bytea (binary.handling.mode=bytes): base64 straight into the column. */
import type { BytesColumn } from '../../core/columns.ts'
import type { Field } from '../../core/events.ts'
import { isToken } from '../scan.ts'
import { isNull, undecodableValue } from './misfit.ts'

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const sextets = new Uint8Array(256).fill(0xff)
for (let i = 0; i < 64; i++) sextets[alphabet.charCodeAt(i)] = i

/** `placeholder`: the token that a TOASTed value which did not change arrives as: base64 of the placeholder's bytes. */
export function base64Field(name: string, placeholder: Uint8Array): Field {
  return {
    name,
    type: 'binary',
    append(bytes, start, end, column, notes) {
      if (isNull(bytes, start)) return column.appendNull()
      if (isToken(bytes, start, end, placeholder)) {
        notes.unchanged(name)
        return column.appendNull()
      }
      if (bytes[start] !== 0x22) throw notBase64(name)
      const to = column as BytesColumn
      const at = to.reserve(((end - start - 2) / 4) * 3)
      to.commit(readBase64(name, bytes, start + 1, end - 1, to.data, at))
    },
  }
}

/** Decodes [start, end) of `bytes` into `data` from `at` on, where there must be room; returns the position behind it. */
export function readBase64(name: string, bytes: Uint8Array, start: number, end: number, data: Uint8Array, at: number): number {
  const length = end - start
  if (length % 4 !== 0) throw notBase64(name)
  let to = at
  const padding = length === 0 || bytes[end - 1] !== 0x3d ? 0 : bytes[end - 2] === 0x3d ? 2 : 1
  const whole = padding === 0 ? end : end - 4
  let i = start
  for (; i < whole; i += 4) {
    const a = sextets[bytes[i]!]!
    const b = sextets[bytes[i + 1]!]!
    const c = sextets[bytes[i + 2]!]!
    const d = sextets[bytes[i + 3]!]!
    if ((a | b | c | d) > 63) throw notBase64(name)
    data[to++] = (a << 2) | (b >> 4)
    data[to++] = ((b & 15) << 4) | (c >> 2)
    data[to++] = ((c & 3) << 6) | d
  }
  if (padding > 0) {
    const a = sextets[bytes[i]!]!
    const b = sextets[bytes[i + 1]!]!
    const c = padding === 2 ? 0 : sextets[bytes[i + 2]!]!
    // Bits behind the last byte must be zero, else two texts would mean the same bytes.
    if ((a | b | c) > 63 || (padding === 2 ? b & 15 : c & 3) !== 0) throw notBase64(name)
    data[to++] = (a << 2) | (b >> 4)
    if (padding === 1) data[to++] = ((b & 15) << 4) | (c >> 2)
  }
  return to
}

function notBase64(name: string): Error {
  return undecodableValue(name, 'base64 is needed')
}
