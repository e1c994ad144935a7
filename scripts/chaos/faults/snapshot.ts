/**
 * Kafka Connect is killed in the middle of a snapshot: a table and a connector of its own, whose records go to the pipeline's topics.
 * Debezium then starts the snapshot over and sends its rows again: the log of changes has them more than once, the latest state
 * must not (docs/guarantees.md). So this fault is judged at once, by itself.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { latestState } from '../../query/latestState.ts'
import { whole } from '../../random.ts'
import { deleteConnector, registerConnector, type ConnectorPlan } from '../../stack/connector.ts'
import { openReader } from '../../topics/records.ts'
import { openLakeReader } from '../../verify/lakeReader.ts'
import { fault, NotStruck, patienceMs } from '../fault.ts'
import type { Stage } from '../stage.ts'

/** Several polls of the connector (max.batch.size 8192). */
const rows = 30_000
let count = 0

export const snapshotFaults = [
  fault({
    kind: 'connect.snapshot',
    lane: 'parts',
    what: 'Kafka Connect is killed in the middle of a snapshot, which starts over',
    draw: (random) => ({ downMs: whole(random, 0, 2000) }),
    tell: () => 'Kafka Connect is killed in the middle of the snapshot of one more table',
    async strike(stage, { downMs }) {
      const table = `archive_${++count}`
      const plan = connectorFor(stage, table)
      await makeTable(stage, table)
      try {
        const registering = registerConnector(stage.stack.connect.url, plan).catch(() => undefined)
        const sent = await firstRecords(stage, `${stage.name}.public.${table}`)
        await stage.kill('connect')
        await sleep(downMs)
        await stage.restart('connect')
        const restartedAt = Date.now()
        await registering
        await streaming(stage, plan)
        if (sent >= rows) throw new NotStruck('the snapshot was over')
        await stage.carriers.start(table)
        await change(stage, `UPDATE ${table} SET changes = changes + 1 WHERE id % 7 = 0`)
        judge(table, await settled(stage, table))
        return restartedAt
      } finally {
        await stage.carriers
          .handle(table)
          .terminate('the fault is over')
          .catch(() => undefined)
        await deleteConnector(stage.stack.connect.url, plan)
        await change(stage, `DROP TABLE ${table}`)
      }
    },
  }),
]

function connectorFor(stage: Stage, table: string): ConnectorPlan {
  const name = `${stage.name}_${table}`
  return {
    ...stage.connector,
    name,
    topicPrefix: name,
    slot: `cdc_${name}`,
    publication: `cdc_${name}`,
    tables: [`public.${table}`],
    overrides: {
      transforms: 'route',
      'transforms.route.type': 'org.apache.kafka.connect.transforms.RegexRouter',
      'transforms.route.regex': `${name}\\.public\\.(.*)`,
      'transforms.route.replacement': `${stage.name}.public.$1`,
    },
  }
}

/** Waits until the snapshot has gone through. Connect may not answer in time on a machine that has other things to do. */
async function streaming({ stack }: Stage, plan: ConnectorPlan): Promise<void> {
  for (const deadline = Date.now() + patienceMs; ; await sleep(1000)) {
    try {
      await registerConnector(stack.connect.url, plan, patienceMs)
      return
    } catch (error) {
      if (Date.now() > deadline) throw error
    }
  }
}

function makeTable(stage: Stage, table: string): Promise<void> {
  return change(
    stage,
    `CREATE TABLE ${table} (id bigint PRIMARY KEY, said text NOT NULL, changes integer NOT NULL DEFAULT 0);
     INSERT INTO ${table} (id, said) SELECT n, md5(n::text) FROM generate_series(1, ${rows}) n`,
  )
}

async function change(stage: Stage, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: stage.databaseUrl })
  client.on('error', () => undefined)
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end().catch(() => undefined)
  }
}

/** Waits until some of the snapshot can be read. Returns how much. */
async function firstRecords({ stack }: Stage, topic: string): Promise<number> {
  const kafka = openReader(stack.kafka.brokers)
  const signal = AbortSignal.timeout(patienceMs)
  try {
    for (;;) {
      const state = await kafka.describe(topic, signal).catch(() => null)
      const sent = (state?.partitions ?? []).reduce((sum, { stable }) => sum + Number(stable), 0)
      if (sent > 0) return sent
      signal.throwIfAborted()
      await sleep(30)
    }
  } finally {
    await kafka.close()
  }
}

/** What the lake shows once the change that was made last has arrived: all before it has, too. The store may be away meanwhile. */
async function settled(stage: Stage, table: string): Promise<Seen> {
  const deadline = Date.now() + patienceMs
  for (;;) {
    await stage.carriers
      .handle(table)
      .executeUpdate('flush')
      .catch(() => undefined)
    const seen = await read(stage, table).catch(() => null)
    if (seen?.changed === Math.floor(rows / 7)) return seen
    if (Date.now() > deadline) throw new Error(`${table} has not arrived in the lake`)
    await sleep(500)
  }
}

function judge(table: string, { count, keys, wrong, twice }: Seen): void {
  if (count === rows && keys === rows && wrong === 0 && twice === 0) return
  throw new Error(
    `${table} after an interrupted snapshot: ${count} rows and ${keys} keys instead of ${rows}, ${wrong} wrong, ${twice} offsets twice`,
  )
}

interface Seen {
  readonly count: number
  readonly keys: number
  readonly changed: number
  readonly wrong: number
  readonly twice: number
}

async function read(stage: Stage, table: string): Promise<Seen> {
  const lake = await openLakeReader(stage.stack.s3)
  try {
    const root = `s3://${stage.stack.s3.bucket}/${stage.lakePrefix}/${stage.rootOf(table)}`
    await lake.run(`CREATE TEMP TABLE changes AS SELECT * FROM delta_scan('${root}')`)
    const columns = await lake.rows('DESCRIBE changes')
    const named = columns.map((row) => ({ name: row['column_name']!, type: row['column_type']! }))
    const [found] =
      await lake.rows(`SELECT count(*) AS count, count(DISTINCT id) AS keys, count(*) FILTER (changes > 0) AS changed,
      count(*) FILTER (said <> md5(CAST(id AS VARCHAR)) OR changes <> CASE WHEN id % 7 = 0 THEN 1 ELSE 0 END) AS wrong,
      (SELECT count(*) - count(DISTINCT (__kafka_partition, __kafka_offset)) FROM changes) AS twice
      FROM (${latestState('changes', named, ['id'])})`)
    return {
      count: Number(found!['count']),
      keys: Number(found!['keys']),
      changed: Number(found!['changed']),
      wrong: Number(found!['wrong']),
      twice: Number(found!['twice']),
    }
  } finally {
    lake.close()
  }
}
