import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { loadConfig, redacted, type Config } from '../../../src/config/config.ts'
import { variables } from '../../../src/config/environment.ts'
import { tablesJsonSchema } from '../../../src/config/schema.ts'
import { resolveTable } from '../../../src/config/tables.ts'
import { CdcFailure } from '../../../src/core/failures.ts'

const enough = {
  CDC_TOPIC_PREFIX: 'air',
  CDC_DATABASE: 'airline',
  CDC_LAKE_URL: 's3://lake/root',
  CDC_KAFKA_BROKERS: 'a:9092, b:9092',
}

function load(env: Record<string, string>, files: Record<string, string> = {}): Config {
  return loadConfig(env, {
    readFile(path) {
      const text = files[path]
      if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
      return text
    },
  })
}

function problems(env: Record<string, string>, files: Record<string, string> = {}): { path: string; expected: string }[] {
  try {
    load(env, files)
  } catch (error) {
    expect(error).toBeInstanceOf(CdcFailure)
    const failure = error as CdcFailure
    expect(failure.code).toBe('CDC1002')
    const list = failure.details['problems'] as { path: string; expected: string }[]
    for (const { path, expected } of list) expect(failure.message).toContain(`${path}: ${expected}`)
    return list
  }
  return []
}

describe('loading', () => {
  test('the environment alone is enough', () => {
    const config = load(enough)
    expect(config.kafka.brokers).toEqual(['a:9092', 'b:9092'])
    expect(config.pipeline).toEqual({ name: 'air', topicPrefix: 'air', database: 'airline', defaultSchema: 'public' })
    expect(config.limits).toEqual({ maxRows: 100_000, maxBytes: 64_000_000, maxAgeMs: 650, idleWaitMs: 120_000 })
    expect(config.kafka.group).toBe('cdc-air')
    expect(config.temporal).toEqual({ taskQueue: 'cdc', searchAttributes: false, batchesPerRun: 200 })
  })

  test('the file alone is enough, and the environment stands over it', () => {
    const file = `
pipeline: {name: p, topicPrefix: air, database: airline, defaultSchema: sales}
lake: {url: 'file:///tmp/lake'}
kafka: {brokers: ['k:9092']}
defaults: {batch: {maxAge: 5s, maxRows: 10, maxBytes: 1MiB}, idleWait: 1min}
`
    expect(load({}, { 'tables.yaml': file }).limits).toEqual({
      maxRows: 10,
      maxBytes: 1_048_576,
      maxAgeMs: 5000,
      idleWaitMs: 60_000,
    })
    const config = load({ CDC_CONFIG: 'x.yaml', CDC_BATCH_MAX_ROWS: '7', CDC_LAKE_URL: 's3://lake' }, { 'x.yaml': file })
    expect(config.limits).toMatchObject({ maxRows: 7, maxAgeMs: 5000 })
    expect(config.lake.url).toBe('s3://lake')
  })

  test('every problem is listed at once, with its path and what is expected', () => {
    const file = `
pipeline: {topicPrefix: air}
lake: {url: 'ftp://x', endpoint: nonsense, colour: red}
kafka: {brokers: [nonsense], sasl: {mechanism: gssapi, username: u, password: '\${env:ABSENT}'}}
defaults: {batch: {maxAge: soon, maxRows: 0}}
tables:
  public.flights: {columns: [{name: id, type: int8, width: 3}]}
nonsense: 1
`
    const found = problems({ CDC_NOTHING: '1', CDC_SEARCH_ATTRIBUTES: 'perhaps' }, { 'tables.yaml': file })
    expect(found.map((p) => p.path).sort()).toEqual(
      [
        'CDC_NOTHING',
        'defaults.batch.maxAge (CDC_BATCH_MAX_AGE)',
        'defaults.batch.maxRows (CDC_BATCH_MAX_ROWS)',
        'kafka.brokers.0',
        'kafka.sasl.mechanism (CDC_KAFKA_SASL_MECHANISM)',
        'kafka.sasl.password',
        'lake.colour',
        'lake.endpoint (CDC_LAKE_ENDPOINT)',
        'lake.url (CDC_LAKE_URL)',
        'nonsense',
        'pipeline.database (CDC_DATABASE)',
        'tables.public.flights.columns.0.width',
        'temporal.searchAttributes (CDC_SEARCH_ATTRIBUTES)',
      ].sort(),
    )
    const by = new Map(found.map((p) => [p.path, p.expected]))
    expect(by.get('lake.colour')).toMatch(/^unknown; known are url, endpoint, /)
    expect(by.get('tables.public.flights.columns.0.width')).toBe('unknown; known are name, type')
    expect(by.get('lake.url (CDC_LAKE_URL)')).toContain('s3://bucket/prefix')
  })

  test('a file that is named must exist, and broken YAML is told by its line', () => {
    expect(problems({ ...enough, CDC_CONFIG: 'gone.yaml' })).toEqual([{ path: 'gone.yaml', expected: 'this file to exist' }])
    const broken = problems(enough, { 'tables.yaml': 'tables:\n  a: [1\n' })
    expect(broken[0]?.path).toMatch(/^tables.yaml line \d+$/)
    expect(problems(enough, { 'tables.yaml': '- 1' })[0]?.expected).toContain('a mapping')
  })

  test('the config is frozen to its last part', () => {
    const config = load(enough)
    expect(() => Object.assign(config.limits, { maxRows: 1 })).toThrow(TypeError)
    expect(() => config.kafka.brokers.push('x:1')).toThrow(TypeError)
  })

  test('each variable has a place that the schema knows', () => {
    const schema = tablesJsonSchema() as { properties: Record<string, Shape> }
    for (const [variable, path] of variables) expect(placeOf(schema, path.split('.')), variable).toBe(true)
  })
})

