/** How many rows of an incremental snapshot stand in the lake, above the places where the table stood at its beginning. */
import type { Config } from '../../src/config/config.ts'
import { reading } from '../../src/core/batchPlan.ts'
import type { Position } from '../../src/core/receipts.ts'
import { openDuckdb, tableUrl } from '../query/lake.ts'
import { text } from '../query/latestState.ts'

export interface RowsSince {
  count(): Promise<number>
  close(): void
}

export async function openRowsSince(
  { lake, pipeline }: Config,
  root: string,
  positions: readonly Position[],
): Promise<RowsSince> {
  const { database, defaultSchema } = pipeline
  const least = positions.map(reading).reduce((a, b) => (a < b ? a : b))
  const above = positions.map((each) => `(__kafka_partition = ${each.partition} AND __kafka_offset >= ${reading(each)})`)
  const connection = await openDuckdb({ lake, database, defaultSchema })
  // The least of all offsets first: by it whole files are passed over.
  const sql = `SELECT count(*) FROM delta_scan(${text(tableUrl(lake, root))}) WHERE __snapshot = 'incremental' AND __kafka_offset >= ${least}
    AND (${[...above, `__kafka_partition > ${positions.length - 1}`].join(' OR ')})`
  return {
    count: async () => Number((await connection.runAndReadAll(sql)).getRows()[0]?.[0]),
    close: () => connection.closeSync(),
  }
}
