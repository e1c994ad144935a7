/** What a person decides about a topic that is no longer what the table was carried from, on the real parts (DESIGN §4.2, §4.8, §4.9). */
import { Kafka, logLevel } from 'kafkajs'
import { WorkflowUpdateFailedError, type WorkflowHandle } from '@temporalio/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openLakeReader, type LakeReader } from '../../scripts/verify/lakeReader.ts'
import type { failureRules } from '../../src/core/failures.ts'
import type { TableStatus } from '../../src/core/tableState.ts'
import {
  freshDatabase,
  readTopic,
  registerConnector,
  stackFacts,
  waitForTopic,
  withAdmin,
  withClient,
  type TestDatabase,
} from './harness.ts'
import { openLane, statusOf, until, type Lane } from './lane.ts'

const tables = ['remade', 'lost', 'multiplied', 'uneven']

let database: TestDatabase
let lane: Lane
let lake: LakeReader

beforeAll(async () => {
  database = await freshDatabase('decisions', 'empty')
  for (const table of tables) {
    await sql(`CREATE TABLE ${table} (id integer PRIMARY KEY, amount integer)`)
    await sql(`INSERT INTO ${table} VALUES (0, 0)`)
  }
  const names = tables.map((table) => `public.${table}`)
  // A producer hears of new partitions when its metadata is old: five minutes by default.
  const soon = { 'producer.override.metadata.max.age.ms': '500' }
  await registerConnector(database, names, soon)
  lane = await openLane({ database, atRest: Promise.resolve() }, 'decisions')
  ;[lake] = await Promise.all([openLakeReader(stackFacts().s3), lane.worker()])
})
afterAll(async () => {
  lake.close()
  await lane.close()
})

async function sql(text: string): Promise<void> {
  await withClient(database.url, (client) => client.query(text))
}

async function parked(handle: WorkflowHandle, code: keyof typeof failureRules): Promise<TableStatus> {
  await until(async () => (await statusOf(handle)).block?.code === code, 60_000)
  return statusOf(handle)
}

/** The only choice, as a person would copy it. */
function choiceOf({ block }: TableStatus): Record<string, unknown> {
  const choices = block!.details['choices'] as Record<string, unknown>[]
  expect(choices).toHaveLength(1)
  return choices[0]!
}

async function refusal(handle: WorkflowHandle, decision: Record<string, unknown>): Promise<string> {
  const error: unknown = await handle.executeUpdate('resume', { args: [decision] }).catch((why: unknown) => why)
  expect(error).toBeInstanceOf(WorkflowUpdateFailedError)
  return ((error as WorkflowUpdateFailedError).cause as Error).message
}

async function rowsOf(table: string, where = 'true'): Promise<{ delta: number; glob: number }> {
  const root = lane.rootOf(table)
  const count = async (from: string) => Number(await lake.one(`SELECT count(*) FROM ${from} WHERE ${where}`))
  return { delta: await count(`delta_scan('${root}')`), glob: await count(`read_parquet('${root}/data/**/*.parquet')`) }
}

