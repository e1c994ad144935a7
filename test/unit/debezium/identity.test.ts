/** What a delete is believed to say (SEMANTICS R1.5 to R1.7), on messages as Debezium 3.7.0.Final printed them. */
import { describe, expect, test } from 'vitest'
import type { ChangeEvent } from '../../../src/core/events.ts'
import { emptySchema } from '../../../src/core/schema.ts'
import { createDecoder } from '../../../src/debezium/decoder.ts'
import { createRowBatch } from '../../../src/rows/rowBatch.ts'
import { failureOf } from '../failureOf.ts'
import { valuesOf } from './columnValues.ts'
import { blockOf, envelope, keySchema, valueSchema, wrapped, type Envelope, type SchemaField } from './messages.ts'

const fields: SchemaField[] = [
  { field: 'a', type: 'int64', optional: false },
  { field: 'b', type: 'int64', optional: false },
  { field: 'n', type: 'int32', optional: false },
  { field: 't', type: 'string', optional: false, default: 'dd' },
]
/** The key's columns in the order of the primary key (b, a), not of the table. */
const ofKey = keySchema([fields[1]!, fields[0]!])
const key = wrapped(ofKey, '{"b":2,"a":1}')
const old = '{"a":1,"b":2,"n":6,"t":"z"}'
/** Under REPLICA IDENTITY DEFAULT: NOT NULL columns hold zero or their default. */
const filler = '{"a":1,"b":2,"n":0,"t":"dd"}'

function decode(message: Envelope, given: { full?: boolean; key?: string | null } = {}): ChangeEvent {
  const decoder = createDecoder({
    placeholder: 'none',
    table: { schema: 'public', table: 'bookings' },
    replicaIdentity: given.full ? 'full' : null,
  })
  const value = wrapped(valueSchema(fields), envelope(message))
  return decoder.decode(blockOf([{ key: given.key === undefined ? key : given.key, value }]), 0)!
}

/** Column values by name, those that are not NULL. */
function rowOf(event: ChangeEvent): Record<string, unknown> {
  const columns = createRowBatch(emptySchema, { epoch: 0, partition: 0 }).need(event)?.columns ?? []
  const batch = createRowBatch({ columns, key: event.key }, { epoch: 0, partition: 0 })
  batch.append(event, 1n, 0)
  const cells = columns.map(({ name }, i) => [name, valuesOf(batch.columns[i]!)[0]] as const)
  return Object.fromEntries(cells.filter(([, value]) => value !== null))
}

describe('REPLICA IDENTITY DEFAULT', () => {
  test('a delete carries its key alone, and the zeros that stand for NOT NULL columns never reach the lake', () => {
    expect(rowOf(decode({ op: 'd', before: filler }))).toEqual({ a: 1n, b: 2n })
  })
  test('a key whose columns stand in another order than the table has each value in its own column', () => {
    const event = decode({ op: 'd', before: filler })
    expect(event.key).toEqual(['b', 'a'])
    expect(rowOf(event)).toEqual({ a: 1n, b: 2n })
  })
  test('an update is one row, whatever before says', () => {
    for (const before of ['null', old])
      expect(rowOf(decode({ op: 'u', before, after: old }))).toEqual({ a: 1n, b: 2n, n: 6n, t: 'z' })
  })
  test('a delete without a key parks, and the hint names what would make it readable', () => {
    const failure = failureOf(() => decode({ op: 'd', before: old }, { key: null }))
    expect(failure?.code).toBe('CDC3003')
    expect(failure?.hint).toContain('replicaIdentity: full')
  })
})

describe('REPLICA IDENTITY FULL, as tables.yaml says', () => {
  test('a delete carries the old row', () => {
    expect(rowOf(decode({ op: 'd', before: old }, { full: true }))).toEqual({ a: 1n, b: 2n, n: 6n, t: 'z' })
  })
  test('a delete in a table without a key carries the old row, too', () => {
    const event = decode({ op: 'd', before: old }, { full: true, key: null })
    expect(event.key).toEqual([])
    expect(rowOf(event)).toEqual({ a: 1n, b: 2n, n: 6n, t: 'z' })
  })
  test('is not believed once an update or a delete comes without the old row', () => {
    expect(failureOf(() => decode({ op: 'u', before: 'null', after: old }, { full: true }))?.code).toBe('CDC3003')
    expect(failureOf(() => decode({ op: 'd', before: 'null' }, { full: true }))?.code).toBe('CDC3003')
  })
  test('inserts, reads and truncates have no old row and need none', () => {
    for (const op of ['c', 'r'])
      expect(rowOf(decode({ op, after: old }, { full: true }))).toEqual({ a: 1n, b: 2n, n: 6n, t: 'z' })
    expect(decode({ op: 't' }, { full: true, key: null })).toMatchObject({ op: 't', image: null })
  })
  test('an old row that lacks a column of its schema is undecodable', () => {
    expect(failureOf(() => decode({ op: 'd', before: '{"a":1,"b":2,"n":6}' }, { full: true }))?.code).toBe('CDC3001')
  })
})
