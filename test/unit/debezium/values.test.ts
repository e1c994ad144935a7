import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { declaredField } from '../../../src/debezium/fields.ts'
import { append, codeOf, optionsOf, placeholder } from './appending.ts'
import { decimalText } from './columnValues.ts'

describe('integers', () => {
  test('every int64 arrives exactly', () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })), (values) => {
        expect(append('int8', ...values.map(String)).values).toEqual(values)
      }),
    )
  })
  test('the ends of int64, of the doubles and zero arrive exactly', () => {
    const values = [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n, 2n ** 53n - 1n, -(2n ** 53n) - 1n, 999_999_999_999_999n, 0n, -1n]
    expect(append('bigint', ...values.map(String)).values).toEqual(values)
  })
  test('beyond int64 is out of range', () => {
    for (const token of ['9223372036854775808', '-9223372036854775809', '1'.repeat(40)]) {
      expect(codeOf(() => append('int8', token))).toBe('CDC4001')
    }
  })
  test('another kind of token is no integer', () => {
    for (const token of ['"1"', '1.0', '1e3', 'true', '{}', '[]']) expect(codeOf(() => append('int4', token))).toBe('CDC3001')
  })
})

describe('decimals', () => {
  const decimals = (precision: number) =>
    fc.integer({ min: 0, max: precision }).chain((scale) => {
      const most = 10n ** BigInt(precision) - 1n
      return fc.tuple(fc.constant(scale), fc.array(fc.bigInt({ min: -most, max: most })))
    })
  for (const precision of [18, 38]) {
    test(`every numeric(${precision},s) arrives exactly`, () => {
      fc.assert(
        fc.property(decimals(precision), ([scale, unscaled]) => {
          const texts = unscaled.map((value) => decimalText(value, scale))
          expect(append(`numeric(${precision},${scale})`, ...texts.map((text) => `"${text}"`)).values).toEqual(texts)
        }),
      )
    })
    test(`missing fraction digits of numeric(${precision},4) are padded`, () => {
      expect(append(`numeric(${precision},4)`, '"1.5"', '"-2"', '"0"', '"1E-4"', '"12E+2"').values).toEqual([
        '1.5000',
        '-2.0000',
        '0.0000',
        '0.0001',
        '1200.0000',
      ])
    })
    test(`more digits than decimal(${precision},2) has are refused, none is rounded`, () => {
      const whole = '9'.repeat(precision - 2)
      expect(append(`numeric(${precision},2)`, `"-${whole}.99"`).values).toEqual([`-${whole}.99`])
      for (const token of ['"1.005"', `"1${whole}.00"`, `"1${whole}"`, '"1E-3"', '"1E+99"']) {
        expect(codeOf(() => append(`numeric(${precision},2)`, token))).toBe('CDC4001')
      }
    })
  }
  test('NaN and the infinities become NULL and a note', () => {
    for (const [token, text] of [
      ['"NAN"', 'NaN'],
      ['"NaN"', 'NaN'],
      ['"POSITIVE_INFINITY"', 'Infinity'],
      ['"Infinity"', 'Infinity'],
      ['"NEGATIVE_INFINITY"', '-Infinity'],
      ['"-Infinity"', '-Infinity'],
    ] as const) {
      expect(append('numeric(30,2)', token)).toEqual({ values: [null], specials: { c: text }, unchanged: [] })
    }
  })
  test('another kind of token is no decimal', () => {
    for (const token of ['1.5', '""', '"-"', '"."', '"1.2.3"', '"1e"', '"abc"', '"1 "', 'true']) {
      expect(codeOf(() => append('numeric(12,2)', token))).toBe('CDC3001')
    }
  })
  test('money is a decimal of two digits', () => {
    expect(append('money', '"-1234567890123456.78"', '"0.05"').values).toEqual(['-1234567890123456.78', '0.05'])
    expect(codeOf(() => append('money', '"12345678901234567.89"'))).toBe('CDC4001')
  })
  test('numeric without a precision or of an unusual scale stays text', () => {
    const text = '12345678901234567890.123456789012345678901234567890'
    for (const type of ['numeric', 'numeric(50,2)', 'numeric(3,5)']) {
      const all = append(type, ...[text, 'NAN', 'POSITIVE_INFINITY', 'NEGATIVE_INFINITY'].map((each) => `"${each}"`)).values
      expect(all).toEqual([text, 'NaN', 'Infinity', '-Infinity'])
    }
  })
})

