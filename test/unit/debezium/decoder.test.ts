import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ChangeEvent } from '../../../src/core/events.ts'
import { emptySchema } from '../../../src/core/schema.ts'
import { createDecoder, type Decoder } from '../../../src/debezium/decoder.ts'
import type { Declaration } from '../../../src/debezium/rowShapes.ts'
import { createRowBatch } from '../../../src/rows/rowBatch.ts'
import { failureOf } from '../failureOf.ts'
import { valuesOf } from './columnValues.ts'
import { blockOf, envelope, keySchema, valueSchema, wrapped, type Message, type SchemaField } from './messages.ts'

const table = { schema: 'public', table: 'bookings' }
const placeholder = '__debezium_unavailable_value'
const fields: SchemaField[] = [
  { field: 'id', type: 'int64' },
  { field: 'name', type: 'string' },
  { field: 'at', type: 'string', name: 'io.debezium.time.ZonedTimestamp' },
]
const declared: Declaration = {
  columns: [
    { name: 'id', type: 'bigint' },
    { name: 'name', type: 'text' },
    { name: 'at', type: 'timestamptz' },
  ],
  key: ['id'],
}
const row = '{"id":7,"name":"Zoë","at":"2026-02-03T04:05:06.123456Z"}'
const schema = valueSchema(fields)
const ofKey = keySchema([fields[0]!])

interface Texts {
  readonly key: string | null
  readonly value: string
}

const withSchemas = (value: string, key: string | null = '{"id":7}'): Texts => ({
  key: key === null ? null : wrapped(ofKey, key),
  value: wrapped(schema, value),
})
const decoder = (of: Declaration | null = null): Decoder => createDecoder({ placeholder, table, declared: of })
const decode = (message: Message, by = decoder()): ChangeEvent | null => by.decode(blockOf([message]), 0)

const codeOf = (act: () => unknown): string => failureOf(act)?.code ?? 'fits'

/** The row as texts by column name, through the columns of a batch. */
function rowOf(event: ChangeEvent | null): Record<string, string> {
  if (event === null) throw new Error('a tombstone has no row')
  const growth = createRowBatch(emptySchema, { epoch: 0, partition: 0 }).need(event)
  const batch = createRowBatch({ columns: growth?.columns ?? [], key: growth?.key ?? [] }, { epoch: 0, partition: 0 })
  batch.append(event, 1n, 0)
  const cells = batch.fileColumns.map(({ name }, i) => [name, valuesOf(batch.columns[i]!)[0]] as const)
  return Object.fromEntries(cells.filter(([, value]) => value !== null).map(([name, value]) => [name, String(value)]))
}

const expectedRow = { id: '7', name: 'Zoë', at: '1770091506123456' }

