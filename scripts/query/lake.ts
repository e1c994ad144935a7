/** Which tables stand in the lake, and DuckDB with a view for each. */
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api'
import type { Lake } from '../../src/config/sections.ts'
import { decodeName } from '../../src/core/names.ts'
import type { ObjectStore } from '../../src/lake/store.ts'
import { openStore } from '../../src/workers/doors.ts'
import { duckdbDelta, duckdbHttpfs } from '../stack/readers.ts'
import { Finding } from '../table/finding.ts'
import { latestState } from './latestState.ts'
import { quoted, text } from './sqlText.ts'
import { storyOf, whyNoLatestState, type Settings } from './story.ts'
import type { LakeColumn } from './today.ts'

export interface LakeTable {
  readonly database: string
  readonly schema: string
  readonly table: string
  /** `s3://bucket/prefix/database/schema/table`, or a path. */
  readonly url: string
}

/** Tables below the lake's URL, by name; one request for each. */
export async function tablesOf({ lake, database }: Lake): Promise<LakeTable[]> {
  const store = openStore(lake)
  const tables: LakeTable[] = []
  for (let after: string | undefined = ''; after !== undefined;) {
    const key: string | undefined = await firstKey(store, after)
    const root = /^([^/]+)\/([^/]+)\/([^/]+)\//.exec(key ?? '')
    if (key !== undefined && root && (await store.head(`${root[0]}_delta_log/${'0'.repeat(20)}.json`))) {
      const [name, schema, table] = root.slice(1).map(decodeName) as [string, string, string]
      const url = tableUrl(lake, root[0].slice(0, -1))
      if (database === null || database === name) tables.push({ database: name, schema, table, url })
    }
    // `0` is the character behind `/`: all other keys of this folder are skipped.
    after = root ? `${root[0].slice(0, -1)}0` : key
  }
  return tables
}

/** As DuckDB opens it; `root` is the table's folder below the lake's URL. */
export function tableUrl({ url }: Lake['lake'], root: string): string {
  const base = url.startsWith('file:') ? fileURLToPath(url) : url
  return `${base.replace(/\/+$/, '')}/${root}`
}

async function firstKey(store: ObjectStore, after: string): Promise<string | undefined> {
  for await (const { key } of store.list('', after)) return key
  return undefined
}

export async function openDuckdb({ lake }: Lake): Promise<DuckDBConnection> {
  const instance = await DuckDBInstance.create(':memory:', { allow_unsigned_extensions: 'true' })
  const connection = await instance.connect()
  for (const extension of [await duckdbHttpfs(), await duckdbDelta()]) await connection.run(`LOAD ${text(extension)}`)
  await connection.run(`SET TimeZone = 'UTC'`)
  // Rows of a snapshot have no place in the database's log: they come before everything that has one.
  await connection.run(`SET default_null_order = 'nulls_first_on_asc_last_on_desc'`)
  if (lake.url.startsWith('s3:')) await connection.run(secretOf(lake))
  return connection
}

function secretOf({ credentials, region, endpoint, pathStyle, url }: Lake['lake']): string {
  const { env } = process
  const id = credentials?.accessKeyId ?? env['AWS_ACCESS_KEY_ID']
  const secret = credentials?.secretAccessKey ?? env['AWS_SECRET_ACCESS_KEY']
  const token = credentials ? credentials.sessionToken : env['AWS_SESSION_TOKEN']
  if (!id || !secret) {
    throw new Finding(`No credentials for ${url}.`, {
      hint: 'Set CDC_LAKE_ACCESS_KEY_ID and CDC_LAKE_SECRET_ACCESS_KEY, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
    })
  }
  const options = [`TYPE s3`, `KEY_ID ${text(id)}`, `SECRET ${text(secret)}`, `REGION ${text(region ?? 'us-east-1')}`]
  if (token) options.push(`SESSION_TOKEN ${text(token)}`)
  if (endpoint) {
    const { host, protocol } = new URL(endpoint)
    options.push(`ENDPOINT ${text(host)}`, `USE_SSL ${protocol === 'https:'}`)
  }
  if (pathStyle ?? endpoint !== undefined) options.push(`URL_STYLE 'path'`)
  return `CREATE SECRET lake (${options.join(', ')})`
}

export interface View {
  readonly table: LakeTable
  readonly key: readonly string[]
  /** `"airline"."public"."flights"`, to be put into SQL. */
  readonly log: string
  /** Null where there can be no latest state. */
  readonly now: string | null
  /** Why there is none, and what to do. */
  readonly whyNot: string | null
  readonly columns: readonly LakeColumn[]
}

/** PostgreSQL's database, schema and table become DuckDB's: `flights` is the log of changes, `flights_now` its latest state. */
export async function createViews(connection: DuckDBConnection, tables: readonly LakeTable[], lake: Lake): Promise<View[]> {
  const databases = [...new Set(tables.map(({ database }) => database))]
  for (const database of databases) await connection.run(`ATTACH ':memory:' AS ${quoted(database)}`)
  const views: View[] = []
  for (const table of tables) {
    const schema = `${quoted(table.database)}.${quoted(table.schema)}`
    await connection.run(`CREATE SCHEMA IF NOT EXISTS ${schema}`)
    const log = `${schema}.${quoted(table.table)}`
    await connection.run(`CREATE OR REPLACE VIEW ${log} AS SELECT * FROM delta_scan(${text(table.url)})`)
    const columns = await columnsOf(connection, log)
    const settings = await settingsOf(connection, table.url)
    const { key, story } = settings
    const whyNot = whyNoLatestState(settings, columns)
    const now = whyNot === null ? `${schema}.${quoted(`${table.table}_now`)}` : null
    if (now) await connection.run(`CREATE VIEW IF NOT EXISTS ${now} AS ${latestState(log, columns, key, story)}`)
    views.push({ table, key, log, now, whyNot, columns })
  }
  const home = databases.length === 1 ? databases[0] : undefined
  if (home !== undefined) {
    await connection.run(`CREATE SCHEMA IF NOT EXISTS ${quoted(home)}.${quoted(lake.defaultSchema)}`)
    await connection.run(`USE ${quoted(home)}.${quoted(lake.defaultSchema)}`)
  }
  return views
}

/** In their order; `from` is SQL. */
export async function columnsOf(connection: DuckDBConnection, from: string): Promise<LakeColumn[]> {
  const described = await connection.runAndReadAll(`DESCRIBE SELECT * FROM ${from}`)
  return described.getRows().map(([name, type]) => ({ name: String(name), type: String(type) }))
}

/** What the newest entry of the table's log that holds metaData says. */
export async function settingsOf(connection: DuckDBConnection, url: string): Promise<Settings> {
  const found = await connection.runAndReadAll(
    `SELECT content FROM read_text(${text(`${url}/_delta_log/*.json`)}) WHERE contains(content, '"metaData"') ORDER BY filename DESC LIMIT 1`,
  )
  const lines = String(found.getRows()[0]?.[0] ?? '').split('\n')
  for (const line of lines.filter((each) => each.includes('"metaData"'))) {
    const { metaData } = JSON.parse(line) as { metaData?: { configuration?: Record<string, string> } }
    if (metaData) return storyOf(metaData.configuration ?? {})
  }
  return storyOf({})
}
