import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { code } from '../../../src/core/failures.ts'
import type { RecordBlock } from '../../../src/core/records.ts'
import { readBatches, readRecords } from '../../../src/kafka/recordBatch.ts'
import { encodeBatch, sealed, type TestBatch, type TestRecord } from './batchEncoder.ts'

const all = 1n << 60n
const limit = 1 << 24

export function told(block: RecordBlock | null): [bigint, number, string | null, string | null][] {
  if (!block) return []
  const text = (start: number, end: number): string | null =>
    start < 0 ? null : Buffer.from(block.bytes.subarray(start, end)).toString('latin1')
  return Array.from({ length: block.count }, (_, i) => [
    block.baseOffset + BigInt(block.offsetDelta[i]!),
    block.timestamp[i]!,
    text(block.keyStart[i]!, block.keyEnd[i]!),
    text(block.valueStart[i]!, block.valueEnd[i]!),
  ])
}

function read(batch: TestBatch, from = 0n, to = all): [bigint, number, string | null, string | null][] {
  return told(readRecords(readBatches(encodeBatch(batch), 't/0')[0]!, from, to, limit))
}

const bytes = fc.option(
  fc.uint8Array({ maxLength: 300 }).map((a) => Buffer.from(a)),
  { nil: null },
)
const record = fc.record({
  gap: fc.integer({ min: 1, max: 3 }),
  key: bytes,
  value: bytes,
  timestampDelta: fc.oneof(fc.integer({ min: -5000, max: 5000 }), fc.integer({ min: -(2 ** 44), max: 2 ** 44 })),
  headers: fc.array(fc.tuple(fc.string({ maxLength: 5 }), bytes), { maxLength: 3 }),
})
const records = fc.array(record, { minLength: 1, maxLength: 40 }).map((list) => {
  let delta = -1
  return list.map(({ gap, ...rest }): TestRecord => ({ ...rest, delta: (delta += gap) }))
})
const base = fc.bigInt({ min: 0n, max: 2n ** 53n })
const start = 1_700_000_000_000