describe.each([
  ['with schemas', null, withSchemas],
  ['without schemas', declared, (value: string, key: string | null = '{"id":7}'): Texts => ({ key, value })],
] as const)('messages %s', (_, of, message) => {
  test('create, update and read carry the row, its key and its place in the log', () => {
    for (const op of ['c', 'u', 'r']) {
      const transaction = '{"id":"744:114126424","total_order":3,"data_collection_order":1}'
      const event = decode(message(envelope({ op, after: row, transaction })), decoder(of))
      expect(event).toMatchObject({ op, key: ['id'], sourceTsUs: 1770091506123456, commitLsn: 114126400n, lsn: 114126424n })
      expect(event).toMatchObject({ txId: 744n, txOrder: 3n, snapshot: 'false' })
      expect(rowOf(event)).toMatchObject({ ...expectedRow, __op: op, __deleted: 'false' })
    }
  })

  test('a delete carries the key of the message key only, whatever stands in before', () => {
    const event = decode(message(envelope({ op: 'd', before: '{"id":7,"name":"","at":"1970-01-01T00:00:00Z"}' })), decoder(of))
    expect(event).toMatchObject({ op: 'd', key: ['id'] })
    const deleted = rowOf(event)
    expect(deleted).toMatchObject({ id: '7', __deleted: 'true' })
    expect(deleted).not.toHaveProperty('name')
    expect(deleted).not.toHaveProperty('at')
  })

  test('a truncate has neither key nor row', () => {
    expect(decode(message(envelope({ op: 't' }), null), decoder(of))).toMatchObject({ op: 't', image: null, key: [] })
  })

  test('a tombstone is no event', () => {
    expect(decode({ ...message(envelope({})), value: null }, decoder(of))).toBeNull()
  })

  test('a delete without a key is refused', () => {
    expect(codeOf(() => decode(message(envelope({ op: 'd' }), null), decoder(of)))).toBe('CDC3003')
  })

  test('logical messages and unknown operations are refused', () => {
    for (const op of ['m', 'x', 'cc', '']) expect(codeOf(() => decode(message(envelope({ op })), decoder(of)))).toBe('CDC3003')
  })

  test('a create without a row is undecodable', () => {
    expect(codeOf(() => decode(message(envelope({ op: 'c' })), decoder(of)))).toBe('CDC3001')
  })

  test('a change of another table is refused', () => {
    for (const source of [{ table: 'flights' }, { schema: 'other' }, { table: 'Bookings' }]) {
      expect(codeOf(() => decode(message(envelope({ after: row, source })), decoder(of)))).toBe('CDC3005')
    }
  })

  test('cut at any byte a message is undecodable', () => {
    const whole = message(envelope({ after: row }))
    const bytes = Buffer.from(whole.value)
    const by = decoder(of)
    expect(decode(whole, by)).not.toBeNull()
    for (let length = 0; length < bytes.length; length++) {
      const failure = failureOf(() => decode({ key: whole.key, value: bytes.subarray(0, length) }, by))
      expect([length, failure?.code]).toEqual([length, 'CDC3001'])
      expect(failure?.details['at']).toBeLessThanOrEqual(length)
    }
    const key = Buffer.from(whole.key!)
    for (let length = 0; length < key.length; length++) {
      const cut = { key: key.subarray(0, length), value: whole.value }
      expect([length, codeOf(() => decode(cut, by))]).toEqual([length, 'CDC3001'])
    }
  })

  test('bytes behind a message make it undecodable', () => {
    const whole = message(envelope({ after: row }))
    for (const more of ['}', '{}', 'x', '\0', ',']) {
      expect(codeOf(() => decode({ ...whole, value: whole.value + more }, decoder(of)))).toBe('CDC3001')
      expect(codeOf(() => decode({ ...whole, key: whole.key! + more }, decoder(of)))).toBe('CDC3001')
    }
  })

  test('flipped bytes never throw anything but a named failure', () => {
    const whole = message(envelope({ op: 'u', after: row, before: row, transaction: '{"id":"1","total_order":1}' }))
    const value = Buffer.from(whole.value)
    const key = Buffer.from(whole.key!)
    const by = decoder(of)
    const flip = fc.tuple(fc.nat(value.length + key.length - 1), fc.integer({ min: 0, max: 255 }))
    fc.assert(
      fc.property(fc.array(flip, { minLength: 1, maxLength: 3 }), (flips) => {
        const bytes = Buffer.concat([key, value])
        for (const [at, byte] of flips) bytes[at] = byte
        const message = { key: bytes.subarray(0, key.length), value: bytes.subarray(key.length) }
        expect(codeOf(() => rowOf(decode(message, by)))).toMatch(/^(fits|CDC[34]\d{3})$/)
      }),
      { numRuns: 3000 },
    )
  })

  test('names in any order, with escapes and white space, read as the same row', () => {
    const shuffled = (object: Record<string, unknown>, order: readonly number[]): string => {
      const members = Object.entries(object).map(([name, value]) => `  ${escapeName(name)} :\t${textOf(value, order)}\n`)
      return `{${members
        .map((member, i) => [order[i % order.length]! + i / 100, member] as const)
        .sort(([a], [b]) => a - b)
        .map(([, member]) => member)
        .join(',')}}`
    }
    const textOf = (value: unknown, order: readonly number[]): string =>
      typeof value === 'object' && value !== null ? shuffled(value as Record<string, unknown>, order) : JSON.stringify(value)
    const escapeName = (name: string) => `"\\u00${name.charCodeAt(0).toString(16)}${name.slice(1)}"`
    const by = decoder(of)
    fc.assert(
      fc.property(fc.array(fc.nat(20), { minLength: 20, maxLength: 20 }), (order) => {
        const payload = JSON.parse(envelope({ op: 'u', after: row })) as Record<string, unknown>
        const value = message(shuffled(payload, order))
        expect(rowOf(decode(value, by))).toMatchObject({ ...expectedRow, __lsn: '114126424' })
        // And the usual order after it.
        expect(rowOf(decode(message(envelope({ op: 'u', after: row })), by))).toMatchObject(expectedRow)
      }),
    )
  })

  test('a name that stands twice is undecodable', () => {
    const twice = '{"id":7,"name":"a","name":"b","at":null}'
    expect(codeOf(() => decode(message(envelope({ after: twice })), decoder(of)))).toBe('CDC3001')
    expect(codeOf(() => decode(message(`{"op":"c",${envelope({ after: row }).slice(1)}`), decoder(of)))).toBe('CDC3001')
  })

  test('unknown names of the envelope and of its source are passed over', () => {
    const value = envelope({ after: row, source: { next: { deep: [1, '}'] } } }).replace(
      '{"before"',
      '{"new":[{"a":null}],"before"',
    )
    const by = decoder(of)
    for (let i = 0; i < 3; i++) expect(rowOf(decode(message(value), by))).toMatchObject(expectedRow)
  })

  test('JSON nested without end is undecodable', () => {
    const deep = '['.repeat(100_000)
    expect(codeOf(() => decode(message(envelope({ after: row, before: deep })), decoder(of)))).toBe('CDC3001')
  })

  test('the source block may lack what incremental snapshots lack', () => {
    const source = { sequence: null, lsn: null, txId: null, ts_us: null, snapshot: 'incremental' }
    const event = decode(message(envelope({ op: 'r', after: row, source })), decoder(of))
    expect(event).toMatchObject({ commitLsn: null, lsn: null, txId: null, sourceTsUs: 1770091506123000, snapshot: 'incremental' })
  })

  test('the first transaction has no commit before it, and odd spellings of the sequence read alike', () => {
    for (const [sequence, commitLsn] of [
      ['[null,"114126424"]', null],
      ['[ null , "114126424"]', null],
      ['[ "9223372036854775807", "114126424"]', 2n ** 63n - 1n],
      ['["9223372036854775807","114126424"]', 2n ** 63n - 1n],
    ] as const) {
      expect(decode(message(envelope({ after: row, source: { sequence } })), decoder(of))).toMatchObject({ commitLsn })
    }
    expect(codeOf(() => decode(message(envelope({ after: row, source: { sequence: '{}' } })), decoder(of)))).toBe('CDC3001')
  })
})

