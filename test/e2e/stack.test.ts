import { Connection } from '@temporalio/client'
import { ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { expect, test } from 'vitest'
import { startStack } from '../../scripts/stack/start.ts'
import {
  connectorPlan,
  deleteConnector,
  freshDatabase,
  openTestKafka,
  registerConnector,
  renderConnector,
  stackFacts,
  validateConnector,
  waitForTopic,
  withClient,
} from './harness.ts'

test('PostgreSQL answers and decodes logically', async () => {
  const { rows } = await withClient(stackFacts().postgres.url, (client) => client.query('SHOW wal_level'))
  expect(rows).toEqual([{ wal_level: 'logical' }])
})

test('the store keeps what is put into its bucket', async () => {
  const { endpoint, region, bucket, ...credentials } = stackFacts().s3
  const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true })
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'test/stack/hello', Body: 'hello' }))
  const { Contents } = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: 'test/stack/' }))
  expect(Contents).toMatchObject([{ Key: 'test/stack/hello', Size: 5 }])
  client.destroy()
})

test('Temporal answers and knows the three search attributes', async () => {
  const { address, namespace, uiUrl } = stackFacts().temporal
  const connection = await Connection.connect({ address })
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace })
  expect(Object.keys(customAttributes)).toEqual(expect.arrayContaining(['CdcTable', 'CdcHealth', 'CdcLagSeconds']))
  await connection.close()
  expect((await fetch(uiUrl)).status).toBe(200)
})

test('Connect offers the Debezium connector', async () => {
  const plugins = (await (await fetch(`${stackFacts().connect.url}/connector-plugins`)).json()) as {
    class: string
    version: string
  }[]
  expect(plugins).toContainEqual(
    expect.objectContaining({ class: 'io.debezium.connector.postgresql.PostgresConnector', version: '3.7.0.Final' }),
  )
})

test('a topic that nobody created does not come into being by asking for it', async () => {
  const kafka = openTestKafka()
  const ask = () => kafka.describe('nobody.made.this', AbortSignal.timeout(20_000))
  await expect(ask()).rejects.toThrow()
  await expect(ask()).rejects.toThrow()
  await kafka.close()
})

test('a table is snapshotted into three partitions and its next change follows with its schema', async () => {
  const database = await freshDatabase('envelope')
  const { plan, config } = await registerConnector(database, ['public.bookings'])
  const topic = `${database.topicPrefix}.public.bookings`
  const snapshot = await waitForTopic(topic, (records) => records.length >= 20_000)
  expect(snapshot).toHaveLength(20_000)
  expect(new Set(snapshot.map(({ partition }) => partition))).toEqual(new Set([0, 1, 2]))

  await withClient(database.url, (client) =>
    client.query("INSERT INTO bookings VALUES (20001, 7, 8, 123.40, NULL, '2026-11-25 10:00:00.123456+00', 'BOOKED')"),
  )
  const all = await waitForTopic(topic, (records) => records.length >= 20_001)
  const { key, value } = all.find((record) => (record.key as Envelope).payload['booking_id'] === 20_001)!
  expect((key as Envelope).payload).toEqual({ booking_id: 20_001 })
  expect((value as Envelope).payload).toMatchObject({
    op: 'c',
    before: null,
    after: {
      booking_id: 20_001,
      customer_id: 7,
      flight_id: 8,
      price: '123.40',
      seat: null,
      booked_at: '2026-11-25T10:00:00.123456Z',
      status: 'BOOKED',
    },
    source: { connector: 'postgresql', db: database.database, schema: 'public', table: 'bookings' },
    transaction: { total_order: 1 },
  })
  const price = fieldsOf(value as Envelope).find(({ field }) => field === 'price')
  expect(price?.parameters).toMatchObject({
    '__debezium.source.column.type': 'NUMERIC',
    '__debezium.source.column.length': '10',
    '__debezium.source.column.scale': '2',
  })
  expect(config['unavailable.value.placeholder']).toMatch(/^cdc-unavailable-[0-9a-f]{24}$/)

  await deleteConnector(stackFacts().connect.url, plan)
  const slots = await withClient(database.url, (client) =>
    client.query('SELECT slot_name FROM pg_replication_slots WHERE slot_name = $1', [plan.slot]),
  )
  expect(slots.rows).toEqual([])
})

test('validation names every wrong setting', async () => {
  const database = await freshDatabase('wrong', 'empty')
  const right = await renderConnector(connectorPlan(database, ['public.bookings']))
  const wrong = { ...right, 'decimal.handling.mode': 'exact', 'heartbeat.interval.ms': 'often' }
  const errors = await validateConnector(stackFacts().connect.url, wrong)
  expect(new Set(errors.map(({ setting }) => setting))).toEqual(new Set(['decimal.handling.mode', 'heartbeat.interval.ms']))
  expect(await validateConnector(stackFacts().connect.url, right)).toEqual([])
})

test('a part that is killed comes back with its data at its address', async () => {
  // A stack of its own: other tests use the common one at the same time.
  const stack = await startStack({ name: `comeback-${process.pid}`, parts: ['postgres'] })
  try {
    await withClient(stack.postgres.url, (client) => client.query('CREATE TABLE kept AS SELECT 42 AS answer'))
    const before = stack.pid('postgres')
    await stack.kill('postgres')
    await expect(withClient(stack.postgres.url, () => Promise.resolve())).rejects.toThrow()
    await stack.restart('postgres')
    expect(stack.pid('postgres')).not.toBe(before)
    const { rows } = await withClient(stack.postgres.url, (client) => client.query('SELECT answer FROM kept'))
    expect(rows).toEqual([{ answer: 42 }])
  } finally {
    await stack.stop()
  }
})

interface Field {
  field: string
  fields?: Field[]
  parameters?: Record<string, string>
}

interface Envelope {
  schema: { fields: Field[] }
  payload: Record<string, unknown>
}

function fieldsOf(value: Envelope): Field[] {
  return value.schema.fields.find(({ field }) => field === 'after')!.fields!
}
