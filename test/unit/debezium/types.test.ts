import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { columnBuilder } from '../../../src/core/columns.ts'
import { CdcFailure } from '../../../src/core/failures.ts'
import type { LakeType } from '../../../src/core/schema.ts'
import { createDecoder } from '../../../src/debezium/decoder.ts'
import { connectField, declaredField, type ConnectField } from '../../../src/debezium/fields.ts'
import { append, appendTo, codeOf, optionsOf, placeholder } from './appending.ts'
import { valuesOf } from './columnValues.ts'
import { blockOf, envelope, keySchema, valueSchema, wrapped } from './messages.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')

describe('arrays', () => {
  test('have the type of their elements, and null elements, empty arrays and NULL are three things', () => {
    for (const [type, token, lake, values] of [
      ['int4[]', '[1,null,-3]', 'array<long>', [1n, null, -3n]],
      ['bigint[]', '[9007199254740993,-9223372036854775808]', 'array<long>', [9007199254740993n, -(2n ** 63n)]],
      ['text[]', '["a",null,"","NULL","\\"\\u00e9"]', 'array<string>', ['a', null, '', 'NULL', '"é']],
      ['character varying(5)[]', '["x"]', 'array<string>', ['x']],
      ['boolean[]', '[true,false,null]', 'array<boolean>', [true, false, null]],
      ['real[]', '[0.1,"NaN"]', 'array<double>', [Math.fround(0.1), NaN]],
      ['float8[]', '["-Infinity",5e-324]', 'array<double>', [-Infinity, 5e-324]],
      ['numeric(12,3)[]', '["1.500",null,"-0.001"]', 'array<decimal(18,3)>', ['1.500', null, '-0.001']],
      ['numeric(38,2)[]', '["123456789012345678901234567890.12"]', 'array<decimal(38,2)>', ['123456789012345678901234567890.12']],
      ['numeric[]', '["1.50"]', 'array<string>', ['1.50']],
      ['interval[]', '["P0Y0M1DT0H0M0S"]', 'array<string>', ['P0Y0M1DT0H0M0S']],
      ['date[]', '["1970-01-02Z",null]', 'array<date>', [1, null]],
      ['timestamp(6) without time zone[]', '["1970-01-01T00:00:00.5Z"]', 'array<timestamp_ntz>', [500_000n]],
      ['timestamptz[]', '["1970-01-01T00:00:00.5Z"]', 'array<timestamp>', [500_000n]],
      ['uuid[]', '["b68a35a7-17ad-35b3-af2a-ae46edb4545b"]', 'array<string>', ['b68a35a7-17ad-35b3-af2a-ae46edb4545b']],
      ['jsonb[]', '["{\\"a\\": 1.10}"]', 'array<string>', ['{"a": 1.10}']],
      ['bytea[]', `["${base64('ab')}",null]`, 'array<binary>', ['6162', null]],
      ['int4range[]', '["[1,5)"]', 'array<string>', ['[1,5)']],
    ] as const) {
      expect(declaredField('c', type, optionsOf({})).field.type).toBe(lake)
      expect([type, append(type, token, 'null', '[]', ' [ ] '.trim()).values]).toEqual([type, [[...values], null, [], []]])
    }
  })

  test('of any length and with any nulls arrive as they were', () => {
    const element = fc.option(fc.string({ unit: 'binary' }), { nil: null })
    fc.assert(
      fc.property(fc.array(fc.option(fc.array(element), { nil: null })), (lists) => {
        expect(append('text[]', ...lists.map((list) => JSON.stringify(list))).values).toEqual(lists)
      }),
      { numRuns: 30 },
    )
  })

  test('keep elements that have no place in their type in the notes, at their index', () => {
    expect(append('date[]', '["+292278994-08-16Z","2026-01-01Z",null]')).toMatchObject({
      values: [[null, 20_454, null]],
      specials: { c: '["infinity",null,null]' },
    })
    expect(append('numeric(9,2)[]', '["1.00","NAN"]')).toMatchObject({
      values: [['1.00', null]],
      specials: { c: '[null,"NaN"]' },
    })
  })

  test('whose elements do not fit are refused whole, and the column is as it was after the row is taken back', () => {
    const { field } = declaredField('c', 'numeric(12,2)[]', optionsOf({}))
    const column = columnBuilder(field.type)
    const put = (text: string) => field.append(Buffer.from(text), 0, text.length, column, notes)
    put('["1.00"]')
    expect(codeOf(() => put('["2.00","3.005"]'))).toBe('CDC4001')
    column.rewind(1)
    put('["4.00",null]')
    expect(valuesOf(column)).toEqual([['1.00'], ['4.00', null]])
  })

  test('of several dimensions are refused where the connector sends the names of Java objects', () => {
    for (const token of ['["[Ljava.lang.String;@22a4f9e6"]', '["[Ljava.util.UUID;@6624ea75","x"]', '["[[I@1b"]']) {
      expect(codeOf(() => append('text[]', token))).toBe('CDC4001')
    }
    for (const token of ['["[a@1"]', '["[Ljava"]', '["[L;@1"]', '["x[I@1b"]']) {
      expect(append('text[]', token).values).toEqual([JSON.parse(token)])
    }
  })

  test('of dates and timestamps are refused before 1582-10-25, where the connector sends some wrong', () => {
    for (const [type, token, code] of [
      ['date[]', '["1582-10-24Z"]', 'CDC4001'],
      ['date[]', '["1582-10-25Z","+12026-01-01Z",null]', 'fits'],
      ['timestamp[]', '["2026-01-01T00:00:00Z","0044-03-15T00:00:00Z"]', 'CDC4001'],
      ['timestamptz[]', '["-0043-03-15T00:00:00Z"]', 'CDC4001'],
      ['timestamptz[]', '["infinity","-infinity"]', 'fits'],
      ['timestamp[]', '["+292278994-08-16T23:00:00Z","-292275055-05-16T23:00:00Z"]', 'fits'],
    ] as const) {
      expect([token, codeOf(() => append(type, token))]).toEqual([token, code])
    }
    expect(codeOf(() => append('time[]', '["04:05:06Z"]'))).toBe('CDC3002')
  })

  test('that did not change are NULL and named, in each shape that the connector has for them', () => {
    const numbers = JSON.stringify([...Buffer.from(placeholder)])
    for (const [type, token] of [
      ['text[]', `["${placeholder}"]`],
      ['jsonb[]', `["${placeholder}"]`],
      ['bytea[]', `["${base64(placeholder)}"]`],
      ['int4[]', numbers],
      ['bigint[]', numbers],
      ['uuid[]', '["b68a35a7-17ad-35b3-af2a-ae46edb4545a"]'],
    ] as const) {
      expect([type, append(type, token)]).toEqual([type, { values: [null], specials: {}, unchanged: ['c'] }])
    }
    expect(append('text[]', `["${placeholder}","x"]`).values).toEqual([[placeholder, 'x']])
  })

  test('of another kind of token are undecodable', () => {
    for (const token of ['1', '"{1,2}"', 'true', '{}', '[1,"x"]', '[[1]]']) {
      expect([token, codeOf(() => append('int4[]', token))]).toEqual([token, 'CDC3001'])
    }
  })
})

