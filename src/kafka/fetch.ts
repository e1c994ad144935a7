/** Fetch v13 of one partition: by topic id and leader epoch, read_committed, without a session and without waiting. */
import type { AbortedTransaction } from './aborted.ts'
import type { WireRequest } from './connection.ts'
import { unavailable } from './brokerErrors.ts'
import { WireReader, WireWriter } from './wire.ts'

export interface FetchRequest {
  readonly topicId: string
  readonly partition: number
  readonly leaderEpoch: number
  readonly offset: bigint
  /** Bound on the answer's records; the first batch comes whole even where it is larger. */
  readonly maxBytes: number
}

export interface FetchAnswer {
  readonly error: number
  readonly low: bigint
  readonly stable: bigint
  readonly high: bigint
  readonly aborted: readonly AbortedTransaction[]
  /** Record batches; the last may be cut off. */
  readonly records: Buffer
}

/** The range lies below the stable offset, so there is always something to send: the broker holds the request only if not. */
const waitMs = 500
const sessionless = -1
const none = Buffer.alloc(0)

export function fetchRequest({ topicId, partition, leaderEpoch, offset, maxBytes }: FetchRequest): WireRequest {
  const body = new WireWriter()
    .tags()
    .int32(-1)
    .int32(waitMs)
    .int32(1)
    .int32(maxBytes)
    .int8(1)
    .int32(0)
    .int32(sessionless)
    .array([topicId], (id, writer) =>
      writer
        .uuid(id)
        .array([partition], (p, w) => w.int32(p).int32(leaderEpoch).int64(offset).int32(-1).int64(-1n).int32(maxBytes).tags())
        .tags(),
    )
    .array([], () => {})
    .string('')
    .tags()
    .end()
  return { apiKey: 1, apiVersion: 13, apiName: 'Fetch', body, throttleAt: 1 }
}

/** Throws CDC2001 where the broker left the partition out, as it does while it throttles a client. */
export function readFetch(answer: Buffer, partition: number): FetchAnswer {
  const reader = new WireReader(answer)
  reader.tags()
  reader.int32()
  const error = reader.int16()
  reader.int32()
  if (error !== 0) return { error, low: -1n, stable: -1n, high: -1n, aborted: [], records: none }
  const partitions = reader
    .array((topic) => {
      topic.uuid()
      const read = topic.array(readPartition)
      topic.tags()
      return read
    })
    .flat()
  const found = partitions.find((each) => each.partition === partition)
  if (!found) throw unavailable('the broker is throttling this client')
  return found
}

function readPartition(reader: WireReader): FetchAnswer & { partition: number } {
  const partition = reader.int32()
  const error = reader.int16()
  const high = reader.int64()
  const stable = reader.int64()
  const low = reader.int64()
  const aborted = reader.array((r) => {
    const transaction = { producerId: r.int64(), firstOffset: r.int64() }
    r.tags()
    return transaction
  })
  reader.int32()
  const records = reader.nullableBytes() ?? none
  reader.tags()
  return { partition, error, low, stable, high, aborted, records }
}
