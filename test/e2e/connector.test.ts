/** Settings of the shipped profile (docs/connector.md) by what the real connector does under them; where rows are needed to see it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { drainDatabase } from '../../scripts/demo/drain.ts'
import { waitUntilRunning } from '../../scripts/stack/connector.ts'
import { openLakeReader, type LakeReader } from '../../scripts/verify/lakeReader.ts'
import { latestState } from '../../scripts/query/latestState.ts'
import { commandLine } from './commandLine.ts'
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
import { openLane, until, type Lane } from './lane.ts'

let calm: TestDatabase
let strict: TestDatabase
let lane: Lane
let lake: LakeReader

const large = `(SELECT array_agg((i || '.5')::numeric) FROM generate_series(1, 3000) i)`

beforeAll(async () => {
  ;[calm, strict] = await Promise.all([freshDatabase('profile', 'empty'), freshDatabase('strict', 'empty')])
  await sql(
    calm,
    `CREATE TABLE things (id integer PRIMARY KEY, price numeric(8, 2) DEFAULT 1.50, large text, place pg_lsn);
     CREATE TABLE unlisted (id integer PRIMARY KEY)`,
  )
  await sql(
    strict,
    `CREATE TABLE lists (id integer PRIMARY KEY, n integer, amounts numeric[]); ALTER TABLE lists ALTER amounts SET STORAGE EXTERNAL;
     INSERT INTO lists SELECT i, 0, ${large} FROM generate_series(1, 3) i`,
  )
  await Promise.all([registerConnector(calm, ['public.things']), registerConnector(strict, ['public.lists'])])
  lane = await openLane({ database: strict, atRest: Promise.resolve() }, 'profile')
  ;[lake] = await Promise.all([openLakeReader(stackFacts().s3), lane.worker()])
})
afterAll(async () => {
  lake.close()
  await lane.close()
})

async function sql(database: TestDatabase, text: string): Promise<Record<string, unknown>[]> {
  return await withClient(database.url, async (client) => (await client.query<Record<string, unknown>>(text)).rows)
}

async function connect(method: string, path: string, body?: object): Promise<string> {
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${stackFacts().connect.url}/connectors/${path}`, {
    method,
    ...(body && { body: JSON.stringify(body), headers }),
  })
  return await answer.text()
}

/** The trace of a task that has failed. */
async function failureOf({ database }: TestDatabase): Promise<string> {
  let trace = ''
  await until(async () => {
    const { tasks } = JSON.parse(await connect('GET', `${database}/status`)) as { tasks: { state: string; trace?: string }[] }
    trace = tasks.find(({ state }) => state === 'FAILED')?.trace ?? ''
    return trace !== ''
  }, 60_000)
  return trace
}

async function stopped(database: TestDatabase): Promise<void> {
  await connect('PUT', `${database.database}/stop`)
  await until(
    async () =>
      (await sql(database, `SELECT active FROM pg_replication_slots WHERE slot_name = '${database.slot}'`))[0]!['active'] ===
      false,
    60_000,
  )
}

/** The rows of `things` as they were sent, by id. */
async function sent(id: number): Promise<Record<string, unknown>> {
  const after = ({ value }: { value: unknown }) =>
    (value as { payload: { after: Record<string, unknown> | null } } | null)?.payload.after
  const records = await waitForTopic(
    `${calm.topicPrefix}.public.things`,
    (found) => found.some((each) => after(each)?.['id'] === id),
    60_000,
  )
  return after(records.find((each) => after(each)?.['id'] === id)!)!
}