describe('schemas in messages', () => {
  test('the same meaning is the same row schema, whatever its bytes', () => {
    const by = decoder()
    const other = valueSchema(fields.map((field) => ({ ...field, default: 'changed', optional: false })))
    const first = decode(withSchemas(envelope({ after: row })), by)!.image!.schema
    const second = decode({ key: wrapped(ofKey, '{"id":7}'), value: wrapped(other, envelope({ after: row })) }, by)!.image!.schema
    expect(second).toBe(first)
  })

  test('a changed schema is seen at once, back and forth', () => {
    const by = decoder()
    const wider = valueSchema([...fields, { field: 'extra', type: 'boolean' }])
    for (let i = 0; i < 20; i++) {
      expect(rowOf(decode(withSchemas(envelope({ after: row })), by))).not.toHaveProperty('extra')
      const value = wrapped(wider, envelope({ after: row.replace('}', ',"extra":true}') }))
      expect(rowOf(decode({ key: wrapped(ofKey, '{"id":7}'), value }, by))).toMatchObject({ ...expectedRow, extra: 'true' })
    }
  })

  test('payload before schema reads alike', () => {
    const value = `{"payload":${envelope({ after: row })}, "schema":${schema} }`
    expect(rowOf(decode({ key: `{"payload":{"id":7},"schema":${ofKey}}`, value }))).toMatchObject(expectedRow)
  })

  test('a row of other columns than its schema is undecodable', () => {
    for (const after of [
      '{"id":7,"name":"a"}',
      '{"id":7,"name":"a","at":null,"more":1}',
      '{}',
      '[]',
      '"x"',
      '{"id":7,"name":"a","At":null}',
    ]) {
      expect(codeOf(() => decode(withSchemas(envelope({ after }))))).toBe('CDC3001')
    }
  })

  test('a type that is not carried yet is refused with its column', () => {
    for (const field of [
      { field: 'tags', type: 'array', items: { type: 'map' } },
      { field: 'spots', type: 'array', items: { type: 'struct', name: 'io.debezium.data.geometry.Point' } },
      { field: 'row', type: 'struct', name: 'com.example.Row' },
      { field: 'nm', type: 'string', parameters: { '__debezium.source.column.type': 'NAME' } },
      { field: 'bits', type: 'bytes', name: 'io.debezium.data.Bits' },
      { field: 'n', type: 'bytes', name: 'org.apache.kafka.connect.data.Decimal' },
      { field: 'd', type: 'int32', name: 'io.debezium.time.Date' },
      { field: 'x', type: 'string', name: 'com.example.Unknown' },
      { field: '__proto__', type: 'map' },
    ]) {
      const failure = failureOf(() => decode({ key: null, value: wrapped(valueSchema([field]), envelope({ after: '{}' })) }))
      expect([failure?.code, failure?.details['column']]).toEqual(['CDC3002', field.field])
    }
  })

  test('a schema that is none is undecodable', () => {
    for (const bad of [
      '1',
      '[]',
      '{}',
      '{"type":"struct"}',
      '{"type":"struct","fields":[null]}',
      '{"type":"struct","fields":[{"type":"int64"}]}',
    ]) {
      expect(codeOf(() => decode({ key: null, value: wrapped(bad, envelope({ after: row })) }))).toBe('CDC3001')
    }
  })

  test('columns named like the machinery of JavaScript are columns', () => {
    const odd = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '', 'schema', 'payload', 'ü"\\']
    const value = wrapped(
      valueSchema(odd.map((field) => ({ field, type: 'string' }))),
      envelope({ after: `{${odd.map((name, i) => `${JSON.stringify(name)}:"v${i}"`).join(',')}}` }),
    )
    const event = decode({ key: null, value })!
    expect(event.image!.schema.fields.map(({ name }) => name)).toEqual(odd)
    const batch = createRowBatch({ columns: odd.map((name) => ({ name, type: 'string' })), key: [] }, { epoch: 0, partition: 0 })
    batch.append(event, 1n, 0)
    expect(odd.map((_, i) => valuesOf(batch.columns[i]!))).toEqual(odd.map((_, i) => [`v${i}`]))
  })

  test('deletes by two keys of one row schema do not see each other', () => {
    const by = decoder()
    const nameKey = keySchema([fields[1]!])
    const value = wrapped(schema, envelope({ op: 'd' }))
    expect(decode({ key: wrapped(ofKey, '{"id":7}'), value }, by)!.image!.start[1]).toBe(-1)
    const second = decode({ key: wrapped(nameKey, '{"name":"a"}'), value }, by)!
    expect([second.key, second.image!.start[0]]).toEqual([['name'], -1])
  })
})

