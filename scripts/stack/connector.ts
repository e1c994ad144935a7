import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { PostgresFacts } from './postgres.ts'

/** What makes one connector differ from the next. Everything else stands in docker/connect/sluice-source.json. */
export interface ConnectorPlan {
  /** Connect's name for it. */
  name: string
  postgres: Pick<PostgresFacts, 'host' | 'port' | 'user' | 'password'>
  database: string
  topicPrefix: string
  slot: string
  publication: string
  /** Tables as `schema.table`. The connector's own, for the heartbeat and for signals, are added. */
  tables: readonly string[]
  /** What Debezium sends for a large value that did not change; random unless given. */
  unavailablePlaceholder?: string
  /** Settings that differ from the profile. */
  overrides?: Record<string, string>
}

export type ConnectorConfig = Record<string, string>

/** A setting that Connect or Debezium refuses, in its own words. */
export interface ConfigError {
  setting: string
  message: string
}

/** What the profile's heartbeat and signals are written to; docker/postgres/init.sql makes the same. */
const ownTables = `CREATE SCHEMA IF NOT EXISTS cdc;
  CREATE TABLE IF NOT EXISTS cdc.heartbeat (id integer PRIMARY KEY, beat_at timestamptz NOT NULL);
  CREATE TABLE IF NOT EXISTS cdc.signal (id text PRIMARY KEY, type text NOT NULL, data text)`

const profile = new URL('../../docker/connect/sluice-source.json', import.meta.url)

/** The whole configuration of a connector. */
export async function renderConnector(plan: ConnectorPlan): Promise<ConnectorConfig> {
  const tables = [...plan.tables, 'cdc.heartbeat', 'cdc.signal'].map((table) => table.replaceAll(/[^\w]/g, '\\$&'))
  const facts: Record<string, string> = {
    databaseHost: plan.postgres.host,
    databasePort: String(plan.postgres.port),
    databaseUser: plan.postgres.user,
    databasePassword: plan.postgres.password,
    database: plan.database,
    topicPrefix: plan.topicPrefix,
    slot: plan.slot,
    publication: plan.publication,
    tables: tables.join(','),
    unavailablePlaceholder: plan.unavailablePlaceholder ?? `cdc-unavailable-${randomBytes(12).toString('hex')}`,
  }
  const settings = JSON.parse(await readFile(profile, 'utf8')) as ConnectorConfig
  for (const [setting, text] of Object.entries(settings)) {
    settings[setting] = text.replaceAll(/\$\{(\w+)\}/g, (_all, name: string) => {
      const fact = facts[name]
      if (fact === undefined) throw new Error(`sluice-source.json: ${setting} asks for the unknown \${${name}}`)
      return fact
    })
  }
  return { ...settings, ...plan.overrides }
}

/** Asks Connect to check a configuration, the database's reachability included. Empty when all is well. */
export async function validateConnector(connectUrl: string, config: ConnectorConfig): Promise<ConfigError[]> {
  const plugin = config['connector.class']!
  const answer = (await call(connectUrl, 'PUT', `/connector-plugins/${plugin}/config/validate`, {
    name: 'validation',
    ...config,
  })) as { configs: { value: { name: string; errors: string[] } }[] }
  // Debezium reports some errors twice.
  return answer.configs.flatMap(({ value }) => [...new Set(value.errors)].map((message) => ({ setting: value.name, message })))
}

/**
 * Creates the connector or changes it, and waits until its task runs and the snapshot is in Kafka. Throws a list
 * of all refused settings, or the task's own failure.
 */
export async function registerConnector(connectUrl: string, plan: ConnectorPlan, withinMs = 150_000): Promise<ConnectorConfig> {
  await withDatabase(plan, (client) => client.query(ownTables))
  const config = await renderConnector(plan)
  const errors = await validateConnector(connectUrl, config)
  if (errors.length > 0) {
    const list = errors.map(({ setting, message }) => `  ${setting}: ${message}`).join('\n')
    throw new Error(`the connector ${plan.name} is not valid:\n${list}`)
  }
  await call(connectUrl, 'PUT', `/connectors/${plan.name}/config`, config)
  await waitUntilRunning(connectUrl, plan.name, withinMs)
  await waitUntilStreaming(connectUrl, plan, config, withinMs)
  return config
}

