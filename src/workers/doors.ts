/** The doors to Kafka and to the lake's store, and the decoder of a table, as the config says; made in every thread that needs them. */
import { fileURLToPath } from 'node:url'
import type { Config, ResolvedTable } from '../config/config.ts'
import { emptySchema, type TableSchema } from '../core/schema.ts'
import { createDecoder, type Decoder } from '../debezium/decoder.ts'
import type { KafkaLog, KafkaSettings } from '../kafka/door.ts'
import { folderStore } from '../lake/folder.ts'
import { s3Store } from '../lake/s3.ts'
import type { ObjectStore } from '../lake/table.ts'
import { chosenTypes } from './chosenTypes.ts'

/** Bytes of one fetch of one partition; two are held while a range is read. */
export const fetchBytes = 1024 ** 2

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

/** Without a log nothing is said. */
export function kafkaSettings(config: Config, log?: KafkaLog): KafkaSettings {
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
    ...(log && { log }),
  }
}

/** `known`: the table's columns as its log has them, whose types count. */
export function decoderOf({ placeholder }: Config, table: ResolvedTable, known: TableSchema = emptySchema): Decoder {
  return createDecoder({
    placeholder,
    table,
    declared: table.columns && { columns: table.columns, key: table.key ?? [] },
    lakeTypes: chosenTypes(table.lakeTypes, known),
    replicaIdentity: table.replicaIdentity,
  })
}
