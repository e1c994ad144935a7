/** Tokens of JSON, each scanned and appended to one column of a PostgreSQL type: how tests look at single values. */
import { expect } from 'vitest'
import { columnBuilder } from '../../../src/core/columns.ts'
import type { Field, RowNotes } from '../../../src/core/events.ts'
import { CdcFailure } from '../../../src/core/failures.ts'
import type { LakeType } from '../../../src/core/schema.ts'
import { declaredField, type FieldOptions } from '../../../src/debezium/fields.ts'
import { placeholdersOf } from '../../../src/debezium/placeholders.ts'
import { skipValue } from '../../../src/debezium/scan.ts'
import { valuesOf, type Value } from './columnValues.ts'

export const placeholder = '__debezium_unavailable_value'
const placeholders = placeholdersOf(placeholder)
const encoder = new TextEncoder()

export function optionsOf(lakeTypes: Record<string, LakeType[]>): FieldOptions {
  return { placeholders, lakeTypes: new Map(Object.entries(lakeTypes)) }
}

export interface Result {
  readonly values: Value[]
  readonly specials: Record<string, string>
  readonly unchanged: string[]
}

/** Each token of JSON is scanned and appended to one column of the PostgreSQL type. */
export function append(type: string, ...tokens: (string | Uint8Array)[]): Result {
  return appendTo(declaredField('c', type, optionsOf({})).field, ...tokens)
}

export function appendTo(field: Field, ...tokens: (string | Uint8Array)[]): Result {
  const column = columnBuilder(field.type)
  const specials: Record<string, string> = {}
  const unchanged: string[] = []
  const notes: RowNotes = {
    special: (name, text) => void (specials[name] = text),
    unchanged: (name) => void unchanged.push(name),
  }
  for (const token of tokens) {
    const bytes = Buffer.concat([
      encoder.encode('12'),
      typeof token === 'string' ? encoder.encode(token) : token,
      encoder.encode('34,"'),
    ])
    const end = bytes.length - 4
    // What follows a number would be read as part of it.
    if (bytes[2] === 0x22) expect(skipValue(bytes, 2, bytes.length)).toBe(end)
    field.append(bytes, 2, end, column, notes)
  }
  return { values: valuesOf(column), specials, unchanged }
}

export function codeOf(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    if (error instanceof CdcFailure) return error.code
    throw error
  }
  return 'fits'
}