describe('bit strings', () => {
  test('every bit(n) is its n digits, zeros in front included', () => {
    fc.assert(
      fc.property(
        fc
          .integer({ min: 2, max: 200 })
          .chain((n) => fc.tuple(fc.constant(n), fc.bigInt({ min: 0n, max: 2n ** BigInt(n) - 1n }))),
        ([n, value]) => {
          const hex = value.toString(16)
          const bytes = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex').reverse()
          const token = `"${value === 0n ? '' : bytes.toString('base64')}"`
          expect(append(`bit(${n})`, token).values).toEqual([value.toString(2).padStart(n, '0')])
        },
      ),
    )
  })

  test('bit(1) is a boolean, as it arrives', () => {
    for (const type of ['bit', 'bit(1)']) expect(append(type, 'true', 'false', 'null').values).toEqual([true, false, null])
  })

  test('more bits than the column has are refused', () => {
    expect(codeOf(() => append('bit(3)', '"CA=="'))).toBe('CDC4001')
    expect(codeOf(() => append('bit(3)', '"BQAAAAAAAAA="'))).toBe('CDC4001')
    expect(codeOf(() => append('bit(3)', '"101"'))).toBe('CDC3001')
    expect(codeOf(() => append('bit(3)', '5'))).toBe('CDC3001')
  })
})

