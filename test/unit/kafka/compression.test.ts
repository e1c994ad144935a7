import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import lz4 from 'lz4-napi'
import snappy from 'snappy'
import { describe, expect, it } from 'vitest'
import { code } from '../../../src/core/failures.ts'
import { decompress } from '../../../src/kafka/compression.ts'
import { lz4FrameSize } from '../../../src/kafka/lz4Frame.ts'
import { readBatches, readRecords } from '../../../src/kafka/recordBatch.ts'

const mib = 1024 * 1024
const gzip = 1
const snap = 2
const lz = 3
const zstd = 4
const golden = new URL('../../golden/kafka/', import.meta.url)

/** Blocks of one repeated byte: 4 bytes say 128 KiB. No window, so nothing but the blocks is large. */
function zstdOfRuns(blocks: number, run = 131_072): Buffer {
  const header = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38])
  const body = Buffer.alloc(blocks * 4)
  for (let i = 0; i < blocks; i++) body.writeUIntLE((run << 3) | 2 | (i === blocks - 1 ? 1 : 0), i * 4, 3)
  return Buffer.concat([header, body])
}

function xerial(...blocks: Buffer[]): Buffer {
  const head = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1])
  const framed = blocks.flatMap((block) => {
    const length = Buffer.alloc(4)
    length.writeInt32BE(block.length)
    return [length, block]
  })
  return Buffer.concat([head, ...framed])
}

describe('codecs', () => {
  it.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])('reads what the Java producer wrote with %s', (name) => {
    const expected = readFileSync(new URL('java.tsv', golden), 'utf8').trim().split('\n')
    const lines: string[] = []
    for (const batch of readBatches(readFileSync(new URL(`java-${name}.bin`, golden)), 't/0')) {
      const block = readRecords(batch, 0n, 1n << 60n, mib)!
      const text = (start: number, end: number): string =>
        start < 0 ? '-' : Buffer.from(block.bytes.subarray(start, end)).toString('base64')
      for (let i = 0; i < block.count; i++) {
        const key = text(block.keyStart[i]!, block.keyEnd[i]!)
        const value = text(block.valueStart[i]!, block.valueEnd[i]!)
        lines.push(`${block.baseOffset + BigInt(block.offsetDelta[i]!)} ${block.timestamp[i]} ${key} ${value}`)
      }
    }
    expect(lines).toEqual(expected)
  })

  it('reads a zstd stream block by block where its blocks could hold more than the limit but do not', () => {
    const [batch] = readBatches(readFileSync(new URL('java-zstd.bin', golden)), 't/0')
    const whole = decompress(zstd, batch!.records, mib, 't/0')
    expect(decompress(zstd, batch!.records, whole.length, 't/0').equals(whole)).toBe(true)
    expect(() => decompress(zstd, batch!.records, whole.length - 1, 't/0')).toThrow(/CDC2006/)
  })

  it('tells the size of any LZ4 frame without decompressing it', () => {
    const repetitive = fc
      .tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 9000 }))
      .map(([part, times]) => Buffer.concat(Array<Uint8Array>(times).fill(part)))
    fc.assert(
      fc.property(
        fc.oneof(
          repetitive,
          fc.uint8Array({ maxLength: 3000 }).map((a) => Buffer.from(a)),
        ),
        (data) => {
          const frame = lz4.compressFrameSync(data)
          expect(lz4FrameSize(frame, 0)).toBe(data.length)
          expect(lz4FrameSize(frame, 64 * mib)).toBeGreaterThanOrEqual(data.length)
        },
      ),
      { numRuns: 60 },
    )
  })
})

