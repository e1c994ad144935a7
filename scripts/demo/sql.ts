/** `npm run sql -- "SQL"`: one statement for PostgreSQL at DATABASE_URL, for machines without psql. */
import pg from 'pg'
import { grid } from '../table/screens.ts'

const [sql, ...more] = process.argv.slice(2)
const url = process.env['DATABASE_URL']
if (!sql || more.length > 0 || !url) {
  console.error('usage: DATABASE_URL=postgres://... npm run sql -- "SQL"')
  process.exit(2)
}
// As PostgreSQL prints them: no type is converted.
const client = new pg.Client({ connectionString: url, types: { getTypeParser: () => String } })
try {
  await client.connect()
  const { command, rowCount, fields, rows } = await client.query<(string | null)[]>({ text: sql, rowMode: 'array' })
  if (fields.length > 0)
    console.log(grid([fields.map(({ name }) => name), ...rows.map((row) => row.map((cell) => cell ?? 'NULL'))], []))
  console.log(`${command} ${rowCount ?? ''}`.trim())
} catch (error) {
  console.error((error as Error).message || `PostgreSQL cannot be reached at ${new URL(url).host}`)
  process.exitCode = 1
} finally {
  await client.end().catch(() => undefined)
}