describe('record batches', () => {
  it('gives every record its offset, timestamp, key and value, whatever the codec', () => {
    const codec = fc.constantFrom('none' as const, 'gzip' as const, 'snappy' as const, 'xerial' as const, 'lz4' as const)
    fc.assert(
      fc.property(base, records, codec, (baseOffset, list, codec) => {
        const expected = list.map((r) => [
          baseOffset + BigInt(r.delta),
          start + Number(r.timestampDelta),
          r.key?.toString('latin1') ?? null,
          r.value?.toString('latin1') ?? null,
        ])
        expect(read({ baseOffset, records: list, codec })).toEqual(expected)
      }),
    )
  })

  it('clips to the range asked for, and gives null where nothing is left', () => {
    const list = [0, 1, 5, 9].map((delta): TestRecord => ({ delta, value: Buffer.from(`${delta}`) }))
    expect(read({ baseOffset: 100n, records: list }, 101n, 109n).map(([offset]) => offset)).toEqual([101n, 105n])
    expect(readRecords(readBatches(encodeBatch({ baseOffset: 100n, records: list }), 't/0')[0]!, 106n, 109n, limit)).toBeNull()
  })

  it('gives all records the time of the log where the topic says so', () => {
    const list = [0, 1].map((delta): TestRecord => ({ delta, timestampDelta: delta * 77 }))
    const times = read({ baseOffset: 0n, records: list, logAppendTime: true, maxTimestamp: 1_800_000_000_123n }).map(
      ([, time]) => time,
    )
    expect(times).toEqual([1_800_000_000_123, 1_800_000_000_123])
  })

  it('reads timestamps that need all ten bytes of a varint without losing its place', () => {
    const list: TestRecord[] = [
      { delta: 0, timestampDelta: -(2n ** 63n), value: Buffer.from('a') },
      { delta: 1, timestampDelta: 2n ** 63n - 1n, value: Buffer.from('b') },
    ]
    expect(read({ baseOffset: 0n, records: list, baseTimestamp: 0n }).map(([, time, , value]) => [time, value])).toEqual([
      [-(2 ** 63), 'a'],
      [2 ** 63, 'b'],
    ])
  })

  it('leaves out a batch that the answer cuts off, wherever it is cut', () => {
    const first = encodeBatch({ baseOffset: 0n, records: [{ delta: 0, value: Buffer.from('a') }] })
    const second = encodeBatch({ baseOffset: 1n, records: [{ delta: 0, value: Buffer.from('b') }] })
    const answer = Buffer.concat([first, second])
    for (let length = first.length; length < answer.length; length++) {
      expect(readBatches(answer.subarray(0, length), 't/0').map((batch) => batch.baseOffset)).toEqual([0n])
    }
  })

  it('knows the end of a batch whose last records compaction removed', () => {
    const [batch] = readBatches(encodeBatch({ baseOffset: 10n, records: [{ delta: 2 }], lastOffsetDelta: 7 }), 't/0')
    expect(batch!.lastOffset).toBe(17n)
    const [hollow] = readBatches(encodeBatch({ baseOffset: 10n, records: [], lastOffsetDelta: 7 }), 't/0')
    expect([hollow!.lastOffset, readRecords(hollow!, 0n, all, limit)]).toEqual([17n, null])
  })

  it('notices any flipped bit from the magic on, and says CDC2005', () => {
    const good = encodeBatch({ baseOffset: 3n, records: [{ delta: 0, key: Buffer.from('key'), value: Buffer.from('value') }] })
    for (let at = 16; at < good.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const bad = Buffer.from(good)
        bad[at]! ^= 1 << bit
        expect(() => readBatches(bad, 't/0'), `byte ${at} bit ${bit}`).toThrow(
          expect.objectContaining({ code: code.CorruptBatch }),
        )
      }
    }
  })

  it('never takes a batch with a wrong length for a good one', () => {
    const good = encodeBatch({ baseOffset: 3n, records: [{ delta: 0, key: Buffer.from('key'), value: Buffer.from('value') }] })
    for (let at = 8; at < 12; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const bad = Buffer.concat([good, good])
        bad[at]! ^= 1 << bit
        let batches: unknown[] = []
        try {
          batches = readBatches(bad, 't/0')
        } catch (error) {
          expect(error).toMatchObject({ code: code.CorruptBatch })
        }
        expect(batches).toEqual([])
      }
    }
  })

  it('refuses batches out of order', () => {
    const at = (baseOffset: bigint): Buffer => encodeBatch({ baseOffset, records: [{ delta: 0 }] })
    expect(() => readBatches(Buffer.concat([at(5n), at(5n)]), 't/0')).toThrow(/CDC2005/)
  })

  it('refuses the older message formats', () => {
    const old = encodeBatch({ baseOffset: 0n, records: [{ delta: 0 }] })
    old.writeInt8(1, 16)
    expect(() => readBatches(old, 't/0')).toThrow(/magic 1/)
  })

  it('refuses a batch with a good checksum whose records make no sense, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 60 }), fc.integer({ min: 1, max: 5 }), (junk, count) => {
        const batch = encodeBatch({ baseOffset: 0n, records: [], section: { codec: 0, bytes: Buffer.from(junk), count } })
        const [parsed] = readBatches(batch, 't/0')
        try {
          const block = readRecords(parsed!, 0n, all, limit)
          const ends = told(block).length
          expect(ends).toBeLessThanOrEqual(count)
          for (let i = 0; i < ends; i++) {
            expect(block!.valueEnd[i]).toBeLessThanOrEqual(junk.length)
            expect(block!.keyEnd[i]).toBeLessThanOrEqual(junk.length)
          }
        } catch (error) {
          expect(error).toMatchObject({ code: code.CorruptBatch })
        }
      }),
      { numRuns: 500 },
    )
  })

  it('does not reserve memory for more records than the bytes can hold', () => {
    const batch = sealed(
      encodeBatch({ baseOffset: 0n, records: [], section: { codec: 0, bytes: Buffer.alloc(8), count: 2 ** 31 - 1 } }),
    )
    expect(() => readRecords(readBatches(batch, 't/0')[0]!, 0n, all, limit)).toThrow(/CDC2005/)
  })
})
