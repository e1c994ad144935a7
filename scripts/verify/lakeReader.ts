/** DuckDB over the lake: a reader that is not ours, with its own Parquet and Delta code. */
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api'
import { duckdbDelta, duckdbHttpfs } from '../stack/readers.ts'

export interface S3Facts {
  readonly endpoint: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

export interface LakeReader {
  /** Rows as objects; values as DuckDB prints them (text), null as null. */
  rows(sql: string): Promise<Record<string, string | null>[]>
  one(sql: string): Promise<string | null>
  run(sql: string): Promise<void>
  close(): void
}

export async function openLakeReader(s3: S3Facts): Promise<LakeReader> {
  const instance = await DuckDBInstance.create(':memory:', { allow_unsigned_extensions: 'true', threads: '2' })
  const connection: DuckDBConnection = await instance.connect()
  const endpoint = new URL(s3.endpoint)
  for (const extension of [await duckdbHttpfs(), await duckdbDelta()]) await connection.run(`LOAD '${extension}'`)
  await connection.run(`SET TimeZone = 'UTC'`)
  await connection.run(`CREATE SECRET lake (TYPE s3, KEY_ID '${s3.accessKeyId}', SECRET '${s3.secretAccessKey}', REGION '${s3.region}',
    ENDPOINT '${endpoint.host}', URL_STYLE 'path', USE_SSL ${endpoint.protocol === 'https:'})`)
  const rows = async (sql: string) => {
    const result = await connection.runAndReadAll(sql)
    const names = result.columnNames()
    return result
      .getRows()
      .map((row) => Object.fromEntries(names.map((name, i) => [name, row[i] === null ? null : String(row[i])])))
  }
  return {
    rows,
    one: async (sql) => Object.values((await rows(sql))[0] ?? {})[0] ?? null,
    run: async (sql) => void (await connection.run(sql)),
    close: () => connection.closeSync(),
  }
}
