/** `npm run quarantine`: the records that a table set aside, as its log names them (DESIGN §4.7). */
import type { DuckDBConnection } from '@duckdb/node-api'
import { lakeOfProcess } from '../../src/config/process.ts'
import { parseTableName } from '../../src/config/tables.ts'
import { openDuckdb, tablesOf } from '../query/lake.ts'
import { text } from '../query/sqlText.ts'
import { Finding } from '../table/finding.ts'
import { answered, misused, wordsOf, type Answer, type Output } from '../table/output.ts'
import { count, grid } from '../table/screens.ts'

const usage = `usage: npm run quarantine -- <table> [--json]

Lists the records of which no row could be made, with the reason, and where each stands whole: partition and offset in Kafka, and a
Parquet object in the lake. A table sets them aside where tables.yaml says badRecords: quarantine; else it parks.

Options:
  --json    one JSON document, with key and value of each record
  --help    this text

Surroundings: those of npm run query.

Exit codes: 0 there are none, 1 there are some, or a failure; 2 wrong use.`

export async function quarantine(args: readonly string[], json: boolean): Promise<Output> {
  const words = wordsOf(args, 'quarantine', usage, json)
  if ('exit' in words) return words
  if (words.length !== 1) return misused('one table is expected', usage, json)
  return answered(await list(words[0]!, json), 'quarantine', json)
}

async function list(name: string, json: boolean): Promise<Answer> {
  const lake = lakeOfProcess()
  const asked = parseTableName(name, lake.defaultSchema)
  const found = (await tablesOf(lake)).filter(({ schema, table }) => `${schema}.${table}` === asked.name)
  if (found.length !== 1) {
    throw new Finding(`There ${found.length === 0 ? 'is no' : 'is more than one'} table ${asked.name} at ${lake.lake.url}.`, {
      hint: 'Check CDC_LAKE_URL and CDC_DATABASE; npm run query lists the tables.',
    })
  }
  const [{ url }] = found as [(typeof found)[number]]
  const connection = await openDuckdb(lake)
  try {
    const objects = await named(connection, url)
    const records = objects.length === 0 ? [] : await recordsIn(connection, objects, json)
    const screen = records.length === 0 ? `${asked.name} has nothing in quarantine.` : screenOf(asked.name, records)
    return { exit: records.length === 0 ? 0 : 1, text: screen, json: { table: asked.name, records } }
  } finally {
    connection.closeSync()
  }
}

/** Only what an entry of the log names counts: an attempt that lost leaves objects behind. */
async function named(connection: DuckDBConnection, url: string): Promise<string[]> {
  const sql = `SELECT content FROM read_text(${text(`${url}/_delta_log/*.json`)}) WHERE contains(content, '"quarantine":{') ORDER BY filename`
  const entries = (await connection.runAndReadAll(sql)).getRows()
  return entries.flatMap(([content]) =>
    String(content)
      .split('\n')
      .filter((line) => line.startsWith('{"commitInfo"'))
      .flatMap((line) => (JSON.parse(line) as Entry).commitInfo['cdc.ranges'] ?? [])
      .flatMap(({ quarantine: set }) => (set ? [`${url}/${set.key}`] : [])),
  )
}

interface Entry {
  readonly commitInfo: { readonly 'cdc.ranges'?: readonly { readonly quarantine?: { readonly key: string } | null }[] }
}

interface Held {
  readonly partition: number
  readonly offset: string
  readonly at: string | null
  readonly code: string
  readonly reason: string
  readonly object: string
  readonly key?: string | null
  readonly value?: string | null
}

async function recordsIn(connection: DuckDBConnection, objects: readonly string[], whole: boolean): Promise<Held[]> {
  const parts = whole ? `, decode(key) AS key, decode(value) AS value` : ''
  const sql = `SELECT __kafka_partition AS partition, CAST(__kafka_offset AS VARCHAR) AS offset, CAST(__kafka_ts AS VARCHAR) AS at, code, reason,
    filename AS object ${parts} FROM read_parquet([${objects.map(text).join(', ')}], filename = true) ORDER BY __epoch, __kafka_partition, __kafka_offset`
  return (await connection.runAndReadAll(sql)).getRowObjectsJson() as unknown as Held[]
}

function screenOf(table: string, records: readonly Held[]): string {
  const head = ['partition', 'offset', 'at', 'code', 'reason']
  const rows = records.map(({ partition, offset, at, code, reason }) => [String(partition), offset, at ?? '-', code, reason])
  const objects = [...new Set(records.map(({ object }) => object))]
  const many = records.length === 1 ? '1 record' : `${count(records.length)} records`
  return `${table}: ${many} in quarantine\n\n${grid([head, ...rows], ['partition', 'offset'])}\n\nwhole, in\n  ${objects.join('\n  ')}`
}
