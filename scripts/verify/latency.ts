/** From a change's commit in PostgreSQL to the log entry that makes it visible in the lake. */
import type { LakeReader } from './lakeReader.ts'

export interface LakeFacts {
  readonly files: number
  readonly bytes: number
  /** Seconds, of streamed changes only (a snapshot is as old as it is); null where there are none. */
  readonly p50: number | null
  readonly p99: number | null
}

export async function measureLake(lake: LakeReader, root: string): Promise<LakeFacts> {
  const [facts] = await lake.rows(`
    WITH log AS (
      SELECT filename AS entry, add.path AS path, add.size AS size, commitInfo.timestamp AS committed
      FROM read_json('${root}/_delta_log/*.json', format = 'newline_delimited', filename = true,
        columns = {add: 'STRUCT(path VARCHAR, size BIGINT)', commitInfo: 'STRUCT("timestamp" BIGINT)'})),
    files AS (SELECT path, size, (SELECT max(committed) FROM log AS info WHERE info.entry = log.entry) AS committed FROM log WHERE path IS NOT NULL),
    changes AS (
      SELECT files.committed / 1000 - epoch_us(__source_ts) / 1e6 AS seconds
      FROM read_parquet('${root}/data/**/*.parquet', union_by_name = true, filename = true) AS rows
      JOIN files ON rows.filename = '${root}/' || files.path WHERE __op <> 'r')
    SELECT (SELECT count(*) FROM files) AS files, (SELECT sum(size) FROM files) AS bytes,
      (SELECT quantile_cont(seconds, 0.5) FROM changes) AS p50, (SELECT quantile_cont(seconds, 0.99) FROM changes) AS p99`)
  const number = (text: string | null | undefined) => (text == null ? null : Number(text))
  return {
    files: number(facts?.['files']) ?? 0,
    bytes: number(facts?.['bytes']) ?? 0,
    p50: number(facts?.['p50']),
    p99: number(facts?.['p99']),
  }
}
