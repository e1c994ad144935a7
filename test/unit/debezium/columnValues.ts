/** What stands in a column, row by row, as JavaScript values: how tests read columns back. */
import { BytesColumn, ListColumn, LongColumn, type ColumnBuilder } from '../../../src/core/columns.ts'
import { decimalOf } from '../../../src/core/schema.ts'

export type Value = null | boolean | number | bigint | string | Value[]

/** Decimals as text with their scale, binary as hex, booleans as such. */
export function valuesOf(column: ColumnBuilder): Value[] {
  const dense = denseOf(column)
  let next = 0
  return Array.from({ length: column.rows }, (_, row) => (column.present[row] ? dense[next++]! : null))
}

function denseOf(column: ColumnBuilder): Value[] {
  const decimal = decimalOf(column.type)
  if (column instanceof ListColumn) {
    const elements = valuesOf(column.child)
    let at = 0
    return Array.from(column.counts.subarray(0, column.values), (count) => elements.slice(at, (at += count)))
  }
  if (column instanceof BytesColumn) {
    return Array.from({ length: column.values }, (_, k) => {
      const bytes = Buffer.from(column.data.subarray(k === 0 ? 0 : column.ends[k - 1]!, column.ends[k]))
      if (decimal) return decimalText(BigInt.asIntN(128, BigInt(`0x${bytes.toString('hex')}`)), decimal.scale)
      return column.type === 'binary' ? bytes.toString('hex') : bytes.toString('utf8')
    })
  }
  const { data, values } = column as unknown as { data: ArrayLike<number | bigint>; values: number }
  return Array.from({ length: values }, (_, k) => {
    const value = data[k]!
    if (column.type === 'boolean') return value === 1
    return decimal && column instanceof LongColumn ? decimalText(BigInt(value), decimal.scale) : value
  })
}

export function decimalText(unscaled: bigint, scale: number): string {
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0')
  const sign = unscaled < 0n ? '-' : ''
  return scale === 0 ? sign + digits : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}