describe('the connector', () => {
  test('reads by a slot that follows to a standby, of a publication of the listed tables and its own', async () => {
    const slots = await sql(calm, `SELECT plugin, failover FROM pg_replication_slots WHERE slot_name = '${calm.slot}'`)
    expect(slots).toEqual([{ plugin: 'pgoutput', failover: true }])
    const published = `SELECT schemaname || '.' || tablename AS name FROM pg_publication_tables WHERE pubname = '${calm.publication}' ORDER BY 1`
    expect(await sql(calm, published)).toEqual(['cdc.heartbeat', 'cdc.signal', 'public.things'].map((name) => ({ name })))
  })

  test('sends NULL where a row has NULL, whatever the default, and leaves out a column that it cannot name', async () => {
    await sql(calm, `INSERT INTO things VALUES (1, NULL, 'x', '0/1')`)
    expect(await sent(1)).toEqual({ id: 1, price: null, large: 'x' })
  })

  test('sends rows of five megabytes', async () => {
    await sql(calm, `INSERT INTO things (id, large) SELECT 2, string_agg(md5(i::text), '') FROM generate_series(1, 160000) i`)
    expect(String((await sent(2))['large'])).toHaveLength(5_120_000)
  })

  test('makes topics of three partitions for tables and of one for what is none, none of them compacted', async () => {
    await sql(
      calm,
      `INSERT INTO cdc.signal VALUES ('nothing', 'log', '{"message": "hello"}'); SELECT pg_logical_emit_message(true, 'a', 'b')`,
    )
    const service = ['cdc.signal', 'cdc.heartbeat', 'transaction', 'message'].map((name) => `${calm.topicPrefix}.${name}`)
    for (const topic of service) await waitForTopic(topic)
    await withAdmin(async (admin) => {
      const things = `${calm.topicPrefix}.public.things`
      const { topics } = await admin.fetchTopicMetadata({ topics: [things, ...service] })
      const partitions = new Map(topics.map((each) => [each.name, each.partitions.length]))
      expect([things, ...service].map((name) => partitions.get(name))).toEqual([3, 1, 1, 1, 1])
      const configNames = ['cleanup.policy', 'max.message.bytes']
      const asked = [things, ...service].map((name) => ({ type: 2, name, configNames }))
      const { resources } = await admin.describeConfigs({ includeSynonyms: false, resources: asked })
      const settings = new Map(
        resources.flatMap(({ resourceName, configEntries }) =>
          configEntries.map(({ configName, configValue }) => [`${resourceName} ${configName}`, configValue] as const),
        ),
      )
      for (const name of [things, ...service]) expect(settings.get(`${name} cleanup.policy`)).toBe('delete')
      expect(settings.get(`${things} max.message.bytes`)).toBe('16777216')
    })
  })

  test('moves its slot on although nothing happens in the listed tables', async () => {
    const at = `SELECT pg_current_wal_insert_lsn() AS lsn`
    await sql(calm, 'INSERT INTO unlisted SELECT i FROM generate_series(1, 1000) i')
    const [{ lsn }] = (await sql(calm, at)) as [{ lsn: string }]
    await until(async () => {
      const reached = `SELECT confirmed_flush_lsn >= '${lsn}' AS done FROM pg_replication_slots WHERE slot_name = '${calm.slot}'`
      return (await sql(calm, reached))[0]!['done'] === true
    }, 60_000)
  })

  test('fails where its slot was made anew, instead of leaving a gap', async () => {
    await stopped(calm)
    await sql(calm, `SELECT pg_drop_replication_slot('${calm.slot}'); INSERT INTO things (id) VALUES (3)`)
    await sql(calm, `SELECT pg_create_logical_replication_slot('${calm.slot}', 'pgoutput', false, false, true)`)
    await connect('PUT', `${calm.database}/resume`)
    expect(await failureOf(calm)).toContain('no longer available on the server')
    expect(await readTopic(`${calm.topicPrefix}.public.things`)).toHaveLength(2)
  })

  test(
    'stops at a value that it has no placeholder for, and goes on by what docs/connector.md says, with nothing lost',
    { timeout: 400_000 },
    async () => {
      const handle = await lane.carry('lists')
      await sql(strict, `UPDATE lists SET n = 1 WHERE id = 2`)
      expect(await failureOf(strict)).toContain(`Failed to properly convert data value for 'public.lists.amounts'`)
      const topic = `${strict.topicPrefix}.public.lists`
      expect(await readTopic(topic)).toHaveLength(3)

      await sql(strict, 'ALTER TABLE lists REPLICA IDENTITY FULL; UPDATE lists SET n = 2 WHERE id = 3')
      const { config } = JSON.parse(await connect('GET', strict.database)) as { config: Record<string, string> }
      const setting = 'event.converting.failure.handling.mode'
      for (const mode of ['warn', 'fail']) {
        await connect('PUT', `${strict.database}/config`, { ...config, [setting]: mode })
        // The former task's failure may stand for a moment yet.
        await until(() => waitUntilRunning(stackFacts().connect.url, strict.database).then(() => true), 60_000)
        await waitForTopic(topic, (found) => found.length >= 5, 90_000)
      }
      const said = await commandLine(strict, lane).json('backfill', 'lists', '--where', 'id = 2')
      expect(said).toMatchObject({ exit: 0, rows: 1 })
      await withClient(strict.url, drainDatabase)
      await handle.executeUpdate('flush')
      const from = `delta_scan('${lane.rootOf('lists')}')`
      const columns = (await lake.rows(`DESCRIBE SELECT * FROM ${from}`)).map((row) => ({
        name: row['column_name']!,
        type: row['column_type']!,
      }))
      const found = await lake.rows(
        `SELECT id, n, len(amounts) AS amounts FROM (${latestState(from, columns, ['id'])}) ORDER BY id`,
      )
      expect(found).toEqual(
        await sql(strict, 'SELECT id::text, n::text, cardinality(amounts)::text AS amounts FROM lists ORDER BY lists.id'),
      )
    },
  )
})
