import { describe, expect, it } from 'vitest'
import { AbortedFilter, type AbortedTransaction } from '../../../src/kafka/aborted.ts'
import { readBatches, readRecords } from '../../../src/kafka/recordBatch.ts'
import { encodeBatch, type TestBatch } from './batchEncoder.ts'

/** Values that read_committed sees in one fetch answer. */
function committed(log: readonly TestBatch[], aborted: readonly AbortedTransaction[]): string[] {
  const filter = new AbortedFilter(aborted)
  const values: string[] = []
  for (const batch of readBatches(Buffer.concat(log.map(encodeBatch)), 't/0')) {
    const block = filter.visible(batch) ? readRecords(batch, 0n, 1n << 60n, 1 << 20) : null
    for (let i = 0; i < (block?.count ?? 0); i++) {
      values.push(Buffer.from(block!.bytes.subarray(block!.valueStart[i], block!.valueEnd[i])).toString())
    }
  }
  return values
}

const data = (baseOffset: bigint, producerId: bigint, value: string, more: Partial<TestBatch> = {}): TestBatch => ({
  baseOffset,
  producerId,
  transactional: true,
  records: [{ delta: 0, key: Buffer.from('k'), value: Buffer.from(value) }],
  ...more,
})
const plain = (baseOffset: bigint, value: string): TestBatch => data(baseOffset, -1n, value, { transactional: false })
const end = (baseOffset: bigint, producerId: bigint, control: 'abort' | 'commit'): TestBatch => ({
  baseOffset,
  producerId,
  control,
  records: [],
})

describe('aborted transactions', () => {
  it('A: hides two transactions that were open before the fetch began', () => {
    const log = [
      data(100n, 1n, 'bad1'),
      data(101n, 2n, 'bad2'),
      end(102n, 1n, 'abort'),
      end(103n, 2n, 'abort'),
      plain(104n, 'good'),
    ]
    const aborted = [
      { producerId: 1n, firstOffset: 10n },
      { producerId: 2n, firstOffset: 20n },
    ]
    expect(committed(log, aborted)).toEqual(['good'])
  })

  it('B: does not take a data record whose key is four zero bytes for an abort marker', () => {
    const trap = data(5n, 1n, 'bad1', { records: [{ delta: 0, key: Buffer.alloc(4), value: Buffer.from('bad1') }] })
    const log = [trap, data(6n, 1n, 'bad2'), end(7n, 1n, 'abort'), plain(8n, 'good')]
    expect(committed(log, [{ producerId: 1n, firstOffset: 5n }])).toEqual(['good'])
  })

  it('C: follows first offsets where the broker lists transactions in the order in which they ended', () => {
    const log = [
      data(0n, 1n, 'bad1'),
      data(1n, 2n, 'bad2'),
      end(2n, 2n, 'abort'),
      data(3n, 1n, 'bad3'),
      end(4n, 1n, 'abort'),
      plain(5n, 'good'),
    ]
    const aborted = [
      { producerId: 2n, firstOffset: 1n },
      { producerId: 1n, firstOffset: 0n },
    ]
    expect(committed(log, aborted)).toEqual(['good'])
  })

  it('D: hides an aborted transaction whose marker is not in the answer yet', () => {
    const log = [data(0n, 1n, 'bad1'), data(1n, 1n, 'bad2')]
    expect(committed(log, [{ producerId: 1n, firstOffset: 0n }])).toEqual([])
  })

  it('E: hides both of two aborted transactions of one producer and shows what it committed between and after', () => {
    const log = [
      data(0n, 1n, 'bad1'),
      end(1n, 1n, 'abort'),
      data(2n, 1n, 'good1'),
      end(3n, 1n, 'commit'),
      data(4n, 1n, 'bad2'),
      end(5n, 1n, 'abort'),
      data(6n, 1n, 'good2'),
      end(7n, 1n, 'commit'),
    ]
    const aborted = [
      { producerId: 1n, firstOffset: 0n },
      { producerId: 1n, firstOffset: 4n },
    ]
    expect(committed(log, aborted)).toEqual(['good1', 'good2'])
  })

  it('F: lets an abort marker pass that belongs to no listed transaction', () => {
    const log = [end(0n, 9n, 'abort'), data(1n, 1n, 'good'), end(2n, 1n, 'commit')]
    expect(committed(log, [])).toEqual(['good'])
  })

  it('shows what a producer wrote outside a transaction while its id is among the aborted', () => {
    const log = [data(0n, 1n, 'bad'), data(1n, 1n, 'good', { transactional: false }), end(2n, 1n, 'abort')]
    expect(committed(log, [{ producerId: 1n, firstOffset: 0n }])).toEqual(['good'])
  })

  it('hides a batch whose last offset is the first of its aborted transaction', () => {
    const batch = data(7n, 1n, 'bad')
    expect(committed([batch, end(8n, 1n, 'abort')], [{ producerId: 1n, firstOffset: 7n }])).toEqual([])
  })

  it('keeps a transaction hidden when the marker that ends it is a commit of another producer', () => {
    const log = [data(0n, 1n, 'bad1'), end(1n, 2n, 'commit'), data(2n, 1n, 'bad2'), end(3n, 1n, 'abort')]
    expect(committed(log, [{ producerId: 1n, firstOffset: 0n }])).toEqual([])
  })
})
