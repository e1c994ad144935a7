/** A data file that is cheap to make and to read: JSON in place of Parquet. A row is the offset of its record and its values' names. */
import type { FileFooter, LinkFormat } from '../../src/lake/context.ts'
import type { Column } from '../../src/core/schema.ts'

export interface JsonRow {
  readonly offset: number
  /** Columns in which the row has a value. */
  readonly columns: readonly string[]
}

interface JsonFile {
  readonly columns: readonly Column[]
  readonly rows: readonly JsonRow[]
  readonly keyValues: Readonly<Record<string, string>>
}

export function encodeJsonFile(
  columns: readonly Column[],
  rows: readonly JsonRow[],
  keyValues: Readonly<Record<string, string>>,
): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ columns, rows, keyValues } satisfies JsonFile))
}

export function decodeJsonFile(file: Uint8Array): JsonFile {
  return JSON.parse(new TextDecoder().decode(file)) as JsonFile
}

export const jsonFormat: LinkFormat = {
  read(file): FileFooter {
    const { columns, rows, keyValues } = decodeJsonFile(file)
    return { columns, rows: rows.length, keyValues: new Map(Object.entries(keyValues)) }
  },
}
