/**
 * One-dimensional arrays: each element as a column of its own type would hold it, null elements included (SEMANTICS R2.18).
 * Of more dimensions Debezium sends rubbish: NULL for each inner array, or the name of a Java object, which is refused here.
 */
import type { ListColumn } from '../../core/columns.ts'
import type { Field, RowNotes } from '../../core/events.ts'
import type { ScalarType } from '../../core/schema.ts'
import { isToken, skipSpace, skipValue } from '../scan.ts'
import { isNull, outOfRange, undecodableValue } from './misfit.ts'

/** How Java prints an array that nobody turned into a value: `[Ljava.lang.String;@22a4f9e6`. */
const javaArray = /^"\[(\[*L[\w.$]+;|\[*[BCDFIJSZ])@[0-9a-f]{1,8}"$/

/** `element` must not take a placeholder; `placeholder` is the whole token of an array that did not change, where there is one. */
export function listField(element: Field, placeholder: Uint8Array | null): Field {
  const { name } = element
  const noted = new ElementNotes()
  const dated = element.type === 'date' || element.type === 'timestamp' || element.type === 'timestamp_ntz'
  return {
    name,
    type: `array<${element.type as ScalarType}>`,
    append(bytes, start, end, column, notes) {
      if (isNull(bytes, start)) return column.appendNull()
      if (placeholder !== null && isToken(bytes, start, end, placeholder)) {
        notes.unchanged(name)
        return column.appendNull()
      }
      if (bytes[start] !== 0x5b) throw undecodableValue(name, 'an array is needed')
      const list = column as ListColumn
      const { child } = list
      noted.clear()
      let count = 0
      let at = skipSpace(bytes, start + 1, end)
      while (bytes[at] !== 0x5d) {
        const stop = skipValue(bytes, at, end)
        if (bytes[at + 1] === 0x5b && bytes[at] === 0x22) expectValue(name, bytes, at, stop)
        if (dated && bytes[at] === 0x22) expectNew(name, bytes, at)
        element.append(bytes, at, stop, child, noted)
        noted.next()
        count++
        at = skipSpace(bytes, stop, end)
        if (bytes[at] === 0x2c) at = skipSpace(bytes, at + 1, end)
      }
      list.commit(count)
      if (noted.any) notes.special(name, noted.text())
    },
  }
}

function expectValue(name: string, bytes: Uint8Array, start: number, end: number): void {
  if (end - start > 200 || !javaArray.test(String.fromCharCode(...bytes.subarray(start, end)))) return
  throw outOfRange(name, 'an array of several dimensions, whose values the connector did not send')
}

const firstSure = '1582-10-25'

/**
 * In arrays Debezium turns dates by the Julian calendar: the era is lost, and timestamps before October 1582 are days off. What
 * may be wrong is refused; a minus sign stands below the digits.
 */
function expectNew(name: string, bytes: Uint8Array, start: number): void {
  const first = bytes[start + 1]
  // Infinities: as words, or as years of more digits than PostgreSQL's own have.
  if (first === 0x2b || first === 0x69 || (first === 0x2d && (bytes[start + 2] === 0x69 || bytes[start + 6] !== 0x2d))) return
  for (let i = 0; i < firstSure.length; i++) {
    const order = bytes[start + 1 + i]! - firstSure.charCodeAt(i)
    if (order > 0) return
    if (order < 0) throw outOfRange(name, `an element before ${firstSure}, which the connector sends wrong`)
  }
}

/** Elements without a place in their type, as JSON of the same length: `[null,"infinity"]`. */
class ElementNotes implements RowNotes {
  any = false
  private readonly texts: (string | null)[] = []
  private current: string | null = null

  special(_column: string, text: string): void {
    this.current = text
    this.any = true
  }

  unchanged(column: string): void {
    throw undecodableValue(column, 'a placeholder inside an array')
  }

  next(): void {
    this.texts.push(this.current)
    this.current = null
  }

  clear(): void {
    this.texts.length = 0
    this.current = null
    this.any = false
  }

  text(): string {
    return JSON.stringify(this.texts)
  }
}
