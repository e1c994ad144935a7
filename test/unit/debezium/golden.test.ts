import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { CdcFailure } from '../../../src/core/failures.ts'
import { emptySchema, type TableSchema } from '../../../src/core/schema.ts'
import { createDecoder } from '../../../src/debezium/decoder.ts'
import type { Declaration } from '../../../src/debezium/rowShapes.ts'
import { createRowBatch } from '../../../src/rows/rowBatch.ts'
import { valuesOf } from './columnValues.ts'
import { blockOf, type Message } from './messages.ts'

/** A topic's messages, byte for byte, and what each becomes. A new case is a new file. */
interface Golden {
  readonly about: string
  readonly table: { readonly schema: string; readonly table: string }
  readonly placeholder: string
  readonly declared: Declaration | null
  readonly messages: readonly Message[]
  readonly expected: {
    readonly schema: TableSchema
    /** What is not NULL of each row as text, `null` for a tombstone, or the failure's code and column. */
    readonly rows: readonly unknown[]
  }
}

const folder = new URL('../../golden/debezium/', import.meta.url)

function carry({ table, placeholder, declared, messages }: Golden): Golden['expected'] {
  const decoder = createDecoder({ table, placeholder, declared })
  const block = blockOf(messages)
  let schema = emptySchema
  const rows = messages.map((_, i) => {
    try {
      const event = decoder.decode(block, i)
      if (event === null) return null
      const growth = createRowBatch(schema, { epoch: 0, partition: 0 }).need(event)
      if (growth) schema = { columns: [...schema.columns, ...growth.columns], key: growth.key ?? schema.key }
      const batch = createRowBatch(schema, { epoch: 0, partition: 0 })
      batch.append(event, BigInt(i), block.timestamp[i]!)
      const cells = batch.fileColumns.map(({ name }, c) => [name, valuesOf(batch.columns[c]!)[0]] as const)
      return Object.fromEntries(cells.filter(([, value]) => value !== null).map(([name, value]) => [name, textOf(value)]))
    } catch (error) {
      if (error instanceof CdcFailure) return { failure: error.code, column: error.details['column'] ?? null }
      throw error
    }
  })
  return { schema, rows }
}

function textOf(value: unknown): unknown {
  return Array.isArray(value) ? value : Object.is(value, -0) ? '-0' : String(value)
}

describe('golden messages', () => {
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'))
  test('there are some, with schemas and without', () => {
    expect(files.length).toBeGreaterThanOrEqual(4)
  })
  for (const file of files) {
    const golden = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Golden
    test(`${file}: ${golden.about}`, () => {
      expect(carry(golden)).toEqual(golden.expected)
    })
  }
})
