/** A data file that is cheap to make and to read: JSON in place of Parquet. A row is its record's offset and the columns it fills. */
import type { FileFooter, LinkFormat } from '../../src/lake/context.ts'
import type { Column } from '../../src/core/schema.ts'

export interface JsonRow {
  readonly offset: number
  /** User columns in which the row has a value. */
  readonly columns: readonly string[]
  /** Which Kafka log the record came from, where a test has several. */
  readonly source?: string
}

export interface JsonFile {
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
  empty: (columns, keyValues) => Promise.resolve(encodeJsonFile(columns, [], keyValues)),
}
