import type { BooleanColumn } from '../../core/columns.ts'
import type { Field } from '../../core/events.ts'
import { isNull, undecodableValue } from './misfit.ts'

export function booleanField(name: string): Field {
  return {
    name,
    type: 'boolean',
    reading: { kind: 'boolean' },
    append(bytes, start, _end, column) {
      const c = bytes[start]
      if (c === 0x74) (column as BooleanColumn).append(1)
      else if (c === 0x66) (column as BooleanColumn).append(0)
      else if (isNull(bytes, start)) column.appendNull()
      else throw undecodableValue(name, 'true or false is needed')
    },
  }
}