describe('floating point', () => {
  test('every double arrives as it was', () => {
    fc.assert(
      fc.property(fc.array(fc.double()), (values) => {
        const tokens = values.map((v) => (Number.isFinite(v) ? (Object.is(v, -0) ? '-0.0' : String(v)) : `"${v}"`))
        expect(append('float8', ...tokens).values).toEqual(values)
      }),
    )
  })
  test('every real arrives as the double of its float', () => {
    fc.assert(
      fc.property(fc.array(fc.float({ noNaN: true, noDefaultInfinity: true })), (values) => {
        expect(append('real', ...values.map((v) => (Object.is(v, -0) ? '-0.0' : String(v)))).values).toEqual(values)
      }),
    )
    expect(append('real', '0.1', '3.4028235E38').values).toEqual([Math.fround(0.1), Math.fround(3.4028235e38)])
  })
  test('numbers as Java prints them are read', () => {
    expect(append('double precision', '1.0E-5', '1.7976931348623157E308', '4.9E-324', '12', '1e22').values).toEqual([
      1e-5, 1.7976931348623157e308, 5e-324, 12, 1e22,
    ])
  })
  test('another kind of token is no number', () => {
    for (const token of ['"1"', 'true', '"Infinit"', '{}', '1e400']) expect(codeOf(() => append('float8', token))).toBe('CDC3001')
  })
})

describe('dates and timestamps', () => {
  const anyMs = fc.integer({ min: Date.parse('0001-01-01T00:00:00Z'), max: Date.parse('9999-12-31T23:59:59.999Z') })
  test('every date from 0001 to 9999 arrives as its days', () => {
    fc.assert(
      fc.property(fc.array(anyMs), (times) => {
        const tokens = times.map((ms) => `"${new Date(ms).toISOString().slice(0, 10)}Z"`)
        expect(append('date', ...tokens).values).toEqual(times.map((ms) => Math.floor(ms / 86_400_000)))
      }),
    )
  })
  for (const type of ['timestamp(6) without time zone', 'timestamptz']) {
    test(`every ${type} from 0001 to 9999 arrives to the microsecond`, () => {
      fc.assert(
        fc.property(fc.array(fc.tuple(anyMs, fc.integer({ min: 0, max: 999 }))), (times) => {
          const tokens = times.map(([ms, us]) => `"${new Date(ms).toISOString().slice(0, 23)}${String(us).padStart(3, '0')}Z"`)
          expect(append(type, ...tokens).values).toEqual(times.map(([ms, us]) => BigInt(ms) * 1000n + BigInt(us)))
        }),
      )
    })
  }
  test('any number of fraction digits is read, a nonzero one below the microsecond refused', () => {
    expect(
      append('timestamp', '"1970-01-01T00:00:00Z"', '"1970-01-01T00:00:01.5Z"', '"1970-01-01T00:00:01.000001000Z"').values,
    ).toEqual([0n, 1_500_000n, 1_000_001n])
    expect(codeOf(() => append('timestamp', '"1970-01-01T00:00:01.0000001Z"'))).toBe('CDC4001')
  })
  test('an offset is counted for timestamptz only', () => {
    expect(append('timestamptz', '"1970-01-01T02:00:00+02:00"', '"1969-12-31T23:30:00-00:30"').values).toEqual([0n, 0n])
    expect(codeOf(() => append('timestamp', '"1970-01-01T02:00:00+02:00"'))).toBe('CDC3001')
    expect(codeOf(() => append('timestamptz', '"1970-01-01T02:00:00"'))).toBe('CDC3001')
  })
  test('infinities and years outside 0001 to 9999 become NULL and a note', () => {
    for (const [type, token, text] of [
      ['timestamptz', '"infinity"', 'infinity'],
      ['timestamptz', '"-infinity"', '-infinity'],
      ['timestamp', '"+292278994-08-16T23:00:00Z"', 'infinity'],
      ['timestamp', '"-292275055-05-16T16:47:04.192Z"', '-infinity'],
      ['date', '"+292278994-08-16Z"', 'infinity'],
      ['date', '"+292269055-12-02Z"', '-infinity'],
      ['date', '"+5877611-06-21Z"', 'infinity'],
      ['date', '"-5877611-06-22Z"', '-infinity'],
      ['date', '"+12026-01-02Z"', '+12026-01-02Z'],
      ['timestamptz', '"-0043-03-15T00:00:00Z"', '-0043-03-15T00:00:00Z'],
      ['timestamptz', '"0000-03-15T00:00:00Z"', '0000-03-15T00:00:00Z'],
    ] as const) {
      expect(append(type, token)).toEqual({ values: [null], specials: { c: text }, unchanged: [] })
    }
  })
  test('what is no date is refused', () => {
    for (const token of [
      '20487',
      '"2026-02-30Z"',
      '"2025-02-29Z"',
      '"2026-13-01Z"',
      '"2026-1-01Z"',
      '"2026-01-01X"',
      '""',
      '"x"',
    ]) {
      expect(codeOf(() => append('date', token))).toBe('CDC3001')
    }
    for (const token of [
      '"2026-02-03"',
      '"2026-02-03T24:00:00Z"',
      '"2026-02-03T04:60:00Z"',
      '"2026-02-03T04:05:06.Z"',
      '1',
      '"2026-02-03T04:0"',
    ]) {
      expect(codeOf(() => append('timestamp', token))).toBe('CDC3001')
    }
  })
  test('time loses the Z that PostgreSQL does not mean, timetz keeps it', () => {
    expect(append('time', '"04:05:06.123456Z"').values).toEqual(['04:05:06.123456'])
    expect(append('time with time zone', '"04:05:06.123456Z"').values).toEqual(['04:05:06.123456Z'])
  })
})

