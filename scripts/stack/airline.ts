import { copyFile, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { writeAirline } from '../data/airline.ts'
import { projectRoot } from './places.ts'
import type { PostgresFacts } from './postgres.ts'

/** Creates the database `airline` (or another name) and fills it. Returns its address. */
export async function loadAirline(postgres: PostgresFacts, database = 'airline'): Promise<string> {
  const csv = writeAirline()
  const readable = join(postgres.files, 'airline')
  await mkdir(readable, { recursive: true })
  for (const table of ['customers', 'flights', 'bookings']) {
    await copyFile(join(csv, `${table}.csv`), join(readable, `${table}.csv`))
  }
  const url = await createDatabase(postgres, database)
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const sql = await readFile(join(projectRoot, 'docker', 'postgres', 'init.sql'), 'utf8')
    // In a container the files lie in /airline.
    await client.query(sql.replaceAll("'/airline/", `'${readable}/`))
  } finally {
    await client.end()
  }
  return url
}

/** Creates a database, as a copy of another one when that is named (which nobody may be using). Returns its address. */
export async function createDatabase(postgres: PostgresFacts, database: string, template = 'template1'): Promise<string> {
  const client = new pg.Client({ connectionString: postgres.url })
  await client.connect()
  try {
    await client.query(`CREATE DATABASE ${client.escapeIdentifier(database)} TEMPLATE ${client.escapeIdentifier(template)}`)
  } finally {
    await client.end()
  }
  return `${postgres.url.slice(0, postgres.url.lastIndexOf('/'))}/${encodeURIComponent(database)}`
}
