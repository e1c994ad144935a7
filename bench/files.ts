/** The files themselves: their size against pyarrow's of the same rows, and what DuckDB reads of them for a selective query. */
import { count } from '../scripts/demo/screen.ts'
import { askPython } from '../scripts/stack/readers.ts'
import { openLakeReader } from '../scripts/verify/lakeReader.ts'
import { filesBelow } from './bucket.ts'
import type { Bench, Part } from './part.ts'
import { catchUp, startSluice } from './sluiceWorker.ts'

export const files: Part = async (bench) => {
  const topic = await bench.topic()
  const sluice = await startSluice(bench.stack, topic)
  const root = sluice.prefixOf(topic.table)
  await catchUp(sluice, topic).finally(() => sluice.stop())
  const weighed = await weigh(bench, `${root}/data`)
  const reads = await readBy(bench, `${root}/data`)
  const { files: number, bytes } = await filesBelow(bench.stack.s3, root)
  const mb = (size: number) => (size / 1e6).toFixed(1)
  return {
    title: 'The files',
    text: [
      `${count(number)} files of ${weighed.groups} row groups hold ${count(weighed.rows)} rows. pyarrow wrote each file's rows and columns anew with its defaults (dictionary, snappy): Sluice's files are ${(weighed.ours / weighed.theirs).toFixed(2)} times as large.`,
      `What DuckDB had the store send for a query over all files, by its own count; each query in a session of its own, with nothing cached. The share is that of the bytes of all files.`,
    ],
    tables: [
      [
        ['', 'MB', 'bytes a row'],
        ...(['ours', 'theirs'] as const).map((whose) => [
          { ours: 'Sluice', theirs: 'pyarrow' }[whose],
          mb(weighed[whose]),
          (weighed[whose] / weighed.rows).toFixed(1),
        ]),
      ],
      [
        ['DuckDB reads', 'rows', 'requests', 'MB', 'share'],
        ...reads.map((read) => [
          read.what,
          count(read.rows),
          count(read.requests),
          mb(read.bytes),
          `${((read.bytes / bytes) * 100).toFixed(1)} %`,
        ]),
      ],
    ],
  }
}

interface Weighed {
  readonly rows: number
  readonly groups: number
  readonly ours: number
  readonly theirs: number
}

function weigh({ stack: { s3 } }: Bench, folder: string): Promise<Weighed> {
  return askPython(new URL('rewrite.py', import.meta.url), { s3, folder: `${s3.bucket}/${folder}` })
}

interface Read {
  readonly what: string
  readonly rows: number
  readonly requests: number
  readonly bytes: number
}

async function readBy({ stack: { s3 } }: Bench, folder: string): Promise<Read[]> {
  const table = `read_parquet('s3://${s3.bucket}/${folder}/**/*.parquet')`
  const asked = async <T>(ask: (lake: Awaited<ReturnType<typeof openLakeReader>>) => Promise<T>): Promise<T> => {
    const lake = await openLakeReader(s3)
    return ask(lake).finally(() => lake.close())
  }
  const [middle] = await asked((lake) =>
    lake.rows(`SELECT quantile_disc(__kafka_offset, 0.5) FILTER (__kafka_partition = 1) AS record, quantile_disc(__source_ts, 0.5) AS moment,
      quantile_disc(booking_id, 0.5) AS booking FROM ${table}`),
  )
  const queries = {
    'one record, by partition and offset': `SELECT * FROM ${table} WHERE __kafka_partition = 1 AND __kafka_offset = ${middle!['record']}`,
    'ten minutes, by __source_ts': `SELECT * FROM ${table} WHERE __source_ts BETWEEN '${middle!['moment']}' AND TIMESTAMPTZ '${middle!['moment']}' + INTERVAL 10 MINUTES`,
    'changes of one booking, by its key': `SELECT * FROM ${table} WHERE booking_id = ${middle!['booking']}`,
    'all rows of one column': `SELECT status FROM ${table}`,
    'all rows of all columns': `SELECT * FROM ${table}`,
  }
  const reads: Read[] = []
  for (const [what, query] of Object.entries(queries)) {
    const rows = await asked((lake) => lake.one(`SELECT count(*) FROM (${query})`))
    const [plan] = await asked((lake) => lake.rows(`EXPLAIN ANALYZE ${query}`))
    reads.push({ what, rows: Number(rows), ...sentOf(Object.values(plan!).join('\n')) })
  }
  return reads
}

const units: Readonly<Record<string, number>> = { bytes: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }

/** From what DuckDB prints of its requests: `in: 3.5 MiB`, `#GET: 142`. */
function sentOf(plan: string): Pick<Read, 'requests' | 'bytes'> {
  const [, size, unit] = /\bin: ([\d.]+) (\w+)/.exec(plan) ?? []
  const [, requests] = /#GET: (\d+)/.exec(plan) ?? []
  if (size === undefined || unit === undefined) throw new Error('DuckDB did not tell what it read')
  return { requests: Number(requests), bytes: Number(size) * units[unit]! }
}
