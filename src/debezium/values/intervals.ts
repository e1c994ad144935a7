/** interval as ISO 8601 (`P1Y2M3DT4H5M6.5S`), whose seconds passed a double on their way. */
import type { BytesColumn } from '../../core/columns.ts'
import type { Field } from '../../core/events.ts'
import { textField } from './text.ts'

const encoder = new TextEncoder()

/**
 * PostgreSQL counts microseconds; Debezium prints 1.6243 s as 1.624299999. Nine digits are nearest to one microsecond only, so
 * the value is not rounded but found again.
 */
export function intervalField(name: string, placeholder: Uint8Array): Field {
  const field = textField(name, placeholder)
  return {
    name,
    type: 'string',
    append(bytes, start, end, column, notes) {
      if (end - start < 10 || bytes.lastIndexOf(0x2e, end - 1) !== end - 12) return field.append(bytes, start, end, column, notes)
      const text = String.fromCharCode(...bytes.subarray(start + 1, end - 1))
      const match = /^(P[-\dYMDTH]+M)(-?)(\d+)\.(\d{9})S$/.exec(text)
      if (!match) return field.append(bytes, start, end, column, notes)
      const [, head, sign, whole, fraction] = match
      const us = Number(whole) * 1_000_000 + Math.round(Number(fraction) / 1000)
      const rest = String(us % 1_000_000)
        .padStart(6, '0')
        .replace(/0+$/, '')
      const seconds = `${Math.floor(us / 1_000_000)}${rest === '' ? '' : `.${rest}`}`
      ;(column as BytesColumn).append(encoder.encode(`${head}${us === 0 ? '' : sign}${seconds}S`))
    },
  }
}
