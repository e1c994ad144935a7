import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { LakeType } from '../../../src/core/schema.ts'
import { dictionaryOf } from '../../../src/lake/dictionary.ts'
import { distancesOf } from '../../../src/lake/distances.ts'
import { boundsOf, maxBoundBytes } from '../../../src/lake/statistics.ts'
import { builderOf, type Value } from './lakeFile.ts'

const utf8 = new TextEncoder()

function bounds(type: LakeType, values: Value[]): ReturnType<typeof boundsOf> {
  const column = builderOf(type, values)
  const plain = boundsOf(column, null, null)
  const distances = distancesOf(column)
  if (distances) expect(boundsOf(column, distances, null)).toEqual(plain)
  const dictionary = dictionaryOf(column, null, Infinity)
  if (dictionary) expect(boundsOf(column, null, dictionary)).toEqual(plain)
  return plain
}

const order: Record<string, (a: Value, b: Value) => number> = {
  bytes: (a, b) => Buffer.compare(a as Uint8Array, b as Uint8Array),
  string: (a, b) => Buffer.compare(utf8.encode(a as string), utf8.encode(b as string)),
  number: (a, b) => ((a as bigint) < (b as bigint) ? -1 : (a as bigint) > (b as bigint) ? 1 : 0),
}

function decoded(type: LakeType, bytes: Uint8Array): Value {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (type === 'string') return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  if (type === 'binary') return bytes
  if (type === 'boolean') return bytes[0] === 1
  if (type === 'integer' || type === 'date') return view.getInt32(0, true)
  if (type === 'double') return view.getFloat64(0, true)
  if (type.startsWith('decimal(38')) return (view.getBigInt64(0) << 64n) | view.getBigUint64(8)
  return view.getBigInt64(0, true)
}

describe('bounds of a column chunk', () => {
  const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
  const small = fc.bigInt({ min: -(2n ** 33n), max: 2n ** 33n })
  const cases: [LakeType, fc.Arbitrary<Value>, keyof typeof order][] = [
    ['integer', fc.oneof(fc.integer(), fc.integer({ min: -1000, max: 1000 })), 'number'],
    ['date', fc.integer(), 'number'],
    ['boolean', fc.boolean(), 'number'],
    ['double', fc.double({ noNaN: true }), 'number'],
    ['long', fc.oneof(long, small), 'number'],
    ['timestamp', long, 'number'],
    ['timestamp_ntz', small, 'number'],
    ['decimal(18,4)', long, 'number'],
    ['decimal(38,4)', fc.oneof(fc.bigInt({ min: -(10n ** 38n), max: 10n ** 38n }), small), 'number'],
    ['string', fc.string({ unit: 'binary', maxLength: 10 }), 'string'],
    ['binary', fc.uint8Array({ maxLength: 10 }), 'bytes'],
  ]
  it.each(cases)('of %s are its least and greatest value in the order that Parquet defines', (type, value, by) => {
    fc.assert(
      fc.property(fc.array(fc.option(value), { minLength: 1, maxLength: 50 }), (values) => {
        const there = values.filter((value) => value !== null).sort(order[by])
        const found = bounds(type, values)
        if (there.length === 0) {
          expect(found).toBeNull()
          return
        }
        expect(found).toMatchObject({ minExact: true, maxExact: true })
        // == and not Object.is: the two zeros are one number
        expect(order[by]!(decoded(type, found!.min!), there[0]!)).toBe(0)
        expect(order[by]!(decoded(type, found!.max!), there.at(-1)!)).toBe(0)
      }),
    )
  })

  it('of long strings and binaries are short, hold for every value, and are never half a character', () => {
    const prefix = fc.constantFrom(
      '',
      'a'.repeat(62),
      'é'.repeat(31),
      '\u{10ffff}'.repeat(16),
      '\ud7ff'.repeat(22),
      '\ufeff'.repeat(21),
    )
    const text = fc.tuple(prefix, fc.string({ unit: 'binary', maxLength: 100 })).map((parts) => parts.join(''))
    const binary = fc.tuple(fc.constantFrom(0, 62, 64, 70), fc.uint8Array({ maxLength: 100 }))
    const bytes = binary.map(([count, rest]) => Uint8Array.of(...Array<number>(count).fill(0xff), ...rest))
    fc.assert(
      fc.property(
        fc.oneof(fc.array(text, { minLength: 1 }), fc.array(bytes, { minLength: 1 })),
        (values: (string | Uint8Array)[]) => {
          const type = typeof values[0] === 'string' ? 'string' : 'binary'
          const encoded = values
            .map((value) => (typeof value === 'string' ? utf8.encode(value) : value))
            .sort((a, b) => Buffer.compare(a, b))
          const { min, max, minExact, maxExact } = bounds(type, values)!
          const least = encoded[0]!
          const greatest = encoded.at(-1)!
          expect(minExact).toBe(least.length <= maxBoundBytes)
          expect(maxExact).toBe(greatest.length <= maxBoundBytes)
          expect(min!.length).toBeLessThanOrEqual(maxBoundBytes)
          expect(Buffer.compare(min!, least)).toBe(minExact ? 0 : -1)
          decoded(type, min!)
          if (max === null) {
            expect(maxExact).toBe(false)
            return
          }
          expect(max.length).toBeLessThanOrEqual(maxBoundBytes + 1)
          expect(Buffer.compare(greatest, max)).toBe(maxExact ? 0 : -1)
          decoded(type, max)
        },
      ),
      { numRuns: 500 },
    )
  })

  it('are absent above where nothing is greater than a long value', () => {
    expect(bounds('binary', [new Uint8Array(100).fill(0xff)])).toMatchObject({ max: null, maxExact: false })
    expect(bounds('string', ['\u{10ffff}'.repeat(40)])).toMatchObject({ max: null, maxExact: false })
  })

  it('step over the surrogates, which are no characters', () => {
    const { max } = bounds('string', ['\ud7ff'.repeat(40)])!
    expect(new TextDecoder().decode(max)).toBe('\ud7ff'.repeat(20) + '\ue000')
  })

  it('are absent where there is a NaN, which some readers hold to be the greatest value', () => {
    expect(bounds('double', [1, NaN, 3])).toBeNull()
    expect(bounds('double', [NaN])).toBeNull()
  })

  it('stand for both zeros: -0 below and +0 above', () => {
    for (const zeros of [[0], [-0], [0, -0]]) {
      const { min, max } = bounds('double', zeros)!
      expect([decoded('double', min!), decoded('double', max!)]).toEqual([-0, 0])
    }
    const { min, max } = bounds('double', [Infinity, -Infinity])!
    expect([decoded('double', min!), decoded('double', max!)]).toEqual([-Infinity, Infinity])
  })
})
