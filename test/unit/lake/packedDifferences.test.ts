import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { distancesOf } from '../../../src/lake/distances.ts'
import { packedBytes, packedValues } from '../../../src/lake/packedDifferences.ts'
import { PageBytes } from '../../../src/lake/pageBytes.ts'
import { builderOf } from './lakeFile.ts'

/** Reads DELTA_BINARY_PACKED as the format's specification has it, bit by bit. */
function readDifferences(bytes: Uint8Array): bigint[] {
  let at = 0
  const varint = (): bigint => {
    for (let value = 0n, shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]!
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }
  const zigzag = (): bigint => {
    const value = varint()
    return (value >> 1n) ^ -(value & 1n)
  }
  const [blockSize, miniblocks, count] = [Number(varint()), Number(varint()), Number(varint())]
  expect([blockSize % 128, (blockSize / miniblocks) % 32]).toEqual([0, 0])
  const values = [zigzag()]
  while (values.length < count) {
    const least = zigzag()
    const widths = [...bytes.subarray(at, at + miniblocks)]
    at += miniblocks
    for (const width of widths) {
      if (values.length >= count) {
        expect(width).toBe(0)
        continue
      }
      const from = at * 8
      for (let i = 0; i < blockSize / miniblocks; i++) {
        let above = 0n
        for (let bit = 0; bit < width; bit++) {
          const place = from + i * width + bit
          above |= BigInt((bytes[place >> 3]! >> (place & 7)) & 1) << BigInt(bit)
        }
        if (values.length < count) values.push(values.at(-1)! + least + above)
        else expect(above).toBe(0n)
      }
      at += (blockSize / miniblocks / 8) * width
    }
  }
  expect(at).toBe(bytes.length)
  return values.slice(0, count)
}

function encoded(type: 'long' | 'integer', values: readonly bigint[], from = 0, to = values.length): Uint8Array {
  const out = new PageBytes()
  out.data.fill(0xff)
  packedValues(distancesOf(builderOf(type, type === 'long' ? values : values.map(Number)))!).write(out, from, to)
  return out.view()
}

describe('packed differences', () => {
  const count = { minLength: 1, maxLength: 300 }
  const steps = fc.array(fc.bigInt({ min: -100n, max: 100_000n }), count).map((steps) => {
    let value = 2n ** 60n
    return steps.map((step) => (value += step))
  })
  const wide = fc.bigInt({ min: 0n, max: 51n }).chain((bits) => fc.array(fc.bigInt({ min: 0n, max: 2n ** bits - 1n }), count))
  const low = wide.map((values) => values.map((value) => value - 2n ** 63n))

  it('give back every long, whatever their order and as wide as they may be', () => {
    fc.assert(
      fc.property(fc.oneof(steps, wide, low), (values) => {
        expect(readDifferences(encoded('long', values))).toEqual(values)
      }),
      { numRuns: 500 },
    )
  })

  it('give back every integer that lies within 2^31 of all others', () => {
    const integers = fc.array(fc.bigInt({ min: -(2n ** 31n), max: -1n }), count)
    fc.assert(
      fc.property(integers, (values) => {
        expect(readDifferences(encoded('integer', values))).toEqual(values)
      }),
    )
  })

  it('of a page are told by that page alone', () => {
    fc.assert(
      fc.property(steps, fc.nat(), fc.nat(), (values, a, b) => {
        const [from, to] = [a % values.length, b % values.length].sort((a, b) => a - b) as [number, number]
        expect(readDifferences(encoded('long', values, from, to))).toEqual(values.slice(from, to))
      }),
    )
  })

  it('are as the specification draws them: 7, 5, 3, 1, 2, 3, 4, 5', () => {
    const bytes = encoded('long', [7n, 5n, 3n, 1n, 2n, 3n, 4n, 5n])
    expect([...bytes]).toEqual([128, 1, 4, 8, 14, 3, 2, 0, 0, 0, 0b11000000, 0b00111111, 0, 0, 0, 0, 0, 0])
  })

  it('are foretold in size to a tenth', () => {
    const values = Array.from({ length: 20_000 }, (_, i) => BigInt(i * 1000 + ((i * 7919) % 1000)))
    const { length } = encoded('long', values)
    const told = packedBytes(distancesOf(builderOf('long', values))!)
    expect(told / length).toBeGreaterThan(0.9)
    expect(told / length).toBeLessThan(1.1)
  })

  it('are not made of values too far apart, for which plain numbers would not be exact or a difference would be no integer', () => {
    const far = [0n, 2n ** 51n]
    expect(distancesOf(builderOf('long', far))).toBeNull()
    expect(distancesOf(builderOf('long', [-(2n ** 63n), 2n ** 63n - 1n]))).toBeNull()
    expect(distancesOf(builderOf('integer', [-(2 ** 31), 0]))).toBeNull()
    expect(distancesOf(builderOf('integer', [-(2 ** 31), -1]))).not.toBeNull()
  })

  it('are not made of what is no integer, or of nothing', () => {
    expect(distancesOf(builderOf('double', [1, 2]))).toBeNull()
    expect(distancesOf(builderOf('decimal(38,0)', [1n, 2n]))).toBeNull()
    expect(distancesOf(builderOf('long', [null]))).toBeNull()
  })
})
