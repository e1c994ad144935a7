/** What every e2e test needs: a database and a connector of its own, and topics that can be read. */
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Admin, Kafka, logLevel } from 'kafkajs'
import pg from 'pg'
import { afterAll, inject } from 'vitest'
import { createDatabase } from '../../scripts/stack/airline.ts'
import {
  type ConnectorConfig,
  type ConnectorPlan,
  deleteConnector,
  registerConnector as register,
} from '../../scripts/stack/connector.ts'
import type { StackFacts } from '../../scripts/stack/start.ts'
import { openReader, recordsOf } from '../../scripts/topics/records.ts'
import type { KafkaDoor } from '../../src/kafka/door.ts'

export { deleteConnector, renderConnector, validateConnector, waitUntilRunning } from '../../scripts/stack/connector.ts'

export function stackFacts(): StackFacts {
  return inject('stack')
}

/** Everything that one test file has for itself. */
export interface TestDatabase {
  database: string
  url: string
  topicPrefix: string
  slot: string
  publication: string
  /** Begins every key that the test writes into the stack's bucket. */
  bucketPrefix: string
}

/**
 * A database of the test's own: a copy of the airline (customers, flights, bookings, all filled), or an empty one. The
 * name is made unique, so that a test may ask again.
 */
export async function freshDatabase(name: string, from: 'airline' | 'empty' = 'airline'): Promise<TestDatabase> {
  const id = `${name}_${randomBytes(3).toString('hex')}`
  const url = await createDatabase(stackFacts().postgres, id, from === 'airline' ? 'airline' : 'template1')
  return { database: id, url, topicPrefix: id, slot: `cdc_${id}`, publication: `cdc_${id}`, bucketPrefix: `test/${id}` }
}

/** Connectors of this test file. They poll a hundred times a second, so they go when the file is done: other files need the cores. */
const registered: ConnectorPlan[] = []
afterAll(async () => {
  await Promise.all(registered.map((plan) => deleteConnector(stackFacts().connect.url, plan).catch(() => undefined)))
})

/** Connects Debezium to tables (`schema.table`) of a test's database. Resolves when the snapshot is in Kafka. */
export async function registerConnector(
  database: TestDatabase,
  tables: readonly string[],
  overrides: Record<string, string> = {},
): Promise<{ plan: ConnectorPlan; config: ConnectorConfig }> {
  const plan = connectorPlan(database, tables, overrides)
  registered.push(plan)
  return { plan, config: await register(stackFacts().connect.url, plan) }
}

export function connectorPlan(
  database: TestDatabase,
  tables: readonly string[],
  overrides: Record<string, string> = {},
): ConnectorPlan {
  return { name: database.database, postgres: stackFacts().postgres, ...database, tables, overrides }
}

/** Runs statements on a connection of their own. */
export async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** Sluice's own door to the stack's Kafka. To be closed. */
export function openTestKafka(): KafkaDoor {
  return openReader(stackFacts().kafka.brokers)
}

/** kafkajs' admin client, one of the caller's own: what one knows of topics gets in the way of another. */
export async function withAdmin<T>(work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = new Kafka({ brokers: stackFacts().kafka.brokers, logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    return await work(admin)
  } finally {
    await admin.disconnect()
  }
}

export interface TopicRecord {
  partition: number
  offset: bigint
  key: unknown
  /** The parsed JSON; null for a tombstone. */
  value: unknown
}

/** All committed records of a topic, partition by partition. Empty when there is no such topic. */
export async function readTopic(topic: string): Promise<TopicRecord[]> {
  const kafka = openTestKafka()
  const signal = AbortSignal.timeout(60_000)
  const parsed = (text: Buffer | null): unknown => (text === null ? null : JSON.parse(text.toString()))
  const records: TopicRecord[] = []
  try {
    for await (const { key, value, ...place } of recordsOf(kafka, await kafka.describe(topic, signal), signal)) {
      records.push({ ...place, key: parsed(key), value: parsed(value) })
    }
    return records
  } finally {
    await kafka.close()
  }
}

/** Waits until the topic's committed records satisfy the test (at least one record unless given). Returns them. */
export async function waitForTopic(
  topic: string,
  enough: (records: TopicRecord[]) => boolean = (records) => records.length > 0,
  withinMs = 30_000,
): Promise<TopicRecord[]> {
  const deadline = Date.now() + withinMs
  for (;;) {
    const outcome = await readTopic(topic).catch((error: unknown) => error as Error)
    if (!(outcome instanceof Error) && enough(outcome)) return outcome
    if (Date.now() > deadline) {
      const seen = outcome instanceof Error ? outcome.message : `${outcome.length} records`
      throw new Error(`${topic} is not as expected after ${withinMs / 1000} s: ${seen}`)
    }
    await sleep(100)
  }
}
