/** What retrying cannot mend parks the one table that has it, with code and hint; nothing is skipped, and the others go on. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kafka, logLevel, type Producer } from 'kafkajs'
import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client'
import type { ApplicationFailure } from '@temporalio/common'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startRclone } from '../../scripts/stack/rclone.ts'
import { openLakeReader, type LakeReader } from '../../scripts/verify/lakeReader.ts'
import { failureRules, type FailureCode } from '../../src/core/failures.ts'
import type { Position } from '../../src/core/receipts.ts'
import type { TableStatus } from '../../src/core/tableState.ts'
import { s3Store } from '../../src/lake/s3.ts'
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
import { commandLine } from './commandLine.ts'
import { openLane, statusOf, until, type Lane } from './lane.ts'

const tables = [
  'calm',
  'lost',
  'remade',
  'flagged',
  'retyped',
  'occupied',
  'littered',
  'compacted',
  'mixed_up',
  'mixed up',
  'tolerant',
]

let database: TestDatabase
let lane: Lane
let calm: WorkflowHandle
let lake: LakeReader
let producer: Producer
let scratch: string
const lanes: Lane[] = []

beforeAll(async () => {
  database = await freshDatabase('parking', 'empty')
  for (const table of tables) {
    await sql(`CREATE TABLE "${table}" (id serial PRIMARY KEY, amount integer, note text)`)
    await sql(`INSERT INTO "${table}" (amount) VALUES (1)`)
  }
  producer = new Kafka({ brokers: stackFacts().kafka.brokers, logLevel: logLevel.NOTHING }).producer()
  const onePartition = { 'topic.creation.default.partitions': '1' }
  const names = tables.map((table) => `public.${table}`)
  await Promise.all([registerConnector(database, names, onePartition), producer.connect()])
  lane = await laneOf('parking')
  scratch = await mkdtemp(join(tmpdir(), 'sluice-parking-'))
  const config = join(scratch, 'tables.yaml')
  await writeFile(config, 'tables: { public.tolerant: { badRecords: quarantine } }')
  ;[lake] = await Promise.all([openLakeReader(stackFacts().s3), lane.worker({ CDC_CONFIG: config })])
  calm = await lane.flowing('calm')
})
afterAll(async () => {
  lake.close()
  await Promise.all([producer.disconnect(), ...lanes.map((one) => one.close())])
  await rm(scratch, { recursive: true, force: true })
})

async function laneOf(name: string): Promise<Lane> {
  const opened = await openLane({ database, atRest: Promise.resolve() }, name)
  lanes.push(opened)
  return opened
}

async function sql(text: string): Promise<void> {
  await withClient(database.url, (client) => client.query(text))
}

function inKafka(table: string, records: number): Promise<unknown> {
  return waitForTopic(lane.topicOf(table), (found) => found.length >= records, 60_000)
}

/** Waits until the table is parked, since a moment other than that of `before`. */
async function parked(handle: WorkflowHandle, code: FailureCode, before: TableStatus | null = null): Promise<TableStatus> {
  let status: TableStatus | undefined
  await until(async () => {
    status = await statusOf(handle)
    return status.health === 'blocked' && status.block?.since !== before?.block?.since
  }, 60_000)
  expect(status!.block).toMatchObject({ code, hint: failureRules[code].hint })
  expect(status!.block!.message).toContain(code)
  return status!
}

/** Where nothing was mended, `resume` parks again in the same place, and the lake holds not one row more. */
async function staysParked(handle: WorkflowHandle, table: string, code: FailureCode, at: TableStatus): Promise<void> {
  await handle.executeUpdate('resume')
  const again = await parked(handle, code, at)
  expect(again.positions).toEqual(at.positions)
  expect(await rowsInLake(table)).toEqual({ delta: at.rows, glob: at.rows })
  await othersGoOn()
}

async function rowsInLake(table: string): Promise<{ delta: number; glob: number }> {
  const root = lane.rootOf(table)
  const count = async (from: string) => Number(await lake.one(`SELECT count(*) FROM ${from}`))
  return { delta: await count(`delta_scan('${root}')`), glob: await count(`read_parquet('${root}/data/**/*.parquet')`) }
}

async function othersGoOn(): Promise<void> {
  const { rows } = await statusOf(calm)
  await sql('INSERT INTO calm (amount) VALUES (2)')
  await until(async () => (await statusOf(calm)).rows > rows, 60_000)
}

