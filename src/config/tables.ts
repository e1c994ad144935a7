/** A table by its names everywhere. Names come from outside: what is not plainly safe is encoded (SEMANTICS R3.9). */
import { Buffer } from 'node:buffer'
import { CdcFailure, code } from '../core/failures.ts'
import { tableRoot } from '../core/names.ts'
import type { Config, ResolvedTable } from './config.ts'

/** `flights` or `public.flights`; the first dot parts schema from table. CDC1001 where that is no name PostgreSQL could have. */
export function resolveTable(config: Config, name: string): ResolvedTable {
  const { topicPrefix, database, defaultSchema } = config.pipeline
  const { name: full, schema, table } = parseTableName(name, defaultSchema)
  const entry = entryOf(config, full) ?? (schema === defaultSchema ? entryOf(config, table) : null)
  if (!Object.hasOwn(config.tables, full)) refuseServiceTopic(full, schema, table, topicPrefix)
  const batch = entry?.batch
  return {
    name: full,
    schema,
    table,
    topic: topicName(`${topicPrefix}.${full}`),
    root: tableRoot(database, schema, table),
    limits: {
      ...config.limits,
      ...(batch?.maxRows === undefined ? {} : { maxRows: batch.maxRows }),
      ...(batch?.maxBytes === undefined ? {} : { maxBytes: batch.maxBytes }),
      ...(batch?.maxAge === undefined ? {} : { maxAgeMs: batch.maxAge }),
    },
    columns: entry?.columns ?? null,
    key: entry?.key ?? null,
    lakeTypes: entry?.lakeTypes ?? {},
    schemaChange: entry?.schemaChange ?? config.schemaChange,
    badRecords: entry?.badRecords ?? config.badRecords,
    replicaIdentity: entry?.replicaIdentity ?? null,
  }
}

/** CDC1001 where that is no name PostgreSQL could have. */
export function parseTableName(name: string, defaultSchema: string): Pick<ResolvedTable, 'name' | 'schema' | 'table'> {
  const dot = name.indexOf('.')
  const schema = dot < 0 ? defaultSchema : name.slice(0, dot)
  const table = name.slice(dot + 1)
  for (const part of [schema, table]) check(name, part)
  return { name: `${schema}.${table}`, schema, table }
}

function entryOf(config: Config, name: string) {
  return Object.hasOwn(config.tables, name) ? (config.tables[name] ?? null) : null
}

/** Topics of the connector itself are no tables (SEMANTICS R1.9). Whoever has a table of such a name gives it an entry. */
function refuseServiceTopic(name: string, schema: string, table: string, topicPrefix: string): void {
  const service = schema === '__debezium-heartbeat' || (schema === topicPrefix && ['transaction', 'message'].includes(table))
  if (!service) return
  throw new CdcFailure(code.InvalidInput, `${JSON.stringify(name)} is a topic of the connector, not a table`, {
    hint: 'Give the name of a table. If there really is a table of this name, enter it under tables in tables.yaml.',
  })
}

function check(name: string, part: string): void {
  const quoted = JSON.stringify(name)
  if (part === '') throw new CdcFailure(code.InvalidInput, `not a table name: ${quoted}; expected table or schema.table`)
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f]/.test(part))
    throw new CdcFailure(code.InvalidInput, `control characters in the table name ${quoted}`)
  if (Buffer.byteLength(part) > 63) throw new CdcFailure(code.InvalidInput, `longer than PostgreSQL's 63 bytes: ${quoted}`)
}

/** As Debezium names topics: every UTF-16 unit outside its alphabet becomes `_`. */
function topicName(text: string): string {
  return text.replace(/[^A-Za-z0-9_.-]/g, '_')
}
