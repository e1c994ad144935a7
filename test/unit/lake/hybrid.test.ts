import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bitWidthOf, writeHybrid } from '../../../src/lake/hybrid.ts'
import { PageBytes } from '../../../src/lake/pageBytes.ts'

/** Reads the hybrid as the format's specification has it, bit by bit. */
function readHybrid(bytes: Uint8Array, count: number, width: number): number[] {
  const values: number[] = []
  let at = 0
  while (values.length < count) {
    let header = 0
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]!
      header += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) break
    }
    if (header % 2 === 1) {
      for (let i = 0; i < ((header - 1) / 2) * 8; i++) {
        let value = 0
        for (let bit = 0; bit < width; bit++) {
          const place = i * width + bit
          value += ((bytes[at + (place >> 3)]! >> (place & 7)) & 1) * 2 ** bit
        }
        values.push(value)
      }
      at += ((header - 1) / 2) * width
    } else {
      let value = 0
      for (let i = 0; i < Math.ceil(width / 8); i++) value += bytes[at++]! * 2 ** (8 * i)
      for (let i = 0; i < header / 2; i++) values.push(value)
    }
  }
  expect(at).toBe(bytes.length)
  return values.slice(0, count)
}

function encoded(values: number[], width: number): Uint8Array {
  const out = new PageBytes()
  out.data.fill(0xff)
  writeHybrid(out, Uint32Array.from(values), 0, values.length, width)
  return out.view()
}

describe('the RLE / bit-packing hybrid', () => {
  it('gives back what was written, for every bit width and any mix of runs', () => {
    const runs = fc.array(fc.record({ value: fc.nat(0xffffff), count: fc.integer({ min: 1, max: 40 }) }), { maxLength: 40 })
    fc.assert(
      fc.property(runs, fc.integer({ min: 1, max: 24 }), (runs, width) => {
        const values = runs.flatMap(({ value, count }) => Array<number>(count).fill(value % 2 ** width))
        expect(readHybrid(encoded(values, width), values.length, width)).toEqual(values)
      }),
      { numRuns: 500 },
    )
  })

  it('stores a run of equal values once', () => {
    expect([...encoded(Array<number>(1000).fill(5), 3)]).toEqual([0xd0, 0x0f, 5])
  })

  it('packs values that change in groups of eight, as the specification draws them', () => {
    expect([...encoded([0, 1, 2, 3, 4, 5, 6, 7], 3)]).toEqual([0x03, 0b10001000, 0b11000110, 0b11111010])
  })

  it('fills its last group with zeros, whatever stood there before', () => {
    expect([...encoded([1], 3)]).toEqual([0x03, 1, 0, 0])
  })

  it('knows the bits of the greatest value, and takes one bit for a single value', () => {
    expect([0, 1, 2, 3, 4, 255, 256].map(bitWidthOf)).toEqual([1, 1, 2, 2, 3, 8, 9])
  })
})