describe('intervals', () => {
  test('whose seconds passed a double get their microseconds back', () => {
    for (const [sent, kept] of [
      ['P5Y2M87DT10H24M1.624299999S', 'P5Y2M87DT10H24M1.6243S'],
      ['P0Y-1M2DT0H0M-1.000000999S', 'P0Y-1M2DT0H0M-1.000001S'],
      ['P0Y0M0DT0H0M-0.000000999S', 'P0Y0M0DT0H0M-0.000001S'],
      ['P0Y0M0DT0H0M1.999999999S', 'P0Y0M0DT0H0M2S'],
      ['P0Y0M0DT25H0M0S', 'P0Y0M0DT25H0M0S'],
      ['P1Y2M-3DT4H5M6.5S', 'P1Y2M-3DT4H5M6.5S'],
    ] as const) {
      expect(append('interval', `"${sent}"`).values).toEqual([kept])
    }
  })

  test('of any number of microseconds are found again from nine digits', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 59_999_999 }), fc.constantFrom(-1, 0, 1), (us, nanos) => {
        const text = `${Math.floor(us / 1e6)}.${String((us % 1e6) * 1000 + Math.max(nanos, us === 0 ? 0 : -1)).padStart(9, '0')}`
        if (!/^\d+\.\d{9}$/.test(text)) return
        const value = String(append('interval', `"P0Y0M0DT0H0M${text}S"`).values[0])
        expect(Math.round(Number(/M([\d.]+)S$/.exec(value)![1]) * 1e6)).toBe(us)
      }),
    )
  })
})

describe('structs', () => {
  test('points and other shapes are their JSON, word for word', () => {
    for (const [type, token] of [
      ['point', '{"x":1.5,"y":-2.0,"wkb":"AQEA","srid":null}'],
      ['circle', '{"center":{"x":"NaN","y":1.0E300},"radius":3.0}'],
      ['geometry', '{"wkb":"AQEA","srid":4326}'],
    ] as const) {
      expect(append(type, token, 'null').values).toEqual([token, null])
    }
    expect(codeOf(() => append('point', '"(1,2)"'))).toBe('CDC3001')
    expect(codeOf(() => append('point', Uint8Array.from([0x7b, 0xff, 0x7d])))).toBe('CDC3001')
  })
})

describe('numbers as text', () => {
  test('a negative scale loses the zeros that Debezium prints behind the point, and nothing else', () => {
    const zeros = '0'.repeat(2046)
    const column = numeric('2046')
    expect(appendTo(column, `"12300.${zeros}"`, `"-7.0"`, '"0"', '"NAN"').values).toEqual(['12300', '-7', '0', 'NaN'])
    expect(codeOf(() => appendTo(column, '"1.5"'))).toBe('CDC4001')
  })
})