describe('the bound on decompressed bytes', () => {
  const exact = Buffer.alloc(300_000, 'a line of text that repeats; ')

  it.each([
    ['gzip', gzip, gzipSync(exact)],
    ['snappy', snap, snappy.compressSync(exact)],
    [
      'snappy as Java frames it',
      snap,
      xerial(snappy.compressSync(exact.subarray(0, 9000)), snappy.compressSync(exact.subarray(9000))),
    ],
    ['lz4', lz, lz4.compressFrameSync(exact)],
  ])('lets exactly the limit pass and not a byte more: %s', (_, codec, data) => {
    expect(decompress(codec, data, exact.length, 't/0').equals(exact)).toBe(true)
    const over = expect.objectContaining({ code: code.OversizedBatch }) as Error
    expect(() => decompress(codec, data, exact.length - 1, 't/0')).toThrow(over)
  })

  it('lets exactly the limit pass and not a byte more: zstd', () => {
    expect(decompress(zstd, zstdOfRuns(3, 1000), 131_072, 't/0').equals(Buffer.alloc(3000))).toBe(true)
    expect(() => decompress(zstd, zstdOfRuns(200, 1000), 199_999, 't/0')).toThrow(/CDC2006/)
  })

  const megabytes64 = gzipSync(Buffer.alloc(16 * mib))
  const claimOf4GiB = Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0x00])
  const lz4Bomb = lz4.compressFrameSync(Buffer.alloc(128 * mib))
  const declared = Buffer.concat([
    Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x68, 0x40]),
    Buffer.from([0, 0, 0, 0, 0xff, 0, 0, 0, 0]),
    Buffer.from([1, 0, 0, 0x80, 65, 0, 0, 0, 0]),
  ])
  const zstdDeclared = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0])
  const zstdWindow = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x98, 1, 0, 0])

  it.each([
    ['a megabyte of gzip that holds a gigabyte of zeros', gzip, Buffer.concat(Array<Buffer>(64).fill(megabytes64))],
    ['a snappy block that claims four gigabytes', snap, claimOf4GiB],
    ['a framed snappy block that claims four gigabytes', snap, xerial(claimOf4GiB)],
    ['an LZ4 frame of 128 MiB of zeros', lz, lz4Bomb],
    ['an LZ4 frame that declares a terabyte', lz, declared],
    ['a zstd frame whose runs hold a gigabyte', zstd, zstdOfRuns(8192)],
    ['a zstd frame that declares a content of four gigabytes', zstd, zstdDeclared],
    ['a zstd frame that wants a window of half a gigabyte', zstd, zstdWindow],
  ])('refuses %s as CDC2006 before the bytes exist', (_, codec, data) => {
    const before = process.resourceUsage().maxRSS
    expect(() => decompress(codec, data, 64 * mib, 't/0')).toThrow(expect.objectContaining({ code: code.OversizedBatch }))
    expect((process.resourceUsage().maxRSS - before) / 1024).toBeLessThan(300)
  })
})

describe('what does not decompress', () => {
  it.each([
    ['gzip', gzip],
    ['snappy', snap],
    ['lz4', lz],
    ['zstd', zstd],
    ['no codec at all', 7],
  ])('is CDC2005, never something else, whatever the bytes are: %s', (_, codec) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (junk) => {
        try {
          expect(decompress(codec, Buffer.from(junk), mib, 't/0').length).toBeLessThanOrEqual(mib)
        } catch (error) {
          expect(error).toMatchObject({ code: expect.stringMatching(/CDC200[56]/) as string })
        }
      }),
    )
  })

  it.each([
    ['gzip', gzip, gzipSync(Buffer.alloc(5000, 'text '))],
    ['snappy', snap, snappy.compressSync(Buffer.alloc(5000, 'text '))],
    ['lz4', lz, lz4.compressFrameSync(Buffer.alloc(5000, 'text '))],
    ['zstd', zstd, zstdOfRuns(3)],
  ])('is CDC2005 when it was cut short: %s', (_, codec, data) => {
    const cut = data.subarray(0, data.length - 3)
    expect(() => decompress(codec, cut, mib, 't/0')).toThrow(expect.objectContaining({ code: code.CorruptBatch }))
  })
})
