import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WireReader, WireWriter } from '../../../src/kafka/wire.ts'

describe('primitive types of the wire', () => {
  it('reads back every number it writes', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -128, max: 127 }),
        fc.integer({ min: -32_768, max: 32_767 }),
        fc.integer(),
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        fc.boolean(),
        (int8, int16, int32, int64, uvarint, flag) => {
          const bytes = new WireWriter().int8(int8).int16(int16).int32(int32).int64(int64).uvarint(uvarint).boolean(flag).end()
          const reader = new WireReader(bytes)
          expect([reader.int8(), reader.int16(), reader.int32(), reader.int64()]).toEqual([int8, int16, int32, int64])
          expect([reader.uvarint(), reader.boolean(), reader.position]).toEqual([uvarint, flag, bytes.length])
        },
      ),
    )
  })

  it('reads back strings of any length, null and empty told apart', () => {
    fc.assert(
      fc.property(
        fc.array(fc.option(fc.string({ unit: 'binary', maxLength: 400 }), { nil: null }), { maxLength: 50 }),
        (strings) => {
          const bytes = new WireWriter().array(strings, (value, writer) => writer.string(value)).end()
          expect(new WireReader(bytes).array((reader) => reader.nullableString())).toEqual(strings)
        },
      ),
    )
  })

  it('writes a topic id as the sixteen bytes it stands for', () => {
    const bytes = new WireWriter().uuid('4L6g3nShT-eMCtK--X86sw').end()
    expect(bytes.length).toBe(16)
    expect(new WireReader(bytes).uuid()).toBe('4L6g3nShT-eMCtK--X86sw')
  })

  it('skips tagged fields that it does not know', () => {
    const bytes = Buffer.from([2, 0, 3, 1, 2, 3, 200, 1, 0, 42])
    const reader = new WireReader(bytes)
    reader.tags()
    expect(reader.int8()).toBe(42)
  })

  it('refuses an answer that ends inside a field, wherever it is cut', () => {
    const bytes = new WireWriter()
      .string('topic')
      .int64(7n)
      .array(['a', 'b'], (value, writer) => writer.string(value))
      .tags()
      .end()
    for (let length = 0; length < bytes.length; length++) {
      const reader = new WireReader(bytes.subarray(0, length))
      expect(() => {
        reader.string()
        reader.int64()
        reader.array((r) => r.string())
        reader.tags()
      }).toThrow(RangeError)
    }
  })

  it('refuses an unsigned varint of more than five bytes', () => {
    expect(() => new WireReader(Buffer.alloc(9, 0xff)).uvarint()).toThrow(RangeError)
  })
})