async function failureOf(handle: WorkflowHandle): Promise<ApplicationFailure> {
  const error: unknown = await handle.result().catch((why: unknown) => why)
  expect(error).toBeInstanceOf(WorkflowFailedError)
  return (error as WorkflowFailedError).cause as ApplicationFailure
}

describe.concurrent('a table parks', () => {
  test('when Kafka deleted records that were not carried yet', async () => {
    const table = await lane.flowing('lost')
    const before = await table.executeUpdate<TableStatus, []>('pause')
    await sql('INSERT INTO lost (amount) VALUES (2), (3), (4)')
    await inKafka('lost', 4)
    const low = (await readTopic(lane.topicOf('lost')))[2]!.offset.toString()
    await withAdmin(async (admin) => {
      await admin.fetchTopicOffsets(lane.topicOf('lost')) // kafkajs deletes from topics that it knows only
      await admin.deleteTopicRecords({ topic: lane.topicOf('lost'), partitions: [{ partition: 0, offset: low }] })
    })
    await table.executeUpdate('resume')
    const status = await parked(table, 'CDC2004')
    expect(status.block!.details).toMatchObject({ partition: 0, low })
    expect(status.positions).toEqual(before.positions)
    await staysParked(table, 'lost', 'CDC2004', status)
  })

  test('when its topic was deleted and made again', async () => {
    const table = await lane.flowing('remade')
    const topic = lane.topicOf('remade')
    const [record] = await readTopic(topic)
    await withAdmin(async (admin) => {
      await admin.deleteTopics({ topics: [topic] })
      await until(() => admin.createTopics({ topics: [{ topic, numPartitions: 1 }] }), 30_000)
    })
    const value = JSON.stringify(record!.value)
    await producer.send({ topic, messages: Array.from({ length: 9 }, () => ({ key: JSON.stringify(record!.key), value })) })
    const status = await parked(table, 'CDC2003')
    expect(status.block!.details).toMatchObject({ bound: { topic }, found: { topic } })
    await staysParked(table, 'remade', 'CDC2003', status)
  })

  test('before the first row with a type that is not carried, after the rows before it', async () => {
    const table = await lane.flowing('flagged')
    await table.executeUpdate('pause')
    await sql('INSERT INTO flagged (amount) VALUES (2), (3)')
    await sql(`ALTER TABLE flagged ADD COLUMN flags bit varying(9); INSERT INTO flagged (flags) VALUES ('010'), ('1')`)
    await inKafka('flagged', 5)
    await table.executeUpdate('resume')
    const status = await parked(table, 'CDC3002')
    expect(status.block!.details).toMatchObject({ column: 'flags' })
    expect(status.rows).toBe(3)
    await staysParked(table, 'flagged', 'CDC3002', status)
  })

  test('when a column leaves its type class, telling the choices', async () => {
    const table = await lane.flowing('retyped')
    await sql(`ALTER TABLE retyped ALTER COLUMN amount TYPE text; INSERT INTO retyped (amount) VALUES ('many')`)
    const status = await parked(table, 'CDC4002')
    const choices = [{ as: 'amount__2' }, { as: '__special' }, { ignore: true }].map((amount) => ({ columns: { amount } }))
    expect(status.block!.details).toEqual({ column: 'amount', from: 'long', to: 'string', choices })
    await staysParked(table, 'retyped', 'CDC4002', status)
  })

  test('when a foreign object stands under the name of its next link, and carries on once that is gone', async () => {
    const table = await lane.flowing('occupied')
    const before = await table.executeUpdate<TableStatus, []>('pause')
    const { s3 } = stackFacts()
    const store = s3Store({ ...s3, prefix: '', forcePathStyle: true, credentials: s3 })
    try {
      const key = nextLink('occupied', before.positions[0]!)
      expect(await store.putIfAbsent(key, Buffer.from('not a Parquet file'))).toBe('created')
      await sql('INSERT INTO occupied (amount) VALUES (2), (3)')
      await inKafka('occupied', 3)
      await table.executeUpdate('resume')
      const status = await parked(table, 'CDC5003')
      expect(key).toContain(status.block!.details['key'])
      expect(status.positions).toEqual(before.positions)
      await othersGoOn()
      await store.delete(key)
    } finally {
      store.close()
    }
    await table.executeUpdate('resume')
    await until(async () => (await statusOf(table)).rows === 3, 60_000)
    expect(await rowsInLake('occupied')).toEqual({ delta: 3, glob: 3 })
  })

  test('before a record that is no change event, after the rows before it', async () => {
    const table = await lane.flowing('littered')
    await table.executeUpdate('pause')
    await sql('INSERT INTO littered (amount) VALUES (2), (3)')
    await inKafka('littered', 3)
    await producer.send({ topic: lane.topicOf('littered'), messages: [{ key: 'k', value: 'certainly {not JSON' }] })
    await table.executeUpdate('resume')
    const status = await parked(table, 'CDC3001')
    expect(status.rows).toBe(3)
    expect(JSON.stringify(status)).not.toContain('certainly')
    await staysParked(table, 'littered', 'CDC3001', status)
  })

  test('not, where it sets such a record aside: the rows around it are carried, and the quarantine has it whole', async () => {
    const table = await lane.flowing('tolerant')
    const litter = { key: 'k', value: 'certainly {not JSON' }
    await producer.send({ topic: lane.topicOf('tolerant'), messages: [litter] })
    await sql('INSERT INTO tolerant (amount) VALUES (2), (3)')
    await until(async () => (await statusOf(table)).rows === 3, 60_000)
    const status = await statusOf(table)
    expect(status).toMatchObject({ health: 'running', rows: 3, quarantined: 1 })
    expect(JSON.stringify(status)).not.toContain('certainly')
    expect(await rowsInLake('tolerant')).toEqual({ delta: 3, glob: 3 })
    const { json, text } = commandLine(database, lane)
    const told = { partition: 0, code: 'CDC3001', ...litter }
    expect(await json('quarantine', 'tolerant')).toMatchObject({ exit: 1, ok: false, records: [told] })
    expect((await text('quarantine', 'tolerant')).stdout).not.toContain('certainly')
    expect(await json('quarantine', 'calm')).toMatchObject({ exit: 0, records: [] })
  })

  test('while its topic is compacted, and is carried once the topic is not', async () => {
    const policy = (value: string) => {
      const setting = { type: 2, name: lane.topicOf('compacted'), configEntries: [{ name: 'cleanup.policy', value }] }
      return withAdmin((admin) => admin.alterConfigs({ validateOnly: false, resources: [setting] }))
    }
    await policy('compact')
    const table = await lane.carry('compacted')
    const status = await parked(table, 'CDC2009')
    expect(status.block!.details).toMatchObject({ policy: 'compact' })
    expect(status.positions).toEqual([])
    await policy('delete')
    await table.executeUpdate('resume')
    await until(async () => (await statusOf(table)).rows === 1, 60_000)
    expect(await rowsInLake('compacted')).toEqual({ delta: 1, glob: 1 })
  })

  test('before the first change of another table that Debezium routes to the same topic', async () => {
    const table = await lane.carry('mixed_up')
    const status = await parked(table, 'CDC3005')
    expect(status.block!.details).toMatchObject({ schema: 'public', table: 'mixed up' })
    await staysParked(table, 'mixed_up', 'CDC3005', status)
  })
})

