/** The Kafka room against a real broker, with Kafka's own Java client as the judge of what read_committed means. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Kafka, logLevel, type Admin, type IResourceConfigEntry, type Producer, type Transaction } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { classPath } from '../../scripts/stack/jars.ts'
import { findJava } from '../../scripts/stack/java.ts'
import { startStack, type Stack } from '../../scripts/stack/start.ts'
import { code } from '../../src/core/failures.ts'
import type { TopicIdentity } from '../../src/core/records.ts'
import { openKafka, type KafkaDoor, type KafkaSettings } from '../../src/kafka/door.ts'

const never = new AbortController().signal
/** The Java producer's records are of 2023. */
const keepForEver = [{ name: 'retention.ms', value: '-1' }]
let stack: Stack<'kafka'>
let kafka: Kafka
let admin: Admin
let producer: Producer
const doors: KafkaDoor[] = []

beforeAll(async () => {
  stack = await startStack({ name: 'kafka-room', parts: ['kafka'] })
  kafka = new Kafka({ clientId: 'test', brokers: stack.kafka.brokers, logLevel: logLevel.NOTHING })
  admin = kafka.admin()
  producer = kafka.producer()
  await Promise.all([admin.connect(), producer.connect()])
})

afterAll(async () => {
  await Promise.all([...doors.map((door) => door.close()), admin?.disconnect(), producer?.disconnect()])
  await stack?.stop()
})

function openDoor(more: Partial<KafkaSettings> = {}): KafkaDoor {
  const door = openKafka({
    brokers: stack.kafka.brokers,
    clientId: 'sluice',
    maxBatchBytes: 1 << 26,
    fetchBytes: 1 << 22,
    ...more,
  })
  doors.push(door)
  return door
}

async function createTopic(topic: string, numPartitions = 1, configEntries: IResourceConfigEntry[] = []): Promise<void> {
  await admin.createTopics({ topics: [{ topic, numPartitions, configEntries }], waitForLeaders: true })
}

async function send(topic: string, values: readonly string[], partition = 0): Promise<void> {
  await producer.send({ topic, messages: values.map((value) => ({ value, partition })) })
}

async function java(source: string, ...args: string[]): Promise<string> {
  const file = fileURLToPath(new URL(`../java/${source}.java`, import.meta.url))
  const { path } = await findJava()
  const run = promisify(execFile)(path, ['-XX:TieredStopAtLevel=1', '-cp', await classPath(), file, ...args], {
    maxBuffer: 1 << 28,
  })
  return (await run).stdout
}

/** One line a record, as test/java/ReadCommitted.java writes it. */
async function read(door: KafkaDoor, topic: TopicIdentity, from: bigint, to: bigint, signal = never): Promise<string[]> {
  const lines: string[] = []
  let next = from
  for await (const step of door.read({ topic, partition: 0, from, to, signal })) {
    for (const block of step.blocks) {
      const text = (start: number, end: number): string =>
        start < 0 ? '-' : Buffer.from(block.bytes.subarray(start, end)).toString('base64')
      for (let i = 0; i < block.count; i++) {
        const key = text(block.keyStart[i]!, block.keyEnd[i]!)
        const value = text(block.valueStart[i]!, block.valueEnd[i]!)
        lines.push(`${block.baseOffset + BigInt(block.offsetDelta[i]!)} ${block.timestamp[i]} ${key} ${value}`)
      }
    }
    expect(step.next).toBeGreaterThan(next)
    next = step.next
  }
  expect(next).toBe(to)
  return lines
}

const linesOf = (output: string): string[] => output.split('\n').filter((line) => line !== '')

describe('transactions', () => {
  it('three producers interleaved on one partition, half of them aborting, read as the Java client reads them', async () => {
    const topic = 'room.transactions'
    await createTopic(topic)
    await interleave(topic, 220)
    const judged = linesOf(await java('ReadCommitted', stack.kafka.brokers[0]!, topic, '400'))
    expect(judged.length).toBeGreaterThan(100)
    expect(
      judged.map((line) => Buffer.from(line.split(' ')[3]!, 'base64').toString()).filter((value) => value.startsWith('bad')),
    ).toEqual([])

    for (const fetchBytes of [1, 400, 5_000, 1 << 22]) {
      const door = openDoor({ fetchBytes })
      const { identity, partitions } = await door.describe(topic)
      const [{ low, stable, high }] = partitions as [(typeof partitions)[number]]
      expect([low, stable]).toEqual([0n, high])
      expect(await read(door, identity, 0n, stable)).toEqual(judged)
      const joined: string[] = []
      for (let from = 0n; from < stable; from += 37n) {
        joined.push(...(await read(door, identity, from, from + 37n < stable ? from + 37n : stable)))
      }
      expect(joined).toEqual(judged)
    }
  })

  it('an open transaction holds the stable offset below the high watermark until it ends', async () => {
    const topic = 'room.open'
    const door = openDoor()
    await createTopic(topic)
    await send(topic, ['before'])
    const transactional = kafka.producer({ transactionalId: 'room-open', maxInFlightRequests: 1, idempotent: true })
    await transactional.connect()
    const transaction = await transactional.transaction()
    await transaction.send({ topic, messages: [{ value: 'inside', partition: 0 }] })
    await send(topic, ['behind'])

    const open = await door.describe(topic)
    expect(open.partitions).toEqual([{ partition: 0, low: 0n, stable: 1n, high: 3n }])
    await expect(read(door, open.identity, 0n, 3n)).rejects.toMatchObject({ code: code.KafkaUnavailable })

    await transaction.commit()
    const woken = await door.waitForRecords(open.identity, new Map([[0, 1n]]), { timeoutMs: 20_000, signal: never })
    expect(woken.partitions).toEqual([{ partition: 0, low: 0n, stable: 4n, high: 4n }])
    expect((await read(door, open.identity, 0n, 4n)).length).toBe(3)
    await transactional.disconnect()
  })
})