/** Waits until connector and task are RUNNING. A failed task's trace is the error. */
export async function waitUntilRunning(connectUrl: string, name: string, withinMs = 150_000): Promise<void> {
  const deadline = Date.now() + withinMs
  for (;;) {
    const status = (await call(connectUrl, 'GET', `/connectors/${name}/status`).catch(() => undefined)) as Status | undefined
    const states = [status?.connector, ...(status?.tasks ?? [])]
    const failed = states.find((each) => each?.state === 'FAILED')
    if (failed) throw new Error(`the connector ${name} failed:\n${failed.trace ?? '(no trace)'}`)
    if (status && status.tasks.length > 0 && states.every((each) => each?.state === 'RUNNING')) return
    if (Date.now() > deadline) throw new Error(`the connector ${name} does not run after ${withinMs / 1000} s`)
    await sleep(50)
  }
}

interface Status {
  connector: { state: string; trace?: string }
  tasks: { state: string; trace?: string }[]
}

/**
 * Waits until the initial snapshot is in Kafka and the connector follows the log. Its committed offset says so: `snapshot`
 * stands in it until the first change after the snapshot, and the heartbeat's table gives it one to see.
 */
async function waitUntilStreaming(
  connectUrl: string,
  plan: ConnectorPlan,
  config: ConnectorConfig,
  withinMs: number,
): Promise<void> {
  const deadline = Date.now() + withinMs
  const beat = config['heartbeat.action.query']!
  await withDatabase(plan, async (client) => {
    for (;;) {
      await client.query(beat)
      const { offsets } = (await call(connectUrl, 'GET', `/connectors/${plan.name}/offsets`)) as Offsets
      if (offsets[0] && !('snapshot' in offsets[0].offset)) return
      if (Date.now() > deadline) {
        await waitUntilRunning(connectUrl, plan.name, 0)
        throw new Error(`the connector ${plan.name} has not ended its snapshot after ${withinMs / 1000} s`)
      }
      await sleep(200)
    }
  })
}

interface Offsets {
  offsets: { offset: Record<string, unknown> }[]
}

/** Deletes the connector, then its slot and publication: Debezium leaves them, and a slot that nobody reads keeps WAL. */
export async function deleteConnector(connectUrl: string, plan: ConnectorPlan): Promise<void> {
  await call(connectUrl, 'DELETE', `/connectors/${plan.name}`).catch((error: unknown) => {
    if (!/ 404/.test(String(error))) throw error
  })
  await withDatabase(plan, async (client) => {
    const deadline = Date.now() + 60_000
    for (;;) {
      const { rows } = await client.query<{ active: boolean }>('SELECT active FROM pg_replication_slots WHERE slot_name = $1', [
        plan.slot,
      ])
      if (!rows[0]) break
      if (!rows[0].active) {
        await client.query('SELECT pg_drop_replication_slot($1)', [plan.slot])
        break
      }
      if (Date.now() > deadline) throw new Error(`the slot ${plan.slot} is still being read`)
      await sleep(50)
    }
    await client.query(`DROP PUBLICATION IF EXISTS ${client.escapeIdentifier(plan.publication)}`)
  })
}

async function withDatabase<T>(plan: ConnectorPlan, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ ...plan.postgres, database: plan.database })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** One request to Connect. While the worker rebalances it answers 409: that is only asked again. */
async function call(connectUrl: string, method: string, path: string, body?: object): Promise<unknown> {
  const deadline = Date.now() + 30_000
  for (;;) {
    const response = await fetch(connectUrl + path, {
      method,
      ...(body ? { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } } : {}),
      signal: AbortSignal.timeout(60_000),
    })
    const text = await response.text()
    if (response.ok) return text ? JSON.parse(text) : undefined
    if (response.status !== 409 || Date.now() > deadline) {
      throw new Error(`Kafka Connect answers ${method} ${path} with ${response.status}: ${text.slice(0, 2000)}`)
    }
    await sleep(200)
  }
}
