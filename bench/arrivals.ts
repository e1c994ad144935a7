/** When the changes of a watched table could be read: every row has the time of its change, every file the moment it was first listed. */
import type { StoreFacts } from '../scripts/stack/store.ts'
import { openLakeReader } from '../scripts/verify/lakeReader.ts'
import { openBucket, type Seen } from './bucket.ts'
import { median } from './median.ts'

export interface WatchedTable {
  /** Folder of the table, below the bucket. */
  readonly root: string
  /** Folder of its log, below that one: a file of lines of JSON for each batch. */
  readonly log: string
  /** When a row's change was made, us since 1970, in SQL. */
  readonly changedUs: string
}

export interface Arrivals {
  /** From the change until a listing shows the file, p50 and p99, s. */
  readonly glob: readonly number[]
  /** Until an entry of the log names it. */
  readonly log: readonly number[]
  readonly rows: number
  /** Data files that came meanwhile. */
  readonly files: number
  readonly medianBytes: number
}

/** Of the changes that were made in a span of time, ms since 1970. */
export async function arrivalsOf(
  s3: StoreFacts,
  { root, log, changedUs }: WatchedTable,
  seen: ReadonlyMap<string, Seen>,
  [fromMs, toMs]: readonly [number, number],
): Promise<Arrivals> {
  const files = [...seen].filter(([key]) => key.endsWith('.parquet'))
  const entries = [...seen].filter(([key]) => key.startsWith(`${root}/${log}/`))
  const named = await namedBy(s3, root, entries)
  const urlOf = (key: string) => `'s3://${s3.bucket}/${key}'`
  const lake = await openLakeReader(s3)
  try {
    await lake.run(`CREATE TABLE seen AS FROM (VALUES
      ${files.map(([key, { atMs }]) => `(${urlOf(key)}, ${atMs}, ${named.get(key) ?? 'NULL'})`).join(', ')}) AS seen(file, listed, logged)`)
    const quantiles = ['listed', 'logged'].flatMap((way) =>
      [0.5, 0.99].map((q) => `quantile_cont(${way} - changed, ${q}) / 1000`),
    )
    const [figures] = await lake.rows(`
      WITH rows AS (SELECT filename AS file, ${changedUs} / 1000 AS changed
        FROM read_parquet([${files.map(([key]) => urlOf(key)).join(', ')}], filename = true, union_by_name = true))
      SELECT ${quantiles.join(', ')}, count(*) FROM rows JOIN seen USING (file) WHERE changed BETWEEN ${fromMs} AND ${toMs}`)
    const [glob50, glob99, log50, log99, rows] = Object.values(figures!).map(Number) as [number, number, number, number, number]
    const came = files.filter(([, { atMs }]) => atMs >= fromMs && atMs <= toMs)
    const medianBytes = median(came.map(([, { size }]) => size))
    return { glob: [glob50, glob99], log: [log50, log99], rows, files: came.length, medianBytes }
  } finally {
    lake.close()
  }
}

/** By data file, when an entry that names it was first listed. Delta's entries name it below the table, Spark's by its whole URL. */
async function namedBy(
  s3: StoreFacts,
  root: string,
  entries: readonly (readonly [string, Seen])[],
): Promise<Map<string, number>> {
  const store = openBucket(s3)
  const named = new Map<string, number>()
  try {
    for (const [key, { atMs }] of entries) {
      const entry = await store.get(key)
      // Spark writes each under another name first, and removes that.
      if (entry === null) continue
      const lines = new TextDecoder().decode(entry).split('\n')
      for (const line of lines.filter((each) => each.startsWith('{'))) {
        const { add, path } = JSON.parse(line) as { add?: { path: string }; path?: string }
        const file = add ? `${root}/${add.path}` : path?.replace(/^s3a:\/\/[^/]+\//, '')
        if (file !== undefined) named.set(file, Math.min(atMs, named.get(file) ?? Infinity))
      }
    }
    return named
  } finally {
    store.close()
  }
}
