import { describe, expect, it } from 'vitest'
import { CdcFailure, code } from '../../../src/core/failures.ts'
import type { TopicState } from '../../../src/core/records.ts'
import type { TopicMetadata } from '../../../src/kafka/metadata.ts'
import { tailWatcher, type TailSource } from '../../../src/kafka/tailWatcher.ts'

const never = new AbortController().signal
const timing = { busyMs: 1, idleMs: 4, metadataMs: 5 }
const identity = (topic: string, id = 'id-1'): TopicState['identity'] => ({ clusterId: 'cluster', topic, id })

interface FakeTopic {
  id: string
  stable: bigint[]
}

/** Topics by name; `asked` lists which were asked for together. */
function fakeTail(topics: Record<string, FakeTopic>): TailSource & { asked: string[][]; down: boolean } {
  const away = (): never => {
    throw new CdcFailure(code.KafkaUnavailable, 'away')
  }
  const known = (topic: string): FakeTopic => {
    if (!topics[topic]) throw new CdcFailure(code.TopicMissing, 'gone')
    return topics[topic]
  }
  const source: TailSource & { asked: string[][]; down: boolean } = {
    asked: [],
    down: false,
    stableOffsets: async (asked) => {
      await Promise.resolve()
      if (source.down) return new Map()
      source.asked.push(asked.map((each) => each.identity.topic))
      return new Map(
        asked.map(({ identity: { topic } }) => [topic, new Map(known(topic).stable.map((offset, i) => [i, offset]))] as const),
      )
    },
    metadata: async (topic): Promise<TopicMetadata> => {
      await Promise.resolve()
      if (source.down) away()
      const { id, stable } = known(topic)
      return {
        identity: identity(topic, id),
        partitions: stable.map((_, partition) => ({ partition, leader: null, leaderEpoch: 0 })),
      }
    },
    describe: async (topic) => {
      await Promise.resolve()
      if (source.down) away()
      const { id, stable } = known(topic)
      return {
        identity: identity(topic, id),
        partitions: stable.map((s, partition) => ({ partition, low: 0n, stable: s, high: s })),
      }
    },
  }
  return source
}

const at = (...offsets: bigint[]): Map<number, bigint> => new Map(offsets.map((offset, i) => [i, offset]))
const soon = (change: () => void): unknown => setTimeout(change, 10)

describe('the tail watcher', () => {
  it('wakes when one partition is stable beyond its position', async () => {
    const flights = { id: 'id-1', stable: [5n, 7n] }
    const watcher = tailWatcher(fakeTail({ flights }), timing)
    const waiting = watcher.waitForRecords(identity('flights'), at(5n, 7n), { timeoutMs: 60_000, signal: never })
    soon(() => (flights.stable = [5n, 8n]))
    expect((await waiting).partitions[1]!.stable).toBe(8n)
  })

  it('asks once for all the tables that wait', async () => {
    const source = fakeTail({ flights: { id: 'id-1', stable: [1n] }, bookings: { id: 'id-1', stable: [1n] } })
    const watcher = tailWatcher(source, timing)
    const stop = new AbortController()
    const waiting = ['flights', 'bookings'].map((topic) =>
      watcher.waitForRecords(identity(topic), at(1n), { timeoutMs: 60_000, signal: stop.signal }),
    )
    soon(() => stop.abort(new Error('enough')))
    await Promise.all(waiting.map((each) => expect(each).rejects.toThrow('enough')))
    expect(source.asked).toContainEqual(['flights', 'bookings'])
  })

  it('wakes when the topic was made anew, and when it got more partitions', async () => {
    const flights = { id: 'id-1', stable: [5n] }
    const watcher = tailWatcher(fakeTail({ flights }), timing)
    const remade = watcher.waitForRecords(identity('flights'), at(9n), { timeoutMs: 60_000, signal: never })
    soon(() => (flights.id = 'id-2'))
    expect((await remade).identity.id).toBe('id-2')
    const grown = watcher.waitForRecords(identity('flights', 'id-2'), at(9n), { timeoutMs: 60_000, signal: never })
    soon(() => (flights.stable = [5n, 0n]))
    expect((await grown).partitions.length).toBe(2)
  })

  it('gives the state as it is when the time is over', async () => {
    const watcher = tailWatcher(fakeTail({ flights: { id: 'id-1', stable: [5n] } }), timing)
    const state = await watcher.waitForRecords(identity('flights'), at(5n), { timeoutMs: 15, signal: never })
    expect(state.partitions.map((each) => each.stable)).toEqual([5n])
  })

  it('waits through an outage, and says CDC2001 only if it outlasts the time', async () => {
    const flights = { id: 'id-1', stable: [5n] }
    const source = fakeTail({ flights })
    const watcher = tailWatcher(source, timing)
    source.down = true
    const over = watcher.waitForRecords(identity('flights'), at(5n), { timeoutMs: 15, signal: never })
    await expect(over).rejects.toMatchObject({ code: code.KafkaUnavailable })
    const waiting = watcher.waitForRecords(identity('flights'), at(5n), { timeoutMs: 60_000, signal: never })
    soon(() => {
      flights.stable = [6n]
      source.down = false
    })
    expect((await waiting).partitions[0]!.stable).toBe(6n)
  })

  it('lets no table wait for another whose topic cannot be asked now', async () => {
    const bookings = { id: 'id-1', stable: [5n] }
    const source = fakeTail({ bookings })
    const metadata = source.metadata.bind(source)
    source.metadata = (topic, fresh) =>
      topic === 'flights' ? Promise.reject(new CdcFailure(code.KafkaUnavailable, 'refused')) : metadata(topic, fresh)
    const watcher = tailWatcher(source, timing)
    const stop = new AbortController()
    const stuck = watcher.waitForRecords(identity('flights'), at(5n), { timeoutMs: 60_000, signal: stop.signal })
    const there = watcher.waitForRecords(identity('bookings'), at(5n), { timeoutMs: 60_000, signal: never })
    soon(() => (bookings.stable = [6n]))
    expect((await there).partitions[0]!.stable).toBe(6n)
    stop.abort(new Error('enough'))
    await expect(stuck).rejects.toThrow('enough')
  })

  it('rejects with CDC2002 only the table whose topic is gone', async () => {
    const topics: Record<string, FakeTopic> = { flights: { id: 'id-1', stable: [5n] }, bookings: { id: 'id-1', stable: [5n] } }
    const watcher = tailWatcher(fakeTail(topics), timing)
    const gone = watcher.waitForRecords(identity('flights'), at(5n), { timeoutMs: 60_000, signal: never })
    const there = watcher.waitForRecords(identity('bookings'), at(5n), { timeoutMs: 60_000, signal: never })
    soon(() => delete topics['flights'])
    await expect(gone).rejects.toMatchObject({ code: code.TopicMissing })
    topics['bookings']!.stable = [6n]
    expect((await there).identity.topic).toBe('bookings')
  })
})
