import { describe, expect, it } from 'vitest'
import { code } from '../../../src/core/failures.ts'
import type { BrokerAddress, Connections, WireRequest } from '../../../src/kafka/connection.ts'
import { metadataCache } from '../../../src/kafka/metadata.ts'
import { partitionSource, type PartitionSource } from '../../../src/kafka/partitionSource.ts'
import { WireWriter } from '../../../src/kafka/wire.ts'
import { topic } from './modelLog.ts'

const signal = new AbortController().signal
const otherId = Buffer.alloc(16, 9).toString('base64url')

interface Cluster {
  topicId: string | null
  /** Node id of the leader, 1 or 2; ports are 9001 and 9002. */
  leader: number
  low: bigint
  high: bigint
}

/** One answer a fetch, the last one repeated: an error code, `ok`, or `throttled`. */
type FetchScript = readonly (number | 'ok' | 'throttled')[]

function fakeCluster(cluster: Cluster, script: FetchScript, onFetch: (leader: BrokerAddress, n: number) => void = () => {}) {
  let fetches = 0
  const connections: Connections = {
    send: (to, _lane, request) => {
      if (request.apiKey === 2) return Promise.resolve(listed(cluster, request))
      const step = script[Math.min(fetches, script.length - 1)]!
      onFetch(to, ++fetches)
      return Promise.resolve(fetched(cluster, step))
    },
    sendToAny: () => Promise.resolve(metadata(cluster)),
    learn: () => {},
    close: () => Promise.resolve(),
  }
  const options = { fetchBytes: 1000, patienceMs: 20_000, compacted: () => Promise.resolve(false) }
  return partitionSource(connections, metadataCache(connections), options)
}

const fetchFrom = (source: PartitionSource, offset: bigint) => source.fetch(topic, 0, offset, signal)
const steady: Cluster = { topicId: topic.id, leader: 1, low: 0n, high: 100n }

describe('a fetch', () => {
  it('gives the answer of the leader', async () => {
    const answer = await fetchFrom(fakeCluster(steady, ['ok']), 5n)
    expect(answer).toEqual({
      error: 0,
      partition: 0,
      low: 0n,
      stable: 100n,
      high: 100n,
      aborted: [{ producerId: 7n, firstOffset: 3n }],
      records: Buffer.from([1, 2]),
    })
  })

  it.each([
    ['NOT_LEADER_OR_FOLLOWER', 6],
    ['FENCED_LEADER_EPOCH', 74],
    ['UNKNOWN_LEADER_EPOCH', 75],
    ['LEADER_NOT_AVAILABLE', 5],
  ])('goes to the new leader after %s', async (_, error) => {
    const cluster = { ...steady }
    const asked: number[] = []
    const source = fakeCluster(cluster, [error, 'ok'], ({ port }) => {
      asked.push(port)
      cluster.leader = 2
    })
    await fetchFrom(source, 5n)
    expect(asked).toEqual([9001, 9002])
  })

  it('asks again after an answer that leaves the partition out, as a throttled client gets it', async () => {
    expect((await fetchFrom(fakeCluster(steady, ['throttled', 'ok']), 5n)).records.length).toBe(2)
  })

  it('does not call a topic made anew while metadata still gives its id: a broker may be behind', async () => {
    expect((await fetchFrom(fakeCluster(steady, [100, 103, 'ok']), 5n)).error).toBe(0)
  })

  it.each([
    ['UNKNOWN_TOPIC_ID', 100],
    ['INCONSISTENT_TOPIC_ID', 103],
  ])('says CDC2003 after %s when fresh metadata gives another id', async (_, error) => {
    const cluster: Cluster = { ...steady }
    const source = fakeCluster(cluster, [error], () => (cluster.topicId = otherId))
    await expect(fetchFrom(source, 5n)).rejects.toMatchObject({
      code: code.TopicRecreated,
      details: { was: topic.id, is: otherId },
    })
  })

  it('says CDC2002 when fresh metadata knows no such topic', async () => {
    const cluster: Cluster = { ...steady }
    const source = fakeCluster(cluster, [100], () => (cluster.topicId = null))
    await expect(fetchFrom(source, 5n)).rejects.toMatchObject({ code: code.TopicMissing })
  })

  it('says CDC2004 when the log begins after the offset', async () => {
    const source = fakeCluster({ ...steady, low: 40n }, [1])
    await expect(fetchFrom(source, 5n)).rejects.toMatchObject({
      code: code.DataLoss,
      details: { partition: 0, from: '5', low: '40' },
    })
  })

  it('says CDC2008 only when the log goes on ending below the offset', async () => {
    await expect(fetchFrom(fakeCluster(steady, [1]), 200n)).rejects.toMatchObject({ code: code.LogTruncated })
    const catchingUp: Cluster = { ...steady }
    const source = fakeCluster(catchingUp, [1, 1, 'ok'], (_, n) => (catchingUp.high = n < 3 ? 100n : 300n))
    expect((await fetchFrom(source, 200n)).error).toBe(0)
  })

  it('says CDC2005 when the broker itself finds the log corrupt', async () => {
    await expect(fetchFrom(fakeCluster(steady, [2]), 5n)).rejects.toMatchObject({ code: code.CorruptBatch })
  })
})

function metadata({ topicId, leader }: Cluster): Buffer {
  const ids = (list: readonly number[], writer: WireWriter): WireWriter => writer.array(list, (id, w) => w.int32(id))
  return new WireWriter()
    .tags()
    .int32(0)
    .array([1, 2], (id, w) =>
      w
        .int32(id)
        .string('broker')
        .int32(9000 + id)
        .string(null)
        .tags(),
    )
    .string('cluster')
    .int32(1)
    .array([topicId], (id, w) => {
      w.int16(id === null ? 3 : 0)
        .string(topic.topic)
        .uuid(id ?? Buffer.alloc(16).toString('base64url'))
        .boolean(false)
      w.array(id === null ? [] : [0], (partition, p) => {
        p.int16(0).int32(partition).int32(leader).int32(leader)
        for (const list of [[1, 2], [1, 2], []]) ids(list, p)
        p.tags()
      })
      w.int32(0).tags()
    })
    .tags()
    .end()
}

function listed({ low, high }: Cluster, request: WireRequest): Buffer {
  // The request's last bytes: timestamp i64, then the tags of partition, topic and request.
  const timestamp = request.body.readBigInt64BE(request.body.length - 11)
  return new WireWriter()
    .tags()
    .int32(0)
    .array([topic.topic], (name, w) =>
      w
        .string(name)
        .array([0], (partition, p) =>
          p
            .int32(partition)
            .int16(0)
            .int64(-1n)
            .int64(timestamp === -2n ? low : high)
            .int32(1)
            .tags(),
        )
        .tags(),
    )
    .tags()
    .end()
}

function fetched({ low, high }: Cluster, step: FetchScript[number]): Buffer {
  const answer = new WireWriter().tags().int32(0).int16(0).int32(0)
  return answer
    .array(step === 'throttled' ? [] : [topic.id], (id, w) =>
      w
        .uuid(id)
        .array([0], (partition, p) => {
          p.int32(partition)
            .int16(step === 'ok' ? 0 : Number(step))
            .int64(high)
            .int64(high)
            .int64(low)
          p.array([{ producerId: 7n, firstOffset: 3n }], (each, a) => a.int64(each.producerId).int64(each.firstOffset).tags())
          p.int32(-1).uvarint(3).int8(1).int8(2).tags()
        })
        .tags(),
    )
    .tags()
    .end()
}