interface Shape {
  properties?: Record<string, Shape>
  anyOf?: Shape[]
}

function placeOf(schema: Shape, path: readonly string[]): boolean {
  const [first, ...rest] = path
  if (first === undefined) return true
  const next = schema.properties?.[first]
  return next ? placeOf(next, rest) : (schema.anyOf ?? []).some((one) => placeOf(one, path))
}

describe('secrets', () => {
  const secret = 'swordfish-4711'

  test('come by reference to the environment or to files, and are never printed', () => {
    const file = `
lake: {credentials: {accessKeyId: '\${env:KEY}', secretAccessKey: '\${file:/run/secret}'}}
kafka: {sasl: {mechanism: plain, username: u, password: '\${env:PASSWORD}'}, tls: {key: '\${file:/run/secret}'}}
`
    const env = { ...enough, KEY: secret, PASSWORD: secret }
    const config = load(env, { 'tables.yaml': file, '/run/secret': `${secret}\n` })
    expect(config.lake.credentials).toEqual({ accessKeyId: secret, secretAccessKey: secret })
    expect(config.kafka.sasl?.password).toBe(secret)
    const shown = JSON.stringify(redacted(config))
    expect(shown).not.toContain(secret)
    expect(shown).toContain('"username":"u"')
  })

  test('do not show in problems', () => {
    const env = { ...enough, CDC_KAFKA_SASL_PASSWORD: `${secret}\${what}`, CDC_KAFKA_SASL_MECHANISM: secret }
    expect(JSON.stringify(problems(env))).not.toContain(secret)
  })
})

describe('a table', () => {
  const config = load(enough, {
    'tables.yaml': `
tables:
  flights: {batch: {maxRows: 5}}
  sales.orders: {columns: [{name: id, type: bigint}], key: [id], batch: {maxAge: 3s}}
  empty:
`,
  })

  test('is known by its short and its full name', () => {
    expect(resolveTable(config, 'flights')).toEqual(resolveTable(config, 'public.flights'))
    expect(resolveTable(config, 'flights')).toMatchObject({
      name: 'public.flights',
      topic: 'air.public.flights',
      root: 'airline/public/flights',
      limits: { maxRows: 5, maxAgeMs: 650 },
      columns: null,
    })
    expect(resolveTable(config, 'sales.orders')).toMatchObject({
      columns: [{ name: 'id', type: 'bigint' }],
      key: ['id'],
      limits: { maxAgeMs: 3000, maxRows: 100_000 },
    })
    expect(resolveTable(config, 'empty').limits).toEqual(config.limits)
    expect(resolveTable(config, 'constructor').columns).toBe(null)
  })

  test('with an odd name gets the topic that Debezium gives it and a safe folder', () => {
    const odd = ['a/b', '../x', '"; DROP', '_hidden', '.', 'Ünï', 'a b', '😀', '__proto__', 'x'.repeat(63)]
    expect(odd.map((name) => [resolveTable(config, `s.${name}`).topic, resolveTable(config, `s.${name}`).root])).toEqual([
      ['air.s.a_b', 'airline/s/a!2Fb'],
      ['air.s..._x', 'airline/s/!2E.!2Fx'],
      ['air.s.___DROP', 'airline/s/!22!3B!20DROP'],
      ['air.s._hidden', 'airline/s/!5Fhidden'],
      ['air.s..', 'airline/s/!2E'],
      ['air.s._n_', 'airline/s/!C3!9Cn!C3!AF'],
      ['air.s.a_b', 'airline/s/a!20b'],
      ['air.s.__', 'airline/s/!F0!9F!98!80'],
      ['air.s.__proto__', 'airline/s/!5F_proto__'],
      [`air.s.${'x'.repeat(63)}`, `airline/s/${'x'.repeat(63)}`],
    ])
  })

  test('that is a topic of the connector is refused, unless an entry says that it is a table', () => {
    for (const name of ['__debezium-heartbeat.air', 'air.transaction', 'air.message']) {
      expect(() => resolveTable(config, name), name).toThrow(/^CDC1001 .*topic of the connector/)
    }
    for (const name of ['transaction', 'message', 'air.flights', 'cdc.heartbeat']) {
      expect(resolveTable(config, name).topic).toMatch(/^air\.(public|air|cdc)\./)
    }
    const entered = load(enough, { 'tables.yaml': 'tables: {air.message: {}}' })
    expect(resolveTable(entered, 'air.message').topic).toBe('air.air.message')
  })

  test('that PostgreSQL could not have is refused', () => {
    for (const name of ['', 'a.', '.b', 'a\nb', 'x'.repeat(64)]) {
      expect(() => resolveTable(config, name), name).toThrow(/^CDC1001/)
    }
  })
})

test('tables.schema.json is what the schema says now', () => {
  const committed = JSON.parse(readFileSync(new URL('../../../tables.schema.json', import.meta.url), 'utf8')) as unknown
  expect(committed, 'run: npx tsx scripts/tables-schema.ts').toEqual(tablesJsonSchema())
})
