/** The source's side of a backfill: whether the connector can be asked, how much there is to read, and the asking. */
import type { Client } from 'pg'
import { Finding } from '../table/finding.ts'

export interface SourceTable {
  readonly schema: string
  readonly table: string
  /** SQL; null: all rows. */
  readonly where: string | null
}

/** What docs/connector.md asks for; the profile names it in `signal.data.collection`. */
export const signalTable = 'cdc.signal'

/**
 * Debezium keeps the names of tables that it is reading, without quotes, in its offset, from which it must take them again: with a
 * space or a quote in one it fails at every start (3.7.0.Final).
 */
const readableName = /^[\p{L}\p{N}_-]+$/u

/** Rows there are to read, about: PostgreSQL's own estimate. A finding where the connector cannot be asked to read them. */
export async function readable(database: Client, source: SourceTable): Promise<number> {
  const { schema, table } = source
  const name = `${schema}.${table}`
  const touch = `Touch the rows instead: UPDATE ${quoted(database, schema, table)} SET ... is carried as any change.`
  if (!readableName.test(schema) || !readableName.test(table)) {
    throw new Finding(
      `Debezium cannot read a table of the name ${JSON.stringify(name)} again: it would stop and not start any more.`,
      {
        hint: touch,
      },
    )
  }
  const { rows } = await database.query<Facts>(facts, [schema, table])
  const { found, keyed, signal, signalPublished, published, slots, reading } = rows[0]!
  if (!found) throw new Finding(`There is no table ${name} in the source database.`)
  if (!keyed) {
    throw new Finding(`${name} has no primary key: Debezium reads a table again in the order of its key.`, {
      hint: touch,
    })
  }
  if (!signal) {
    throw new Finding(`There is no table ${signalTable} in the source database, by which the connector is asked.`, {
      hint:
        `Make it: CREATE SCHEMA IF NOT EXISTS cdc; CREATE TABLE ${signalTable} (id text PRIMARY KEY, type text NOT NULL, data text); ` +
        `then GRANT INSERT, DELETE ON ${signalTable} to the connector's user, and restart the connector (docs/connector.md).`,
    })
  }
  if (!published || !signalPublished) {
    throw new Finding(
      `No publication of the source database has ${published ? signalTable : name}, so the connector does not see it.`,
      {
        hint: `ALTER PUBLICATION ... ADD TABLE ${published ? signalTable : name}; and list it in the connector's table.include.list.`,
      },
    )
  }
  if (reading === 0) {
    throw new Finding(
      `No connector reads the source database: ${slots === null ? 'it has no slot' : `${slots} is not active`}.`,
      {
        hint: 'Start the connector, or look why it stopped: GET /connectors/<name>/status at Kafka Connect.',
      },
    )
  }
  return estimate(database, source)
}

interface Facts {
  readonly found: boolean
  readonly keyed: boolean
  readonly signal: boolean
  readonly published: boolean
  readonly signalPublished: boolean
  readonly slots: string | null
  readonly reading: number
}

const facts = `
  WITH source AS (SELECT pg_class.oid FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname = $1 AND relname = $2 AND relkind IN ('r', 'p')),
  slot AS (SELECT slot_name, active FROM pg_replication_slots WHERE database = current_database() AND plugin = 'pgoutput')
  SELECT EXISTS (SELECT FROM source) AS found,
    EXISTS (SELECT FROM pg_index JOIN source ON indrelid = source.oid WHERE indisprimary) AS keyed,
    to_regclass('${signalTable}') IS NOT NULL AS signal,
    EXISTS (SELECT FROM pg_publication_tables WHERE schemaname = $1 AND tablename = $2) AS published,
    EXISTS (SELECT FROM pg_publication_tables WHERE schemaname || '.' || tablename = '${signalTable}') AS "signalPublished",
    (SELECT string_agg(slot_name, ', ') FROM slot) AS slots, (SELECT count(*)::int FROM slot WHERE active) AS reading`

/** A condition that PostgreSQL does not understand is found here, before the connector stumbles over it. */
async function estimate(database: Client, source: SourceTable): Promise<number> {
  try {
    const { rows } = await database.query<{ 'QUERY PLAN': [{ Plan: { 'Plan Rows': number } }] }>(
      `EXPLAIN (FORMAT JSON) SELECT ${fromOf(database, source)}`,
    )
    return rows[0]!['QUERY PLAN'][0].Plan['Plan Rows']
  } catch (error) {
    if (source.where === null) throw error
    throw new Finding(`PostgreSQL does not take the condition ${JSON.stringify(source.where)}: ${(error as Error).message}`)
  }
}

export async function anyRow(database: Client, source: SourceTable): Promise<boolean> {
  const { rows } = await database.query<{ any: boolean }>(`SELECT EXISTS (SELECT ${fromOf(database, source)}) AS any`)
  return rows[0]!.any
}

/** How many of these rows the table has. */
export async function standing(
  database: Client,
  source: SourceTable,
  key: readonly string[],
  rows: readonly { readonly key: readonly string[] }[],
): Promise<number> {
  if (rows.length === 0) return 0
  const where = among(database, key, rows)
  const { rows: found } = await database.query<{ n: number }>(
    `SELECT count(*)::int AS n ${fromOf(database, { ...source, where })}`,
  )
  return found[0]!.n
}

/** The condition that a row has one of these keys. */
export function among(database: Client, key: readonly string[], rows: readonly { readonly key: readonly string[] }[]): string {
  const tuple = (parts: readonly string[]) => `(${parts.join(', ')})`
  const values = rows.map((row) => tuple(row.key.map((each) => database.escapeLiteral(each))))
  return `${tuple(key.map((name) => database.escapeIdentifier(name)))} IN ${tuple(values)}`
}

function fromOf(database: Client, { schema, table, where }: SourceTable): string {
  const from = `FROM ${quoted(database, schema, table)}`
  return where === null ? from : `${from} WHERE (${where})`
}

/**
 * Asks the connector for an incremental snapshot of the table, and of this very signal behind it: when the signal has been read,
 * all of the table has. (Notifications would say so too, but their Kafka channel commits an empty offset when a connector begins,
 * and one that dies then takes its first snapshot for done: seen with Debezium 3.7.0.Final.)
 */
export async function askForSnapshot(database: Client, id: string, { schema, table, where }: SourceTable): Promise<void> {
  // As an expression it matches no table, and is then taken for what it is.
  const [name, signals] = [quoted(database, schema, table), quoted(database, ...signalTable.split('.'))]
  const conditions = [{ 'data-collection': signals, filter: `id = '${id}'` }]
  if (where !== null) conditions.push({ 'data-collection': name, filter: `(${where})` })
  const data = { type: 'incremental', 'data-collections': [name, signals], 'additional-conditions': conditions }
  const text = `INSERT INTO ${signalTable} (id, type, data) VALUES ($1, 'execute-snapshot', $2)`
  await database.query(text, [id, JSON.stringify(data)])
}

function quoted(database: Client, ...names: readonly string[]): string {
  return names.map((name) => database.escapeIdentifier(name)).join('.')
}