describe('declared schemas', () => {
  test('a record without schema and without declaration is refused', () => {
    expect(codeOf(() => decode({ key: '{"id":7}', value: envelope({ after: row }) }))).toBe('CDC3004')
  })
  test('a column that is not declared is refused by name', () => {
    const failure = failureOf(() =>
      decode({ key: '{"id":7}', value: envelope({ after: row.replace('{', '{"new":1,') }) }, decoder(declared)),
    )
    expect([failure?.code, failure?.details['column']]).toEqual(['CDC3004', 'new'])
  })
  test('a declared column that was dropped since is NULL', () => {
    expect(rowOf(decode({ key: '{"id":7}', value: envelope({ after: '{"id":7}' }) }, decoder(declared)))).not.toHaveProperty(
      'name',
    )
  })
  test('a key other than the declared one is told by its names', () => {
    const by = decoder(declared)
    for (const [key, names] of [
      ['{"id":7,"name":"a"}', ['id', 'name']],
      ['{"name":"a"}', ['name']],
      ['{"id":7}', ['id']],
    ] as const) {
      expect(decode({ key, value: envelope({ after: row }) }, by)!.key).toEqual(names)
    }
  })
})

test('a failure names the place in the record and never a value', () => {
  const failure = failureOf(() => decode(withSchemas(envelope({ after: '{"id":7,"name":"SECRET}' }))))!
  expect(failure.message).toMatch(/^CDC3001 .* \(at byte \d+ of the value\)$/)
  expect(JSON.stringify([failure.message, failure.details])).not.toContain('SECRET')
})