describe('codecs', () => {
  it('records that the Java producer compressed, each codec, read as they were written', async () => {
    const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
    for (const codec of codecs) await createTopic(`room.codec.${codec}`, 1, keepForEver)
    await java('ProduceRecords', stack.kafka.brokers[0]!, 'room.codec.', codecs.join(','), '5000', '300')
    const judged = linesOf(await java('ReadCommitted', stack.kafka.brokers[0]!, 'room.codec.none', '1000000'))
    expect(judged.length).toBe(5000)
    const door = openDoor({ fetchBytes: 100_000 })
    for (const codec of codecs) {
      const { identity } = await door.describe(`room.codec.${codec}`)
      expect(await read(door, identity, 0n, 5000n)).toEqual(judged)
    }
  })

  it('a batch that decompresses to more than the limit is refused as CDC2006', async () => {
    const { identity } = await openDoor().describe('room.codec.gzip')
    await expect(read(openDoor({ maxBatchBytes: 20_000 }), identity, 0n, 5000n)).rejects.toMatchObject({
      code: code.OversizedBatch,
    })
  })
})

describe('what the topic lost', () => {
  it('a topic that was deleted is missing, and one made again under its name is CDC2003, not other people’s records', async () => {
    const topic = 'room.remade'
    const door = openDoor({ patienceMs: 10_000 })
    await createTopic(topic)
    await send(topic, ['a', 'b', 'c'])
    const { identity } = await door.describe(topic)
    expect((await read(door, identity, 0n, 3n)).length).toBe(3)

    const waiting = door.waitForRecords(identity, new Map([[0, 3n]]), { timeoutMs: 60_000, signal: never })
    const noticed = expect(waiting).rejects.toMatchObject({ code: code.TopicMissing })
    await admin.deleteTopics({ topics: [topic] })
    await noticed
    await expect(read(door, identity, 0n, 3n)).rejects.toMatchObject({ code: code.TopicMissing })

    await createTopic(topic)
    await send(topic, ['x', 'y', 'z', 'w'])
    await expect(read(door, identity, 0n, 3n)).rejects.toMatchObject({ code: code.TopicRecreated, details: { was: identity.id } })
    const remade = await door.waitForRecords(identity, new Map([[0, 9n]]), { timeoutMs: 60_000, signal: never })
    expect(remade.identity.id).not.toBe(identity.id)
  })

  it('records that retention removed are CDC2004 with the offsets that are gone', async () => {
    const topic = 'room.retention'
    const door = openDoor()
    await createTopic(topic)
    await send(
      topic,
      Array.from({ length: 20 }, (_, i) => `${i}`),
    )
    const { identity } = await door.describe(topic)
    await admin.fetchTopicOffsets(topic) // kafkajs deletes from topics that it knows only
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '12' }] })
    await expect(read(door, identity, 5n, 20n)).rejects.toMatchObject({ code: code.DataLoss, details: { from: '5', low: '12' } })
    expect((await read(door, identity, 12n, 20n)).length).toBe(8)
  })

  it('a log that ends before the position is CDC2008', async () => {
    const topic = 'room.truncated'
    const door = openDoor()
    await createTopic(topic)
    await send(topic, ['a'])
    const { identity } = await door.describe(topic)
    await expect(read(door, identity, 50n, 60n)).rejects.toMatchObject({ code: code.LogTruncated })
    await expect(read(door, identity, 0n, 60n)).rejects.toMatchObject({ code: code.LogTruncated })
  })
})

