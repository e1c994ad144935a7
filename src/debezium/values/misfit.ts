/** How a value says that it does not fit its column: the column and the reason, never the value. */
import { CdcFailure, code } from '../../core/failures.ts'

export function undecodableValue(column: string, what: string): CdcFailure {
  return new CdcFailure(code.UndecodableRecord, `column ${JSON.stringify(column)}: ${what}`, { details: { column } })
}

export function outOfRange(column: string, what: string): CdcFailure {
  return new CdcFailure(code.ValueOutOfRange, `column ${JSON.stringify(column)}: ${what}`, { details: { column } })
}

export function isNull(bytes: Uint8Array, start: number): boolean {
  return bytes[start] === 0x6e
}
