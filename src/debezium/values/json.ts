/** Structs (points and other shapes): their JSON, word for word. */
import type { BytesColumn } from '../../core/columns.ts'
import type { Field } from '../../core/events.ts'
import { isNull, undecodableValue } from './misfit.ts'
import { sequenceLength } from './text.ts'

export function jsonField(name: string): Field {
  return {
    name,
    type: 'string',
    append(bytes, start, end, column) {
      if (isNull(bytes, start)) return column.appendNull()
      if (bytes[start] !== 0x7b) throw undecodableValue(name, 'an object is needed')
      for (let i = start; i < end;) {
        const length = bytes[i]! < 0x80 ? 1 : sequenceLength(bytes, i, end)
        if (length === 0) throw undecodableValue(name, 'not UTF-8')
        i += length
      }
      ;(column as BytesColumn).append(bytes, start, end)
    },
  }
}