describe('types that somebody chose', () => {
  const chosen = (type: string, ...choices: LakeType[]) => declaredField('c', type, optionsOf({ c: choices })).field
  const failureOf = (act: () => unknown): CdcFailure => {
    try {
      act()
    } catch (error) {
      if (error instanceof CdcFailure) return error
    }
    throw new Error('no failure')
  }

  test('a numeric without a precision may be a decimal; what does not fit is refused, never rounded', () => {
    const field = chosen('numeric', 'decimal(38,4)')
    expect(field.type).toBe('decimal(38,4)')
    expect(appendTo(field, '"1.5"', '"-12345678901234567890.1234"').values).toEqual(['1.5000', '-12345678901234567890.1234'])
    expect(codeOf(() => appendTo(field, '"0.00001"'))).toBe('CDC4001')
    expect(appendTo(field, '"NAN"')).toEqual({ values: [null], specials: { c: 'NaN' }, unchanged: [] })
  })

  test('what has values that the usual type cannot hold may be text', () => {
    for (const [type, token, text] of [
      ['numeric(9,2)', '"NAN"', 'NaN'],
      ['date', '"+12026-01-02Z"', '+12026-01-02Z'],
      ['timestamptz', '"infinity"', 'infinity'],
      ['money', '"-92233720368547758.08"', '-92233720368547758.08'],
    ] as const) {
      const field = chosen(type, 'string')
      expect([field.type, appendTo(field, token).values]).toEqual(['string', [text]])
    }
  })

  test('elements of arrays may be chosen, too', () => {
    const field = chosen('numeric[]', 'array<decimal(18,2)>')
    expect([field.type, appendTo(field, '["1.5",null]').values]).toEqual(['array<decimal(18,2)>', [['1.50', null]]])
  })

  test('the first type counts that the column can have: what the log says comes before what the file says', () => {
    expect(chosen('numeric', 'decimal(38,2)', 'string').type).toBe('decimal(38,2)')
    expect(chosen('numeric', 'long', 'decimal(18,1)').type).toBe('decimal(18,1)')
  })

  test('a type that the column cannot have is refused with what to do', () => {
    for (const [type, choice] of [
      ['text', 'decimal(38,2)'],
      ['int8', 'string'],
      ['numeric[]', 'decimal(38,2)'],
      ['numeric', 'array<string>'],
    ] as const) {
      const failure = failureOf(() => chosen(type, choice))
      expect([failure.code, failure.details['type'], failure.hint]).toEqual([
        'CDC3002',
        choice,
        expect.stringContaining('lakeTypes'),
      ])
    }
  })
})

describe('what Debezium sends with a loss', () => {
  test('is refused by the name of its source type', () => {
    for (const [source, type] of [
      ['NAME', 'string'],
      ['VARBIT', 'bytes'],
      ['_BIT', 'boolean'],
      ['INT2VECTOR', 'array'],
    ] as const) {
      expect([source, codeOf(() => connectField(field(type, { type: source }), optionsOf({})))]).toEqual([source, 'CDC3002'])
    }
  })
  test('bits whose source type is not told are refused: bit and bit varying look alike', () => {
    const bits = { ...field('bytes', {}), semantic: 'io.debezium.data.Bits' }
    expect(codeOf(() => connectField(bits, optionsOf({})))).toBe('CDC3002')
  })
})

test('NULL is NULL although the schema tells a default (SEMANTICS R1.34)', () => {
  const schema = valueSchema([
    { field: 'id', type: 'int64' },
    { field: 'note', type: 'string', default: 'DFLT' },
  ])
  const key = wrapped(keySchema([{ field: 'id', type: 'int64' }]), '{"id":7}')
  const block = blockOf([{ key, value: wrapped(schema, envelope({ after: '{"id":7,"note":null}' })) }])
  const decoder = createDecoder({ placeholder, table: { schema: 'public', table: 'bookings' } })
  const { schema: row, bytes, start, end } = decoder.decode(block, 0)!.image!
  const column = columnBuilder(row.fields[1]!.type)
  row.fields[1]!.append(bytes, start[1]!, end[1]!, column, notes)
  expect(valuesOf(column)).toEqual([null])
})

const notes = { special: () => undefined, unchanged: () => undefined }

function field(type: string, source: Record<string, string>): ConnectField {
  const parameters = new Map(Object.entries(source).map(([key, value]) => [`__debezium.source.column.${key}`, value]))
  const items =
    type === 'array' ? { name: 'c', type: 'int16', semantic: null, parameters: new Map<string, string>(), items: null } : null
  return { name: 'c', type, semantic: null, parameters, items }
}

function numeric(scale: string) {
  return connectField(field('string', { type: 'NUMERIC', length: '5', scale }), optionsOf({})).field
}
