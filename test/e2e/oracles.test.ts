/** The oracles of chaos over a real lake: silent while it is right, and not when somebody has put his hand to it. */
import type { WorkflowHandle } from '@temporalio/client'
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { prepareLoad, startLoad } from '../../scripts/chaos/load/load.ts'
import { judge } from '../../scripts/chaos/oracles/judge.ts'
import type { Evidence, Judgement, RunHistory } from '../../scripts/chaos/story.ts'
import { drainDatabase } from '../../scripts/demo/drain.ts'
import { openLakeReader, type LakeReader } from '../../scripts/verify/lakeReader.ts'
import { logKey } from '../../src/core/keys.ts'
import { s3Store, type S3Store } from '../../src/lake/s3.ts'
import { freshDatabase, registerConnector, stackFacts, withClient } from './harness.ts'
import { openLane, type Lane } from './lane.ts'

let lane: Lane
let reader: LakeReader
let store: S3Store
let evidence: Evidence

beforeAll(async () => {
  const { kafka, s3 } = stackFacts()
  const database = await freshDatabase('oracles', 'empty')
  const tables = await prepareLoad(database.url)
  const { config } = await registerConnector(
    database,
    tables.map(({ table }) => `public.${table}`),
  )
  lane = await openLane({ database, atRest: Promise.resolve() }, 'oracles')
  await lane.worker({ CDC_PLACEHOLDER: config['unavailable.value.placeholder']! })
  const handles = await Promise.all(tables.map(({ table }) => lane.carry(table)))
  const load = startLoad(database.url, { seed: 5, signal: new AbortController().signal })
  await sleep(10_000)
  const facts = await load.settled()
  await withClient(database.url, drainDatabase)
  await Promise.all(handles.map((handle) => handle.executeUpdate('flush')))
  reader = await openLakeReader(s3)
  const { bucket, endpoint, region, accessKeyId, secretAccessKey } = s3
  const credentials = { accessKeyId, secretAccessKey }
  store = s3Store({ bucket, prefix: '', endpoint, region, credentials, forcePathStyle: true })
  const roots = new Map(tables.map(({ table }) => [table, lane.rootOf(table)]))
  evidence = {
    databaseUrl: database.url,
    reader,
    roots,
    kafka,
    topicPrefix: database.topicPrefix,
    tables,
    facts,
    histories: histories(handles),
  }
}, 240_000)
afterAll(async () => {
  reader.close()
  store.close()
  await lane.close()
})

async function* histories(handles: readonly WorkflowHandle[]): AsyncIterable<RunHistory> {
  for (const handle of handles)
    yield { workflowId: handle.workflowId, runId: 'the last', json: historyToJSON(await handle.fetchHistory()) }
}

const flawless = {
  duplicates: 0,
  missing: 0,
  outOfOrder: 0,
  stateDiffers: 0,
  unaccounted: 0,
  wrongSums: 0,
  tellingRuns: 0,
  violations: [],
}

const only = (table: string): Evidence => ({ ...evidence, tables: evidence.tables.filter((each) => each.table === table) })

function said({ violations }: Judgement): string {
  return violations.join('\n')
}

test('a lake that carried everything is found without a flaw, transactions and all', async () => {
  const judgement = await judge(evidence)
  expect(judgement).toMatchObject(flawless)
  expect(judgement.rows).toBeGreaterThan(evidence.facts.rows)
  expect(judgement.boundaries).toBeGreaterThan(5)
})

test('a number that a writer remembers and the lake does not have is missed', async () => {
  const writers = evidence.facts.writers.map((each) => (each.writer === 2 ? { ...each, committed: each.committed + 1 } : each))
  const judgement = await judge({ ...only('numbered'), facts: { ...evidence.facts, writers } })
  expect(judgement).toMatchObject({ missing: 2, duplicates: 0 })
  expect(said(judgement)).toContain('of writer 2 was committed and is not in the lake')
})

test('a copy of a file is seen by who globs, and by all once the log names it', async () => {
  const root = lane.rootOf('accounts').replace(/^s3:\/\/[^/]+\//, '')
  const files: string[] = []
  let version = -1
  for await (const { key } of store.list(`${root}/`)) {
    if (key.endsWith('.parquet')) files.push(key)
    else if (key.endsWith('.json')) version++
  }
  const [file] = files
  const copy = file!.replace('.parquet', '-copy.parquet')
  await store.putIfAbsent(copy, (await store.get(file!))!)
  const globbed = await judge(only('accounts'))
  expect(globbed.duplicates).toBeGreaterThan(0)
  expect(said(globbed)).toContain('accounts by glob')
  expect(said(globbed)).not.toContain('accounts by Delta')
  expect(said(globbed)).toContain('no entry names the file')

  let add = ''
  for (let at = 0; at <= version; at++) {
    const lines = Buffer.from((await store.get(`${root}/${logKey(at)}`))!)
      .toString()
      .split('\n')
    add = lines.find((line) => line.includes(file!.slice(root.length + 1)) && line.startsWith('{"add"')) ?? add
  }
  await store.putIfAbsent(`${root}/${logKey(version + 1)}`, Buffer.from(`${add.replace('.parquet', '-copy.parquet')}\n`))
  const named = await judge(only('accounts'))
  expect(said(named)).toContain('accounts by Delta')
  expect(said(named)).toMatch(/overlaps the range up to \d+/)
})

test('a change that Kafka has and the lake has not is missing, and its record in no range', async () => {
  await lane.close()
  await withClient(evidence.databaseUrl, (client) => client.query(`UPDATE documents SET n = n + 1 WHERE document = 1`))
  await withClient(evidence.databaseUrl, drainDatabase)
  const judgement = await judge(only('documents'))
  expect(judgement).toMatchObject({ missing: 1, stateDiffers: 2 })
  expect(said(judgement)).toContain('1 records of Kafka lie in no range')
})
