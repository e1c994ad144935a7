import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { code } from '../../../src/core/failures.ts'
import type { Column, LakeType } from '../../../src/core/schema.ts'
import { columnsOf, covers, mergeGrowth, schemaIdOf, schemaString } from '../../../src/lake/deltaSchema.ts'
import { decodeName, encodeName, tableRoot } from '../../../src/core/names.ts'

const types: LakeType[] = [
  'long',
  'double',
  'boolean',
  'string',
  'binary',
  'date',
  'timestamp',
  'timestamp_ntz',
  'decimal(18,4)',
  'decimal(38,0)',
  'array<string>',
  'array<decimal(18,2)>',
]
const column: fc.Arbitrary<Column> = fc.record({
  name: fc.oneof(fc.string({ minLength: 1 }), fc.constantFrom('__proto__', 'constructor', 'a.b', 'naïve, "quoted"')),
  type: fc.constantFrom(...types),
})
const columns = fc.uniqueArray(column, { selector: ({ name }) => name.toLowerCase() })

describe('the schema of a table', () => {
  it('comes back from its Delta text as it was, whatever the columns are called', () => {
    fc.assert(
      fc.property(columns, (columns) => {
        expect(columnsOf(JSON.parse(schemaString({ columns, key: [] })))).toEqual(columns)
      }),
    )
  })

  it('grows to the same set of columns in whatever order the records come, and covers each of them', () => {
    fc.assert(
      fc.property(columns, columns, (a, b) => {
        const fits = b.filter(({ name }) => !a.some((other) => other.name.toLowerCase() === name.toLowerCase()))
        const empty = { columns: [], key: [] }
        const grow = (first: readonly Column[], then: readonly Column[]) =>
          mergeGrowth(mergeGrowth(empty, { columns: first, key: [] }, 'none'), { columns: then, key: null }, 'none')
        const [one, other] = [grow(a, fits), grow(fits, a)]
        expect(covers(one, other) && covers(other, one)).toBe(true)
        expect(one.columns.slice(0, a.length)).toEqual(a)
      }),
    )
  })

  it('has an id that tells names, types and key', () => {
    const schema = { columns: [{ name: 'id', type: 'long' as const }], key: ['id'] }
    expect(schemaIdOf(schema)).toMatch(/^[0-9a-f]{16}$/)
    expect(schemaIdOf({ ...schema, key: [] })).not.toBe(schemaIdOf(schema))
    expect(schemaIdOf({ ...schema, columns: [{ name: 'id', type: 'string' }] })).not.toBe(schemaIdOf(schema))
  })

  it('refuses types that Sluice never writes', () => {
    const text = '{"type":"struct","fields":[{"name":"x","type":{"type":"map"},"nullable":true,"metadata":{}}]}'
    expect(() => columnsOf(JSON.parse(text))).toThrow(code.BrokenLog)
  })
})

describe('the folder of a table', () => {
  it('is database, schema and table', () => {
    expect(tableRoot('airline', 'public', 'flights')).toBe('airline/public/flights')
  })

  it.each([
    ['../x', '!2E.!2Fx'],
    ['a/b', 'a!2Fb'],
    ['"; DROP', '!22!3B!20DROP'],
    ['__proto__', '!5F_proto__'],
    ['✈️', '!E2!9C!88!EF!B8!8F'],
    ['..', '!2E.'],
    ['a%2Fb', 'a!252Fb'],
    ['a!2Fb', 'a!212Fb'],
  ])('encodes %j as %s', (name, encoded) => {
    expect(encodeName(name)).toBe(encoded)
    expect(decodeName(encoded)).toBe(name)
  })

  it('refuses names that no folder can have', () => {
    for (const name of ['', 'a\nb', 'a\0', 'x'.repeat(256)]) expect(() => encodeName(name)).toThrow(code.InvalidInput)
  })
})
