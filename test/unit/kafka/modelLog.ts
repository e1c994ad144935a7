/**
 * A partition as a broker would serve it, and what read_committed must see of it. The log is random: batches of several
 * transactional producers interleaved with plain ones, gaps as compaction leaves them, control records, a codec each.
 */
import fc from 'fast-check'
import type { TopicIdentity, Watermarks } from '../../../src/core/records.ts'
import type { AbortedTransaction } from '../../../src/kafka/aborted.ts'
import type { FetchAnswer } from '../../../src/kafka/fetch.ts'
import type { PartitionSource } from '../../../src/kafka/partitionSource.ts'
import { encodeBatch, type TestBatch } from './batchEncoder.ts'

export const topic: TopicIdentity = { clusterId: 'cluster', topic: 'cdc.public.flights', id: '4L6g3nShT-eMCtK--X86sw' }

export interface Entry {
  readonly offset: bigint
  readonly value: string
}

export interface ModelLog {
  readonly batches: readonly { readonly first: bigint; readonly last: bigint; readonly bytes: Buffer }[]
  readonly committed: readonly Entry[]
  /** With the offset of the marker: the broker lists a transaction for every fetch that lies between. */
  readonly aborted: readonly (AbortedTransaction & { readonly marker: bigint })[]
  readonly end: bigint
}

type Step =
  | {
      readonly kind: 'data'
      readonly producer: number
      readonly records: number
      readonly gap: number
      readonly tail: number
      readonly codec: TestBatch['codec']
    }
  | { readonly kind: 'end'; readonly producer: number; readonly abort: boolean }
  | { readonly kind: 'hole'; readonly width: number }

const codec = fc.constantFrom('none' as const, 'none' as const, 'gzip' as const, 'snappy' as const, 'lz4' as const)
const data = fc.record({
  kind: fc.constant('data' as const),
  producer: fc.integer({ min: 0, max: 3 }),
  records: fc.integer({ min: 0, max: 6 }),
  gap: fc.integer({ min: 1, max: 2 }),
  tail: fc.integer({ min: 0, max: 2 }),
  codec,
})
const end = fc.record({ kind: fc.constant('end' as const), producer: fc.integer({ min: 1, max: 3 }), abort: fc.boolean() })
const hole = fc.record({ kind: fc.constant('hole' as const), width: fc.integer({ min: 1, max: 5 }) })

/** Producer 0 is not transactional; every transaction is ended, so all of the log is stable. */
export const modelLog: fc.Arbitrary<ModelLog> = fc
  .array(fc.oneof({ arbitrary: data, weight: 5 }, { arbitrary: end, weight: 3 }, { arbitrary: hole, weight: 1 }), {
    maxLength: 40,
  })
  .map((steps) => build([...steps, ...[1, 2, 3].map((producer): Step => ({ kind: 'end', producer, abort: producer === 2 }))]))

function build(steps: readonly Step[]): ModelLog {
  const batches: { first: bigint; last: bigint; bytes: Buffer }[] = []
  const aborted: (AbortedTransaction & { marker: bigint })[] = []
  const committed: Entry[] = []
  const open = new Map<number, { first: bigint; entries: Entry[] }>()
  let offset = 0n
  for (const step of steps) {
    if (step.kind === 'hole') {
      offset += BigInt(step.width)
    } else if (step.kind === 'data') {
      const { producer } = step
      const records = Array.from({ length: step.records }, (_, i) => ({
        delta: i * step.gap,
        value: Buffer.from(`${offset}+${i}`),
      }))
      const entries = records.map(({ delta, value }) => ({ offset: offset + BigInt(delta), value: value.toString() }))
      const lastOffsetDelta = Math.max(0, (step.records - 1) * step.gap) + step.tail
      const origin = producer === 0 ? {} : { producerId: BigInt(producer), transactional: true }
      const bytes = encodeBatch({
        baseOffset: offset,
        records,
        lastOffsetDelta,
        ...(step.codec ? { codec: step.codec } : {}),
        ...origin,
      })
      batches.push({ first: offset, last: offset + BigInt(lastOffsetDelta), bytes })
      if (producer === 0) committed.push(...entries)
      else {
        const transaction = open.get(producer) ?? { first: offset, entries: [] }
        transaction.entries.push(...entries)
        open.set(producer, transaction)
      }
      offset += BigInt(lastOffsetDelta) + 1n
    } else {
      const transaction = open.get(step.producer)
      open.delete(step.producer)
      const bytes = encodeBatch({
        baseOffset: offset,
        records: [],
        producerId: BigInt(step.producer),
        control: step.abort ? 'abort' : 'commit',
      })
      batches.push({ first: offset, last: offset, bytes })
      if (transaction && step.abort) {
        aborted.push({ producerId: BigInt(step.producer), firstOffset: transaction.first, marker: offset })
      } else if (transaction) committed.push(...transaction.entries)
      offset += 1n
    }
  }
  committed.sort((a, b) => Number(a.offset - b.offset))
  return { batches, committed, aborted, end: offset }
}

/** Answers like a broker: at least one whole batch, then as much as fits, cut anywhere. */
export function modelSource(
  log: ModelLog,
  maxBytes: number,
  marks: Partial<Watermarks> = {},
): PartitionSource & { fetches: bigint[] } {
  const low = marks.low ?? 0n
  const stable = marks.stable ?? log.end
  const high = marks.high ?? log.end
  const fetches: bigint[] = []
  return {
    fetches,
    fetch(_topic, _partition, offset) {
      fetches.push(offset)
      return Promise.resolve(answerAt(log, offset, maxBytes, { low, stable, high }))
    },
    // As when the next answer comes into the same memory.
    giveBack: ({ records }) => void records.fill(0xa5),
    watermarks: (_topic, partition) => Promise.resolve({ partition, low, stable, high }),
    compacted: () => Promise.resolve(true),
  }
}

export function answerAt(log: ModelLog, offset: bigint, maxBytes: number, marks: Omit<Watermarks, 'partition'>): FetchAnswer {
  const from = log.batches.findIndex((batch) => batch.last >= offset)
  const rest = from < 0 ? [] : log.batches.slice(from)
  // A copy: an answer's memory is used again.
  const bytes = Buffer.concat(rest.map((batch) => batch.bytes))
  const records = bytes.subarray(0, Math.max(rest[0]?.bytes.length ?? 0, maxBytes))
  let upTo = offset
  let length = 0
  for (const batch of rest) {
    if (length >= records.length) break
    length += batch.bytes.length
    upTo = batch.last
  }
  // Java's broker lists by the end of the transactions; so does this one.
  const aborted = log.aborted.filter(({ firstOffset, marker }) => firstOffset <= upTo && marker >= offset)
  return { error: 0, ...marks, aborted, records }
}
