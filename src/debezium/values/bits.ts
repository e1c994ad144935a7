/** bit(n): base64 of the bits, the last one first (`io.debezium.data.Bits`), as text of n digits. bit(1) arrives as a boolean. */
import type { BytesColumn } from '../../core/columns.ts'
import type { Field } from '../../core/events.ts'
import { readBase64 } from './base64.ts'
import { isNull, outOfRange, undecodableValue } from './misfit.ts'

/** `length`: the n of bit(n). Java leaves out bytes of zeros at the end, so it cannot be told from the value. */
export function bitsField(name: string, length: number): Field {
  const bits = new Uint8Array(Math.ceil(length / 8) + 3)
  return {
    name,
    type: 'string',
    append(bytes, start, end, column) {
      if (isNull(bytes, start)) return column.appendNull()
      if (bytes[start] !== 0x22) throw undecodableValue(name, 'base64 is needed')
      if (((end - 2 - start) / 4) * 3 > bits.length) throw outOfRange(name, `more than ${length} bits`)
      const count = readBase64(name, bytes, start + 1, end - 1, bits, 0)
      for (let i = length; i < count * 8; i++) if (bitAt(bits, i)) throw outOfRange(name, `more than ${length} bits`)
      const to = column as BytesColumn
      const at = to.reserve(length)
      for (let i = 0; i < length; i++) to.data[at + length - 1 - i] = 0x30 + (i < count * 8 ? bitAt(bits, i) : 0)
      to.commit(at + length)
    },
  }
}

function bitAt(bits: Uint8Array, i: number): number {
  return (bits[i >> 3]! >> (i & 7)) & 1
}
