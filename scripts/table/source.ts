/** The way to the source database, for commands that ask it something. */
import process from 'node:process'
import pg from 'pg'

export const sourceUsage = `the source database by DATABASE_URL
(postgres://user:password@host/database) or, as for psql, by PGHOST, PGUSER, PGPASSWORD and so on`

/** `database` is the one that the folder in the lake is named for; taken unless somebody says otherwise. */
export async function withSource<T>(database: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const { DATABASE_URL: url, PGDATABASE: named } = process.env
  const client = new pg.Client(url ? { connectionString: url } : { database: named ?? database })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
