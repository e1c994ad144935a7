/** `npm run defaults`: constant defaults of columns that came later, from the database's catalog into the table's log. */
import { randomUUID } from 'node:crypto'
import { parseArgs } from 'node:util'
import { lakeOfProcess } from '../../src/config/process.ts'
import { parseTableName } from '../../src/config/tables.ts'
import { nothing } from '../../src/core/failpoints.ts'
import { tableRoot } from '../../src/core/names.ts'
import { parquetLink } from '../../src/lake/parquetLink.ts'
import { readSnapshot, recordDefaults, type LakeContext, type Snapshot } from '../../src/lake/table.ts'
import { openStore } from '../../src/workers/deps.ts'
import { Finding } from '../table/finding.ts'
import { answered, misused, type Answer, type Output } from '../table/output.ts'
import { grid } from '../table/screens.ts'
import { sourceUsage, withSource } from '../table/source.ts'
import { addedColumns, type AddedColumn } from './database.ts'

const usage = `usage: npm run defaults -- <table> [--json]

ALTER TABLE ... ADD COLUMN ... DEFAULT changes the rows that are there without an event for any of them. Where the default is a
constant, PostgreSQL keeps it in its catalog; this reads it there and records it in the table's log, and <table>_now of
npm run query shows it for rows that were written before the column existed. The log of changes itself stays as it is.
Run it soon after the change: VACUUM FULL and other rewrites of the table make PostgreSQL forget.

Options:
  --json    one JSON document
  --help    this text

Surroundings: ${sourceUsage}; the lake as for npm run query, with CDC_DATABASE.

Exit codes: 0 fine, 1 a finding or a failure, 2 wrong use.`

export async function defaults(args: readonly string[], json: boolean): Promise<Output> {
  let parsed
  try {
    const options = { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const
    parsed = parseArgs({ args: [...args], options, allowPositionals: true })
  } catch (error) {
    return misused((error as Error).message.replace(/\. To specify.*$/s, ''), usage, json)
  }
  const { values, positionals } = parsed
  if (values.help) return answered({ exit: 0, text: usage, json: { help: usage } }, 'defaults', json)
  if (positionals.length !== 1) return misused('one table is expected', usage, json)
  return answered(await record(positionals[0]!), 'defaults', json)
}

async function record(name: string): Promise<Answer> {
  const { lake, database, defaultSchema } = lakeOfProcess()
  if (database === null) throw new Finding('CDC_DATABASE is not set: the name of the database, which is a folder in the lake.')
  const table = parseTableName(name, defaultSchema)
  const root = tableRoot(database, table.schema, table.table)
  const ctx: LakeContext = {
    store: openStore(lake),
    root,
    clock: Date.now,
    random: randomUUID,
    reach: nothing,
    format: parquetLink,
  }
  const snapshot = await readSnapshot(ctx)
  if (snapshot === null) throw new Finding(`There is no table ${table.name} in the lake at ${lake.url}.`)
  const columns = await withSource(database, (client) => addedColumns(client, table.schema, table.table, namesOf(snapshot)))
  const constants = columns.flatMap(({ name, kind, text }) =>
    kind === 'constant' && text !== null ? [[name, text] as const] : [],
  )
  const by = { writer: 'sluice defaults', workflowId: '', runId: '' }
  const after = constants.length > 0 ? await recordDefaults(ctx, snapshot, constants, by) : snapshot
  const rewritten = columns.some(({ kind }) => kind === 'rewritten')
  const json = { table: table.name, version: after.version, columns }
  return { exit: rewritten ? 1 : 0, text: screen(table.name, columns), json }
}

/** Columns that came after the first ones; the lake's names are the database's, but for those that rules send elsewhere. */
function namesOf({ metaData }: Snapshot): string[] {
  return (JSON.parse(metaData.configuration['cdc.added'] ?? '[]') as [string, string][]).map(([name]) => name)
}

const told: Readonly<Record<AddedColumn['kind'], string>> = {
  constant: 'rows from before it show this in the latest state',
  rewritten: 'old rows have values that sent no event: npm run backfill has them',
  none: 'rows from before it have NULL, in the database too',
  gone: 'is no column of the database any more',
}

export function screen(table: string, columns: readonly AddedColumn[]): string {
  if (columns.length === 0) return `${table} has all its columns from the beginning.`
  return `${table}: columns that came later\n\n${grid(columns.map(({ name, kind, text }) => [`  ${name}`, text ?? '', told[kind]]))}`
}
