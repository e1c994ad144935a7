import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { LakeType } from '../../../src/core/schema.ts'
import { dictionaryOf, type Dictionary } from '../../../src/lake/dictionary.ts'
import { distancesOf } from '../../../src/lake/distances.ts'
import { builderOf, type Value } from './lakeFile.ts'

function dictionaryWithin(type: LakeType, values: readonly Value[], limit: number): Dictionary | null {
  const column = builderOf(type, values)
  return dictionaryOf(column, distancesOf(column), limit)
}

/** The values again, as the dictionary has them. */
function told({ firsts, indices }: Dictionary, values: readonly Value[]): Value[] {
  return Array.from(indices.subarray(0, values.length), (entry) => values[firsts[entry]!]!)
}

describe('a dictionary', () => {
  it('has an entry for each distinct value and tells every value again', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('', 'a', 'b', 'ab', 'ba', 'é', '😀'), { minLength: 20, maxLength: 300 }), (values) => {
        const dictionary = dictionaryWithin('string', values, Infinity)!
        expect(dictionary.size).toBe(new Set(values).size)
        expect(told(dictionary, values)).toEqual(values)
      }),
    )
  })

  it('keeps apart what differs in length or in a single bit, wherever that stands', () => {
    const bytes = fc.array(fc.constantFrom(0, 1, 128), { maxLength: 14 }).map((bytes) => Uint8Array.from(bytes))
    fc.assert(
      fc.property(fc.array(bytes, { minLength: 50, maxLength: 400 }), (values) => {
        const dictionary = dictionaryWithin('binary', values, Infinity)!
        expect(dictionary.size).toBe(new Set(values.map(String)).size)
        expect(told(dictionary, values)).toEqual(values)
      }),
    )
  })

  it('keeps -0 apart from 0, and longs apart that differ only above 32 bits', () => {
    const doubles = Array.from({ length: 100 }, (_, i) => (i % 2 ? -0 : 0))
    expect(dictionaryWithin('double', doubles, Infinity)!.size).toBe(2)
    const longs = Array.from({ length: 2000 }, (_, i) => BigInt(i % 700) << 32n)
    expect(dictionaryWithin('long', longs, Infinity)!.size).toBe(700)
  })

  it('of integers near to each other is the one that hashing makes', () => {
    const integers = fc.array(fc.integer({ min: -30_000, max: 30_000 }), { minLength: 2, maxLength: 300 })
    fc.assert(
      fc.property(integers, fc.constantFrom<LakeType>('integer', 'long'), (integers, type) => {
        const values = type === 'long' ? integers.map(BigInt) : integers
        const column = builderOf(type, values)
        const hashed = dictionaryOf(column, null, Infinity)!
        const [size, firsts] = [hashed.size, hashed.firsts.slice(0, hashed.size)]
        expect(told(hashed, values)).toEqual(values)
        const near = dictionaryOf(column, distancesOf(column), Infinity)!
        expect(near.size).toBe(size)
        expect(near.firsts.slice(0, size)).toEqual(firsts)
        expect(told(near, values)).toEqual(values)
      }),
    )
  })

  it('is given up when it would not be smaller than the values, or larger than a MiB', () => {
    const distinct = Array.from({ length: 1000 }, (_, i) => `value ${i}`)
    const bytes = distinct.reduce((sum, value) => sum + 4 + value.length, 0)
    expect(dictionaryWithin('string', distinct, bytes)).toBeNull()
    const twice = [...distinct, ...distinct]
    const indexBytes = (twice.length * 10) / 8
    expect(dictionaryWithin('string', twice, bytes + indexBytes)).toBeNull()
    expect(dictionaryWithin('string', twice, bytes + indexBytes + 1)!.size).toBe(1000)
    const long = (length: number) => Array.from({ length: 1000 }, (_, i) => `value ${i % 100};`.repeat(1500).slice(0, length))
    expect(dictionaryWithin('string', long(12_000), Infinity)).toBeNull()
    expect(dictionaryWithin('string', long(900), Infinity)!.size).toBe(100)
  })

  it('is given up soon where hardly any value comes back', () => {
    const values = Array.from({ length: 20_000 }, (_, i) => BigInt(i % 10_000) * 1_000_000_007n)
    expect(dictionaryWithin('long', values, Infinity)).toBeNull()
  })

  it('grows past its first table without losing an entry, and begins anew for the next column', () => {
    const values = Array.from({ length: 40_000 }, (_, i) => BigInt(i % 3000 < 1500 ? i % 1500 : i % 9000) * 1_000_003n)
    const dictionary = dictionaryWithin('long', values, Infinity)!
    expect(dictionary.size).toBe(new Set(values).size)
    expect(told(dictionary, values)).toEqual(values)
    expect(dictionaryWithin('long', [7n, 7n], Infinity)!.size).toBe(1)
  })
})