describe.concurrent('a table is refused at once', () => {
  test('on a store that lets two writers of one name win, with the stores that do not', async () => {
    const rclone = await startRclone()
    try {
      const unsafe = await laneOf('unsafe')
      await unsafe.worker({ CDC_LAKE_ENDPOINT: rclone.s3.endpoint, CDC_LAKE_URL: `s3://${rclone.s3.bucket}/lake` })
      const failure = await failureOf(await unsafe.carry('calm'))
      expect(failure.type).toBe('CDC5002')
      expect(failure.message).toContain('CDC5002')
      expect(failure.details?.[0]).toMatchObject({ hint: expect.stringContaining('use one that does') as string })
    } finally {
      await rclone.stop()
    }
  })

  test('on a field of its input that nobody knows, with those that are known', async () => {
    const failure = await failureOf(await lane.start(`${lane.id}-unknown`, { table: 'calm', colour: 'red' } as { table: string }))
    expect(failure.type).toBe('CDC1001')
    expect(failure.message).toMatch(/unknown field "colour".*known fields: table/)
  })
})

/** By the names of docs/protocol.md. */
function nextLink(table: string, { base, day, partition }: Position): string {
  const folder = `cdc_date=${new Date(day * 86_400_000).toISOString().slice(0, 10)}`
  const root = new URL(lane.rootOf(table)).pathname.slice(1)
  return `${root}/data/${folder}/${lane.topicOf(table)}-0-${partition}-${base.padStart(20, '0')}.parquet`
}
