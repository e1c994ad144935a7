/** Rows of incremental snapshots that stand in the lake, above the places where the table stood when they were asked for. */
import type { Config } from '../../src/config/config.ts'
import { reading } from '../../src/core/batchPlan.ts'
import type { Position } from '../../src/core/receipts.ts'
import { columnsOf, openDuckdb, settingsOf, tableUrl } from '../query/lake.ts'
import { keyColumns, keyText, quoted, text } from '../query/latestState.ts'
import { todaysColumns } from '../query/today.ts'
import type { Visibility } from './visibility.ts'

/** A row that was read again, by its key as PostgreSQL writes it, and the transaction of the change that was streamed before it. */
export interface ReadAgain {
  readonly key: readonly string[]
  readonly tx: bigint
}

export interface LakeRows {
  /** Its columns, as PostgreSQL has them. */
  readonly key: readonly string[]
  count(since: readonly Position[]): Promise<number>
  /** Rows that are the newest of their key although the change before them was not `visible`. */
  overtaken(since: readonly Position[], visible: Visibility): Promise<ReadAgain[]>
  /** Those that are the newest of their key although the change before them is its delete. */
  undead(since: readonly Position[]): Promise<ReadAgain[]>
  close(): void
}

export async function openLakeRows({ lake, pipeline }: Config, root: string): Promise<LakeRows> {
  const { database, defaultSchema } = pipeline
  const connection = await openDuckdb({ lake, database, defaultSchema })
  const url = tableUrl(lake, root)
  const log = `delta_scan(${text(url)})`
  const { key, story } = await settingsOf(connection, url)
  const columns = await columnsOf(connection, log)
  const today = todaysColumns(log, columns, story)
  const keys = key.map((source) => {
    const places = keyColumns(source, columns, story.rules)
    const isBytes = columns.some(({ name, type }) => name === places[0] && type === 'BLOB')
    return isBytes ? `'\\x' || lower(hex(${quoted(places[0]!)}))` : `CAST(${keyText(places)} AS VARCHAR)`
  })

  async function newest(since: readonly Position[], having: string): Promise<ReadAgain[]> {
    const names = keys.map((_, i) => `key${i}`)
    const rows = await connection.runAndReadAll(`
      SELECT ${names.join(', ')}, arg_max(__tx_id, __kafka_offset) FILTER (streamed) AS tx, arg_max(__op, __kafka_offset) FILTER (streamed) AS op
      FROM (SELECT ${keys.map((each, i) => `${each} AS key${i}`).join(', ')}, __tx_id, __op, __kafka_partition, __kafka_offset,
        __snapshot IS DISTINCT FROM 'incremental' AS streamed, ${readSince(since)} AS again FROM ${today}
        WHERE __op <> 't' AND __epoch = (SELECT max(__epoch) FROM ${log}))
      GROUP BY ${names.join(', ')}, __kafka_partition
      HAVING max(__kafka_offset) FILTER (again) > max(__kafka_offset) FILTER (streamed) AND ${having}`)
    return rows.getRows().map((row) => ({
      key: row.slice(0, keys.length).map(String),
      tx: BigInt(String(row.at(-2))),
    }))
  }

  return {
    key,
    count: async (since) => {
      // The least of all offsets first: by it whole files are passed over.
      const least = since.map(reading).reduce((a, b) => (a < b ? a : b))
      const sql = `SELECT count(*) FROM ${log} WHERE __kafka_offset >= ${least} AND ${readSince(since)}`
      return Number((await connection.runAndReadAll(sql)).getRows()[0]?.[0])
    },
    overtaken: (since, { next, open }) => {
      // Transaction numbers are 32 bits in events, and begin anew.
      const later = `((tx - ${next % 2n ** 32n}) & 4294967295) < 2147483648`
      return newest(since, `(${[later, ...open.map((tx) => `tx = ${tx % 2n ** 32n}`)].join(' OR ')})`)
    },
    undead: (since) => newest(since, `op = 'd'`),
    close: () => connection.closeSync(),
  }
}

function readSince(since: readonly Position[]): string {
  const above = since.map((each) => `(__kafka_partition = ${each.partition} AND __kafka_offset >= ${reading(each)})`)
  return `(__snapshot = 'incremental' AND (${[...above, `__kafka_partition > ${since.length - 1}`].join(' OR ')}))`
}
