/** The one place that constructs adapters and joins the rooms: config in, what the activities need out. */
import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import type { NativeConnection } from '@temporalio/worker'
import type { Logger } from 'pino'
import type { ActivityDeps } from '../activities/deps.ts'
import { carryRange } from '../carry/carryRange.ts'
import { recordAt } from '../carry/recordAt.ts'
import { startDay } from '../carry/startDay.ts'
import type { Config, ResolvedTable } from '../config/config.ts'
import { emptySchema, type TableSchema } from '../core/schema.ts'
import { fenced } from '../core/verdict.ts'
import { createDecoder, type Decoder } from '../debezium/decoder.ts'
import { openKafka, type KafkaSettings } from '../kafka/door.ts'
import { folderStore } from '../lake/folder.ts'
import { s3Store } from '../lake/s3.ts'
import type { ObjectStore } from '../lake/table.ts'
import { chosenTypes } from './chosenTypes.ts'
import { temporalClaims } from './claims.ts'
import { armFailpoints } from './failpoints.ts'
import { memoryBudget } from './memoryBudget.ts'
import { tableLake } from './tableLake.ts'
import { version } from './version.ts'

/** Bytes of one fetch of one partition; two are held while a range is read. */
const fetchBytes = 4 * 1024 ** 2

export interface Composed {
  readonly deps: ActivityDeps
  readonly close: () => Promise<void>
}

export function composeDeps(
  config: Config,
  temporal: { readonly connection: NativeConnection; readonly namespace: string },
  logger: Logger,
): Composed {
  const reach = armFailpoints(config.failpoints)
  const memory = memoryBudget(config.memoryBudget)
  const store = openStore(config.lake)
  const kafka = openKafka(kafkaSettings(config, logger))
  const decoderOf = (table: ResolvedTable, known: TableSchema = emptySchema): Decoder =>
    createDecoder({
      placeholder: config.placeholder,
      table,
      declared: table.columns && { columns: table.columns, key: table.key ?? [] },
      lakeTypes: chosenTypes(table.lakeTypes, known),
      replicaIdentity: table.replicaIdentity,
    })
  const lake = tableLake({
    store,
    clock: Date.now,
    random: randomUUID,
    reach,
    writer: `sluice/${version}`,
    startDay: (table, topic, marks, signal) =>
      startDay({ reader: kafka, decoder: decoderOf(table), signal }, topic, marks, Date.now()),
    recordAt: (topic, partition, offset, signal) => recordAt(kafka, topic, partition, offset, signal),
  })
  return {
    deps: {
      config,
      kafka,
      lake,
      claims: temporalClaims(temporal.connection, temporal.namespace, config.temporal.taskQueue),
      reach,
      async carry({ table, ...job }, attempt, signal) {
        const tools = {
          reader: kafka,
          lake: lake.context(table, signal),
          policies: { schemaChange: table.schemaChange, badRecords: table.badRecords },
          reach,
          signal,
        }
        // A range holds its raw bytes once as columns and once as a file, at most, beside two fetches.
        return memory.hold(2 * (job.limits.maxBytes + fetchBytes), signal, async () => {
          const newest = await lake.newest(table, signal)
          if (newest.epoch !== job.epoch) throw fenced(job.epoch, newest.epoch)
          const decoder = decoderOf(table, newest.schema)
          return carryRange({ ...job, table: table.name }, { ...tools, decoder, table: newest, attempt })
        })
      },
    },
    close: () => kafka.close(),
  }
}

/** `s3://bucket/prefix` or `file:///folder`. */
export function openStore(lake: Config['lake']): ObjectStore {
  const url = new URL(lake.url)
  if (url.protocol === 'file:') return folderStore(fileURLToPath(url))
  return s3Store({
    bucket: url.hostname,
    prefix: decodeURIComponent(url.pathname).replace(/^\/+|\/+$/g, ''),
    region: lake.region ?? (lake.endpoint === undefined ? undefined : 'us-east-1'),
    endpoint: lake.endpoint,
    forcePathStyle: lake.pathStyle ?? lake.endpoint !== undefined,
    credentials: lake.credentials,
    multipart: lake.multipart ?? lake.endpoint === undefined,
  })
}

/** Without a logger nothing is said. */
export function kafkaSettings(config: Config, logger?: Logger): KafkaSettings {
  const { brokers, tls, sasl, maxBatchBytes } = config.kafka
  return {
    brokers,
    clientId: `sluice-${config.pipeline.name}`,
    ssl:
      typeof tls === 'boolean'
        ? tls
        : {
            ...(tls.ca === undefined ? {} : { ca: tls.ca }),
            ...(tls.cert === undefined ? {} : { cert: tls.cert }),
            ...(tls.key === undefined ? {} : { key: tls.key }),
            ...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
          },
    ...(sasl ? { sasl } : {}),
    maxBatchBytes,
    fetchBytes,
    ...(logger && {
      log: {
        debug: (message, details) => logger.debug(details, message),
        warn: (message, details) => logger.warn(details, message),
      },
    }),
  }
}
