import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { code } from '../../../src/core/failures.ts'
import type { RangeStep } from '../../../src/core/records.ts'
import { rangeReader } from '../../../src/kafka/rangeReader.ts'
import type { PartitionSource } from '../../../src/kafka/partitionSource.ts'
import { encodeBatch } from './batchEncoder.ts'
import { modelLog, modelSource, topic, type Entry, type ModelLog } from './modelLog.ts'

const options = { maxBatchBytes: 1 << 20, doubtMs: 0 }
const never = new AbortController().signal

async function read(
  source: PartitionSource,
  from: bigint,
  to: bigint,
  more: { stepBytes?: number; signal?: AbortSignal } = {},
): Promise<{ entries: Entry[]; steps: Step[] }> {
  const reader = rangeReader(source, { ...options, stepBytes: more.stepBytes ?? 1 << 20 })
  const steps: Step[] = []
  for await (const step of reader.read({ topic, partition: 0, from, to, signal: more.signal ?? never })) {
    const entries = entriesOf(step)
    steps.push({ entries, next: step.next })
  }
  return { entries: steps.flatMap(({ entries }) => entries), steps }
}

interface Step {
  readonly entries: readonly Entry[]
  readonly next: bigint
}

/** Block by block: the next one may stand in the same memory. */
function entriesOf(step: RangeStep): Entry[] {
  const entries: Entry[] = []
  for (const { bytes, count, baseOffset, offsetDelta, valueStart, valueEnd } of step.blocks) {
    for (let i = 0; i < count; i++) {
      const value = Buffer.from(bytes.subarray(valueStart[i], valueEnd[i])).toString()
      entries.push({ offset: baseOffset + BigInt(offsetDelta[i]!), value })
    }
  }
  return entries
}

const between = (entries: readonly Entry[], from: bigint, to: bigint): Entry[] =>
  entries.filter(({ offset }) => offset >= from && offset < to)

describe('reading a range', () => {
  it('gives what read_committed sees in [from, to), and neighbouring ranges join without a gap or a double', async () => {
    const cuts = fc.array(fc.nat({ max: 200 }), { minLength: 2, maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(
        modelLog,
        cuts,
        fc.integer({ min: 1, max: 800 }),
        fc.constantFrom(1, 64, 1 << 20),
        async (log, at, bytes, stepBytes) => {
          const edges = [...new Set(at.map((cut) => (BigInt(cut) > log.end ? log.end : BigInt(cut))))].sort((a, b) =>
            Number(a - b),
          )
          const joined: Entry[] = []
          for (let i = 1; i < edges.length; i++) {
            const [from, to] = [edges[i - 1]!, edges[i]!]
            const { entries, steps } = await read(modelSource(log, bytes), from, to, { stepBytes })
            expect(entries).toEqual(between(log.committed, from, to))
            const nexts = steps.map((step) => step.next)
            expect(nexts.at(-1)).toBe(to)
            expect(nexts.every((next, k) => next > (k === 0 ? from : nexts[k - 1]!))).toBe(true)
            expect(steps.every((step) => step.entries.every(({ offset }) => offset < step.next))).toBe(true)
            joined.push(...entries)
          }
          expect(joined).toEqual(between(log.committed, edges[0]!, edges.at(-1)!))
        },
      ),
      { numRuns: 300 },
    )
  })

  it('gives no step for an empty range', async () => {
    const [log] = fc.sample(modelLog, 1)
    expect((await read(modelSource(log!, 100), 5n, 5n)).steps).toEqual([])
  })

  it('has the next fetch on its way while a step is being worked on', async () => {
    const log = plainLog(4)
    const source = modelSource(log, 1)
    const steps = rangeReader(source, options).read({ topic, partition: 0, from: 0n, to: 4n, signal: never })
    for await (const step of steps) {
      expect(entriesOf(step)).toHaveLength(1)
      expect(source.fetches.at(-1)).toBe(step.next < 4n ? step.next : 3n)
      expect(source.fetches.length).toBe(Number(step.next < 4n ? step.next + 1n : 4n))
    }
  })

  it('ends with a step whose next is `to` where the tail of a compacted log is gone', async () => {
    const { entries, steps } = await read(modelSource({ ...plainLog(3), end: 10n }, 1000), 0n, 10n)
    expect([entries.length, steps.at(-1)]).toEqual([3, { entries: [], next: 10n }])
  })

  it('does not believe an empty answer below the stable offset of a topic that is not compacted', async () => {
    const source = { ...modelSource({ ...plainLog(3), end: 10n }, 1000), compacted: () => Promise.resolve(false) }
    await expect(read(source, 0n, 10n)).rejects.toMatchObject({ code: code.KafkaUnavailable })
  })

  it('says CDC2008 when the log ends below `to`', async () => {
    const source = modelSource(plainLog(3), 1000, { stable: 3n, high: 3n })
    await expect(read(source, 0n, 5n)).rejects.toMatchObject({ code: code.LogTruncated })
  })

  it('says CDC2001 when `to` lies beyond the stable offset, under an open transaction', async () => {
    const source = modelSource(plainLog(8), 1000, { stable: 3n, high: 8n })
    await expect(read(source, 0n, 5n)).rejects.toMatchObject({ code: code.KafkaUnavailable })
  })

  it('says CDC2004 when retention passes by during the read and the answer jumps over records', async () => {
    const log = plainLog(6)
    const jumping = modelSource({ ...log, batches: log.batches.slice(4) }, 1000, { low: 4n })
    await expect(read(jumping, 0n, 6n)).rejects.toMatchObject({ code: code.DataLoss, details: { from: '0', low: '4' } })
  })

  it('says CDC2005 for an answer that holds no whole batch', async () => {
    const source = modelSource(plainLog(1), 1000)
    const cut: PartitionSource = {
      ...source,
      fetch: async (...asked) => {
        const answer = await source.fetch(...asked)
        return { ...answer, records: answer.records.subarray(0, -1) }
      },
    }
    await expect(read(cut, 0n, 1n)).rejects.toMatchObject({ code: code.CorruptBatch })
  })

  it('stops at the signal while a broker does not answer, and leaves nothing behind', async () => {
    const stop = new AbortController()
    let given: AbortSignal | undefined
    const source: PartitionSource = {
      ...modelSource(plainLog(1), 1000),
      fetch: (_topic, _partition, _offset, signal) => {
        given = signal
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('stopped'))))
      },
    }
    const reading = read(source, 0n, 1n, { signal: stop.signal })
    setTimeout(() => stop.abort(), 5)
    await expect(reading).rejects.toThrow('stopped')
    expect(given!.aborted).toBe(true)
  })

  it('calls off the fetch on its way when the reader is left early', async () => {
    const source = modelSource(plainLog(4), 1)
    let last: AbortSignal | undefined
    const spied: PartitionSource = { ...source, fetch: (t, p, o, signal) => source.fetch(t, p, o, (last = signal)) }
    for await (const _ of rangeReader(spied, options).read({ topic, partition: 0, from: 0n, to: 4n, signal: never })) break
    expect(last!.aborted).toBe(true)
  })
})

function plainLog(records: number): ModelLog {
  const offsets = Array.from({ length: records }, (_, i) => BigInt(i))
  const batches = offsets.map((offset) => ({
    first: offset,
    last: offset,
    bytes: encodeBatch({ baseOffset: offset, records: [{ delta: 0, value: Buffer.from(`v${offset}`) }] }),
  }))
  return { batches, committed: offsets.map((offset) => ({ offset, value: `v${offset}` })), aborted: [], end: BigInt(records) }
}