describe('text and bytes', () => {
  test('every string arrives as its UTF-8', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' })), (texts) => {
        expect(append('text', ...texts.map((text) => JSON.stringify(text))).values).toEqual(texts)
      }),
    )
  })
  test('every escape is undone', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const escaped = Array.from({ length: text.length }, (_, i) => `\\u${text.charCodeAt(i).toString(16).padStart(4, '0')}`)
        expect(
          append('text', `"${escaped.join('')}"`, `"${escaped.join('').toUpperCase().replaceAll('\\U', '\\u')}"`).values,
        ).toEqual([text, text])
      }),
    )
    expect(append('varchar(9)', '"\\"\\\\\\/\\b\\f\\n\\r\\t"').values).toEqual(['"\\/\b\f\n\r\t'])
  })
  test('half a surrogate pair is refused', () => {
    for (const token of ['"\\ud800"', '"\\udc00"', '"\\ud800\\ud800"', '"\\ud800x"', '"\\ud800\\n"']) {
      expect(codeOf(() => append('text', token))).toBe('CDC4001')
    }
  })
  test('bytes that are not UTF-8 are refused', () => {
    for (const bytes of [
      [0xff],
      [0xc0, 0x80],
      [0xc3],
      [0xe0, 0x80, 0x80],
      [0xed, 0xa0, 0x80],
      [0xf4, 0x90, 0x80, 0x80],
      [0x80],
    ]) {
      expect(codeOf(() => append('text', Uint8Array.from([0x22, ...bytes, 0x22])))).toBe('CDC3001')
    }
  })
  test('char is not trimmed and json is kept word for word', () => {
    expect(append('character(5)', '"ab   "').values).toEqual(['ab   '])
    expect(append('jsonb', '"{\\"a\\": 1.10}"').values).toEqual(['{"a": 1.10}'])
  })
  test('the TOAST placeholder becomes NULL and a note, in text and in bytea', () => {
    expect(append('text', `"${placeholder}"`)).toEqual({ values: [null], specials: {}, unchanged: ['c'] })
    expect(append('json', `"${placeholder}"`)).toEqual({ values: [null], specials: {}, unchanged: ['c'] })
    expect(append('bytea', `"${btoa(placeholder)}"`)).toEqual({ values: [null], specials: {}, unchanged: ['c'] })
    expect(append('text', `"${placeholder} "`).values).toEqual([`${placeholder} `])
  })
  test('all bytes arrive through base64', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array()), (values) => {
        const buffers = values.map((bytes) => Buffer.from(bytes))
        expect(append('bytea', ...buffers.map((b) => `"${b.toString('base64')}"`)).values).toEqual(
          buffers.map((b) => b.toString('hex')),
        )
      }),
    )
  })
  test('what is not base64 is refused', () => {
    for (const token of ['"abc"', '"a==="', '"ab=="', '"aaa~"', '"aa=a"', '12', '"===="']) {
      expect(codeOf(() => append('bytea', token))).toBe('CDC3001')
    }
  })
  test('another kind of token is no string', () => {
    for (const token of ['1', 'true', '{}', '[]']) expect(codeOf(() => append('text', token))).toBe('CDC3001')
  })
})

test('booleans are true and false only', () => {
  expect(append('boolean', 'true', 'false').values).toEqual([true, false])
  for (const token of ['0', '"true"']) expect(codeOf(() => append('bool', token))).toBe('CDC3001')
})

test('null is NULL in every type', () => {
  for (const type of ['int2', 'real', 'float8', 'numeric(9,2)', 'numeric(38,2)', 'numeric', 'money', 'bool', 'date', 'time']) {
    expect(append(type, 'null').values).toEqual([null])
  }
  for (const type of ['timetz', 'timestamp', 'timestamptz', 'text', 'bytea', 'uuid'])
    expect(append(type, 'null').values).toEqual([null])
})

test('types that are not in the table are refused by name', () => {
  for (const type of ['varbit(3)', 'name', 'point[]', 'bit(3)[]', 'pg_lsn', 'constructor', '__proto__', '', 'numeric(12', '[]']) {
    expect(codeOf(() => declaredField('c', type, optionsOf({})))).toBe('CDC3002')
  }
})