describe('what belongs to a group or a topic', () => {
  it('offsets mirrored without joining the group are what admin tools see', async () => {
    const topic = 'room.mirror'
    const door = openDoor()
    await createTopic(topic, 3)
    await door.mirrorOffsets('cdc.test', topic, new Map([0, 2].map((partition) => [partition, BigInt(partition * 10 + 5)])))
    expect(await admin.fetchOffsets({ groupId: 'cdc.test', topics: [topic] })).toEqual([
      {
        topic,
        partitions: [
          { partition: 0, offset: '5', metadata: null },
          { partition: 1, offset: '-1', metadata: null },
          { partition: 2, offset: '25', metadata: null },
        ],
      },
    ])
    expect(await door.groupOffsets('cdc.test', topic, [0, 1, 2])).toEqual(
      new Map([
        [0, 5n],
        [2, 25n],
      ]),
    )
  })

  it('the cleanup policy is the topic’s own', async () => {
    await admin.createTopics({
      topics: [{ topic: 'room.compacted', configEntries: [{ name: 'cleanup.policy', value: 'compact' }] }],
    })
    await createTopic('room.kept')
    expect(await openDoor().cleanupPolicy('room.compacted')).toBe('compact')
    expect(await openDoor().cleanupPolicy('room.kept')).toBe('delete')
  })

  it('a watcher sees new partitions before anything was written to them', async () => {
    const topic = 'room.grown'
    const door = openDoor()
    await createTopic(topic, 1)
    const { identity } = await door.describe(topic)
    const waiting = door.waitForRecords(identity, new Map([[0, 0n]]), { timeoutMs: 60_000, signal: never })
    await admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] })
    expect((await waiting).partitions.length).toBe(3)
  })
})

describe('a broker that goes away', () => {
  it('killed in the middle of a read and started again, it is read on without a gap or a double', async () => {
    const topic = 'room.killed'
    await createTopic(topic)
    const values = Array.from({ length: 4000 }, (_, i) => `${i} ${'x'.repeat(500)}`)
    for (let at = 0; at < values.length; at += 200) await send(topic, values.slice(at, at + 200))
    const door = openDoor({ fetchBytes: 50_000, patienceMs: 90_000 })
    const { identity } = await door.describe(topic)
    const offsets: bigint[] = []
    let killed = false
    for await (const { blocks } of door.read({ topic: identity, partition: 0, from: 0n, to: 4000n, signal: never })) {
      for (const block of blocks)
        for (let i = 0; i < block.count; i++) offsets.push(block.baseOffset + BigInt(block.offsetDelta[i]!))
      if (!killed && offsets.length > 1000) {
        killed = true
        await stack.kill('kafka')
        void stack.restart('kafka')
      }
    }
    expect(offsets).toEqual(values.map((_, i) => BigInt(i)))
  })

  it('a read that waits for it stops within a second of the signal, and the door works again when it is back', async () => {
    const topic = 'room.killed'
    const door = openDoor({ patienceMs: 600_000 })
    const { identity } = await door.describe(topic)
    await stack.kill('kafka')
    const stop = new AbortController()
    const reading = read(door, identity, 0n, 4000n, stop.signal)
    const watching = door.waitForRecords(identity, new Map([[0, 4000n]]), { timeoutMs: 600_000, signal: stop.signal })
    const outcome = Promise.allSettled([reading, watching])
    await new Promise((resolve) => setTimeout(resolve, 2_000))
    const aborted = performance.now()
    stop.abort()
    expect((await outcome).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(performance.now() - aborted).toBeLessThan(1_000)
    await expect(door.describe(topic)).rejects.toMatchObject({ code: code.KafkaUnavailable })
    await stack.restart('kafka')
    expect((await read(door, identity, 3990n, 4000n)).length).toBe(10)
  })
})

/** Transactions of three producers and plain sends, the order fixed by a seed; about every second transaction aborts. */
async function interleave(topic: string, steps: number): Promise<void> {
  const producers = [1, 2, 3].map((n) =>
    kafka.producer({
      transactionalId: `room-${n}`,
      idempotent: true,
      maxInFlightRequests: 1,
      retry: { initialRetryTime: 20, retries: 30 },
    }),
  )
  await Promise.all(producers.map((each) => each.connect()))
  const open = new Map<number, { transaction: Transaction; aborts: boolean }>()
  let seed = 20261125
  const random = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below
  const messages = (kind: string, step: number): { value: string; key: Buffer; partition: number }[] =>
    Array.from({ length: 1 + random(4) }, (_, i) => ({
      value: `${kind} ${step}.${i} ${'.'.repeat(random(120))}`,
      key: Buffer.alloc(4),
      partition: 0,
    }))
  for (let step = 0; step < steps; step++) {
    const who = random(4)
    const current = open.get(who)
    if (who === 3) await producer.send({ topic, messages: messages('good', step) })
    else if (!current) open.set(who, { transaction: await producers[who]!.transaction(), aborts: random(2) === 0 })
    else if (random(4) > 0) await current.transaction.send({ topic, messages: messages(current.aborts ? 'bad' : 'good', step) })
    else {
      open.delete(who)
      await (current.aborts ? current.transaction.abort() : current.transaction.commit())
    }
  }
  for (const { transaction, aborts } of open.values()) await (aborts ? transaction.abort() : transaction.commit())
  await Promise.all(producers.map((each) => each.disconnect()))
}
