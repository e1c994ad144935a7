/** What the faults act upon: the real parts, workers behind a proxy to the store, tables under load, and the lake as seen from outside. */
import { Client, Connection } from '@temporalio/client'
import { tableRoot } from '../../src/core/names.ts'
import { s3Store, type S3Store } from '../../src/lake/s3.ts'
import { createDatabase } from '../stack/airline.ts'
import { type ConnectorPlan, deleteConnector, registerConnector } from '../stack/connector.ts'
import { killPart, partRecord, restartPart } from '../stack/parts.ts'
import type { PartName, StackFacts } from '../stack/start.ts'
import type { TableKey } from '../verify/journal.ts'
import { openCrew, type Crew } from './crew.ts'
import { watchLake, type LakeWatch } from './lakeWatch.ts'
import { storeProxy, type StoreProxy } from './storeProxy.ts'
import { openCarriers, type Carriers } from './carriers.ts'
import type { PrepareLoad } from './story.ts'

export interface Stage {
  readonly stack: StackFacts
  /** Names the database, the topics, the pipeline and the task queue. */
  readonly name: string
  readonly databaseUrl: string
  readonly tables: readonly TableKey[]
  readonly connector: ConnectorPlan
  readonly proxy: StoreProxy
  readonly crew: Crew
  readonly carriers: Carriers
  readonly watch: LakeWatch
  /** This run's lake, past the proxy. */
  readonly store: S3Store
  /** Of the lake, below the bucket. */
  readonly lakePrefix: string
  /** Where a table of schema public stands in the lake. */
  readonly rootOf: (table: string) => string
  kill(part: PartName): Promise<void>
  restart(part: PartName): Promise<void>
  pid(part: PartName): number
  /** Ends workers, watchers, connections and the connector; the stack goes on. */
  close(): Promise<void>
}

/** Everything is up: the connector streams, two workers work, every table is carried. Nothing is written to the database yet. */
export async function openStage(
  stack: StackFacts,
  name: string,
  prepareLoad: PrepareLoad,
  progress: (what: string) => void,
): Promise<Stage> {
  const lakePrefix = `chaos/${name}`
  const databaseUrl = await createDatabase(stack.postgres, name)
  const tables = await prepareLoad(databaseUrl)
  const names = tables.map(({ table }) => table)
  const proxy = await storeProxy(stack.s3.endpoint)
  const crew = openCrew(stack, {
    name: `worker-${name}`,
    topicPrefix: name,
    database: name,
    lakePrefix,
    env: {
      CDC_TASK_QUEUE: name,
      CDC_LAKE_ENDPOINT: proxy.endpoint,
      CDC_PLACEHOLDER: placeholder,
      CDC_SEARCH_ATTRIBUTES: 'false',
      // Small batches and short runs: more edges to be hit.
      CDC_BATCH_MAX_AGE: '1s',
      CDC_BATCH_MAX_ROWS: '2500',
      CDC_BATCHES_PER_RUN: '5',
    },
  })
  const connector: ConnectorPlan = {
    name,
    postgres: stack.postgres,
    database: name,
    topicPrefix: name,
    slot: `cdc_${name}`,
    publication: `cdc_${name}`,
    tables: names.map((table) => `public.${table}`),
    unavailablePlaceholder: placeholder,
  }
  const register = registerConnector(stack.connect.url, connector).then(() => progress('the connector streams'))
  await Promise.all([register, crew.hire(), crew.hire()])
  const connection = await Connection.connect({ address: stack.temporal.address })
  const client = new Client({ connection, namespace: stack.temporal.namespace })
  const carriers = openCarriers(client, { name, tables: names, temporal: stack.temporal })
  await carriers.startAll()
  progress(`two workers carry ${names.join(', ')}`)

  const { bucket, endpoint, region, accessKeyId, secretAccessKey } = stack.s3
  const credentials = { accessKeyId, secretAccessKey }
  const store = s3Store({ bucket, prefix: lakePrefix, endpoint, region, credentials, forcePathStyle: true })
  const rootOf = (table: string) => tableRoot(name, 'public', table)
  const watch = watchLake(store, new Map(names.map((table) => [table, rootOf(table)])))
  return {
    stack,
    name,
    databaseUrl,
    tables,
    connector,
    proxy,
    crew,
    carriers,
    watch,
    store,
    lakePrefix,
    rootOf,
    kill: (part) => killPart(stack.dir, part),
    restart: async (part) => void (await restartPart(stack.dir, part)),
    pid: (part) => partRecord(stack.dir, part).pid,
    async close() {
      await watch.stop()
      await crew.end()
      await deleteConnector(stack.connect.url, connector).catch(() => undefined)
      await connection.close()
      await proxy.close()
      store.close()
    },
  }
}

const placeholder = 'cdc-unavailable-chaos'