describe.concurrent('a decision', () => {
  test('carries a topic that was made again in the next epoch, beside what the old one held', async () => {
    const table = await lane.flowing('remade')
    const topic = lane.topicOf('remade')
    const [record] = await readTopic(topic)
    await table.executeUpdate('pause')
    await withAdmin(async (own) => {
      await own.deleteTopics({ topics: [topic] })
      await until(() => own.createTopics({ waitForLeaders: false, topics: [{ topic, numPartitions: 1 }] }), 30_000)
    })
    const message = { key: JSON.stringify(record!.key), value: JSON.stringify(record!.value) }
    const producer = new Kafka({ brokers: stackFacts().kafka.brokers, logLevel: logLevel.NOTHING }).producer()
    await producer.connect()
    await producer.send({ topic, messages: [message, message, message] })
    await producer.disconnect()
    await table.executeUpdate('resume')
    const choice = choiceOf(await parked(table, 'CDC2003'))
    expect(choice).toMatchObject({ openEpoch: { epoch: 1 } })
    expect(await refusal(table, { openEpoch: true })).toMatch(/^CDC1001 .*"openEpoch":\{"epoch":1/)
    await table.executeUpdate('resume', { args: [choice] })
    await until(async () => (await statusOf(table)).rows === 4, 60_000)
    expect(await rowsOf('remade', '__epoch = 0')).toEqual({ delta: 1, glob: 1 })
    expect(await rowsOf('remade', '__epoch = 1')).toEqual({ delta: 3, glob: 3 })
  })

  test('leaves out what Kafka deleted before it was carried, and nothing else; the log tells the gap', async () => {
    const table = await lane.flowing('lost')
    const { positions } = await table.executeUpdate<TableStatus, []>('pause')
    await sql('INSERT INTO lost SELECT i, i FROM generate_series(1, 60) i')
    const records = await waitForTopic(lane.topicOf('lost'), (found) => found.length >= 61, 60_000)
    const { partition } = records.at(-1)!
    const from = BigInt(positions[partition]!.seen)
    const waiting = records.filter((each) => each.partition === partition && each.offset >= from)
    const to = waiting[Math.floor(waiting.length / 2)]!.offset
    const taken = waiting.filter(({ offset }) => offset < to).length
    expect(taken).toBeGreaterThan(0)
    await withAdmin(async (own) => {
      await own.fetchTopicOffsets(lane.topicOf('lost')) // kafkajs deletes from topics that it knows only
      await own.deleteTopicRecords({ topic: lane.topicOf('lost'), partitions: [{ partition, offset: to.toString() }] })
    })
    await table.executeUpdate('resume')
    const choice = choiceOf(await parked(table, 'CDC2004'))
    const gap = { partition, from: from.toString(), to: to.toString() }
    expect(choice).toEqual({ acceptGap: [gap] })
    expect(await refusal(table, { acceptGap: [{ ...gap, to: (to - 1n).toString() }] })).toContain(`"to":"${to}"`)
    await table.executeUpdate('resume', { args: [choice] })
    await table.executeUpdate('flush')
    const carried = 61 - taken
    expect(await rowsOf('lost')).toEqual({ delta: carried, glob: carried })
    const told = `SELECT count(*) FROM read_text('${lane.rootOf('lost')}/_delta_log/*.json') WHERE contains(content, '"gap"')`
    expect(await lake.one(told)).toBe('1')
  })

  test('is not asked where partitions were multiplied under load: each change once, each key in order', async () => {
    const table = await lane.flowing('multiplied')
    let rounds = 0
    let enough = false
    const load = (async () => {
      await withClient(database.url, async (client) => {
        await client.query('INSERT INTO multiplied SELECT i, 0 FROM generate_series(1, 40) i')
        for (; !enough; rounds++) await client.query('UPDATE multiplied SET amount = amount + 1')
      })
    })()
    await until(async () => (await statusOf(table)).rows > 200, 60_000)
    await withAdmin((own) => own.createPartitions({ topicPartitions: [{ topic: lane.topicOf('multiplied'), count: 6 }] }))
    await until(async () => (await statusOf(table)).positions.filter(({ base }) => base !== '0').length >= 5, 90_000)
    enough = true
    await load
    const changes = 1 + 40 + 41 * rounds
    await waitForTopic(lane.topicOf('multiplied'), (found) => found.length >= changes, 60_000)
    await table.executeUpdate('flush')
    expect((await statusOf(table)).positions).toHaveLength(6)
    expect(await rowsOf('multiplied')).toEqual({ delta: changes, glob: changes })
    // In order: an earlier change of a key is never in a later version of the table than one after it.
    const { wrong, moved } = await orderOf('multiplied')
    expect(wrong).toBe(0)
    expect(moved).toBeGreaterThan(0)
  })

  test('is asked where partitions were added that are no multiple, and admits them by consent', async () => {
    const table = await lane.flowing('uneven')
    await withAdmin((own) => own.createPartitions({ topicPartitions: [{ topic: lane.topicOf('uneven'), count: 4 }] }))
    const status = await parked(table, 'CDC2007')
    expect(choiceOf(status)).toEqual({ admitPartitions: [3] })
    expect(await refusal(table, { admitPartitions: [3, 4] })).toContain('{"admitPartitions":[3]}')
    await table.executeUpdate('resume', { args: [{ admitPartitions: [3] }] })
    await until(async () => (await statusOf(table)).positions.length === 4, 60_000)
    await sql('INSERT INTO uneven SELECT i, i FROM generate_series(1, 80) i')
    await until(async () => (await statusOf(table)).rows === 81, 60_000)
    expect(await rowsOf('uneven')).toEqual({ delta: 81, glob: 81 })
  })
})

/** Over the versions of the Delta log: changes of one key that stand in the wrong order, and keys whose partition changed. */
async function orderOf(table: string): Promise<{ wrong: number; moved: number }> {
  const root = lane.rootOf(table)
  const adds = `SELECT unnest(regexp_extract_all(content, '"add":\\{"path":"([^"]+)"', 1)) AS path,
    regexp_extract(filename, '(\\d{20})\\.json', 1)::BIGINT AS version FROM read_text('${root}/_delta_log/*.json')`
  const rows = `SELECT id, amount, __kafka_partition AS p, version FROM
    read_parquet('${root}/data/**/*.parquet', filename = true) f JOIN (${adds}) a ON suffix(f.filename, a.path)`
  const pairs = `SELECT id, p, version, lag(p) OVER w AS p0, lag(version) OVER w AS v0 FROM (${rows})
    WINDOW w AS (PARTITION BY id ORDER BY amount)`
  const wrong = Number(await lake.one(`SELECT count(*) FROM (${pairs}) WHERE version < v0 OR (p <> p0 AND version = v0)`))
  const moved = Number(await lake.one(`SELECT count(DISTINCT id) FROM (${pairs}) WHERE p <> p0`))
  return { wrong, moved }
}
