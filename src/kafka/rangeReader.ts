/**
 * Reads exactly [from, to) of a partition. An answer of the broker holds whole batches, begins where it likes and may hold
 * nothing visible; what comes out is clipped, free of control records and aborted transactions, and its `next` only grows.
 */
import { unavailable } from './brokerErrors.ts'
import { CdcFailure, code } from '../core/failures.ts'
import { maxOffset, minOffset } from '../core/offsets.ts'
import type { RangeReader, RangeStep, ReadRequest, RecordBlock } from '../core/records.ts'
import { pause } from './abortable.ts'
import { AbortedFilter } from './aborted.ts'
import type { FetchAnswer } from './fetch.ts'
import { dataLoss, logTruncated, type PartitionSource } from './partitionSource.ts'
import { readBatches, readRecords, type RecordBatch } from './recordBatch.ts'

export interface RangeReaderOptions {
  /** What one batch may decompress to. */
  readonly maxBatchBytes: number
  /** A step ends when its blocks hold that much (default 1 MiB): one answer can decompress to many times its size. */
  readonly stepBytes?: number
  /** First pause of those before a doubtful answer is believed, doubled each time (default 100 ms). */
  readonly doubtMs?: number
}

const doubts = 5

export function rangeReader(source: PartitionSource, options: RangeReaderOptions): RangeReader {
  return { read: (request) => readRange(source, request, options) }
}

async function* readRange(source: PartitionSource, request: ReadRequest, options: RangeReaderOptions): AsyncGenerator<RangeStep> {
  const { topic, partition, from, to } = request
  if (from >= to) return
  const stop = new AbortController()
  const signal = AbortSignal.any([request.signal, stop.signal])
  const where = `${topic.topic}/${partition}`
  const fetchAt = (offset: bigint): Promise<FetchAnswer> => {
    const answer = source.fetch(topic, partition, offset, signal)
    answer.catch(() => {}) // looked at when its turn comes, or never
    return answer
  }
  try {
    let ahead = fetchAt(from)
    for (let position = from, empty = 0; position < to;) {
      signal.throwIfAborted()
      const answer = await ahead
      if (answer.stable < to) await untilStable(source, request, signal, options)
      const batches = readBatches(answer.records, where)
      if (batches.length === 0) {
        if (answer.records.length > 0)
          throw new CdcFailure(code.CorruptBatch, `${where} at ${position}: no whole batch in an answer`)
        if (await nothingLeft(source, request, position, empty++, signal, options)) {
          yield { blocks: [], next: to }
          return
        }
        ahead = fetchAt(position)
        continue
      }
      empty = 0
      const reached = maxOffset(position, batches.at(-1)!.lastOffset + 1n)
      if (reached === position) throw new CdcFailure(code.CorruptBatch, `${where}: an answer ends before ${position}`)
      await checkGaps(source, request, position, batches, signal)
      if (reached < to) ahead = fetchAt(reached)
      yield* steps(answer, batches, { ...request, from: position }, options)
      source.giveBack(answer)
      position = reached
    }
  } finally {
    stop.abort()
  }
}

function* steps(
  answer: FetchAnswer,
  batches: readonly RecordBatch[],
  { from, to }: ReadRequest,
  { maxBatchBytes, stepBytes = 1024 * 1024 }: RangeReaderOptions,
): Generator<RangeStep> {
  const filter = new AbortedFilter(answer.aborted)
  let at = 0
  let next = from
  function* blocks(): Generator<RecordBlock> {
    for (let bytes = 0; at < batches.length && next < to && bytes < stepBytes;) {
      const batch = batches[at++]!
      const seen = minOffset(batch.lastOffset + 1n, to)
      if (batch.baseOffset >= to) next = to
      else {
        const block = filter.visible(batch) && batch.lastOffset >= from ? readRecords(batch, from, to, maxBatchBytes) : null
        if (block) {
          bytes += block.bytes.length
          yield block
        }
        next = maxOffset(next, seen)
      }
    }
  }
  while (at < batches.length && next < to) {
    const current = blocks()
    yield {
      blocks: current,
      get next() {
        return next
      },
    }
    // What nobody asked for is passed over.
    for (const _ of current);
  }
}

/** Offsets between batches are missing where compaction took them, or where retention passed by while the read went on. */
async function checkGaps(
  source: PartitionSource,
  { topic, partition, to }: ReadRequest,
  position: bigint,
  batches: readonly RecordBatch[],
  signal: AbortSignal,
): Promise<void> {
  let expected = position
  for (const batch of batches) {
    if (batch.baseOffset > expected && expected < to) {
      const { low } = await source.watermarks(topic, partition, signal)
      if (low > expected) throw dataLoss(topic, partition, expected, low)
    }
    expected = batch.lastOffset + 1n
  }
}

/** `to` was the caller's reading of the stable offset, which never falls, except that a new leader may not know it yet. */
async function untilStable(
  source: PartitionSource,
  { topic, partition, to }: ReadRequest,
  signal: AbortSignal,
  { doubtMs = 100 }: RangeReaderOptions,
): Promise<void> {
  for (let tries = 0; ; tries++) {
    const { stable, high } = await source.watermarks(topic, partition, signal)
    if (stable >= to) return
    if (tries === doubts) {
      if (high < to) throw logTruncated(topic, partition, to, high)
      throw unavailable(`${topic.topic}/${partition} is stable up to ${stable} only, below ${to}: a transaction is open`)
    }
    await pause(doubtMs * 2 ** tries, signal)
  }
}

/**
 * An empty answer below the stable offset. Every offset of a log stands in some batch, unless compaction removed the last
 * ones; a leader that has just restarted may answer so too, and then the records are still to come.
 */
async function nothingLeft(
  source: PartitionSource,
  { topic, partition, to }: ReadRequest,
  position: bigint,
  tries: number,
  signal: AbortSignal,
  { doubtMs = 100 }: RangeReaderOptions,
): Promise<boolean> {
  if (tries < doubts) {
    await pause(doubtMs * 2 ** tries, signal)
    return false
  }
  const { low, stable } = await source.watermarks(topic, partition, signal)
  if (low > position) throw dataLoss(topic, partition, position, low)
  if (stable >= to && (await source.compacted(topic, signal))) return true
  throw unavailable(
    `the broker sends no records of ${topic.topic}/${partition} from ${position}, though it has them up to ${stable}`,
  )
}
