/** `npm run columns`: what the database knows of a table's columns and no change tells, recorded in the table's log. */
import { randomUUID } from 'node:crypto'
import { configOfProcess } from '../../src/config/process.ts'
import { resolveTable } from '../../src/config/tables.ts'
import { nothing } from '../../src/core/failpoints.ts'
import { openKafka } from '../../src/kafka/door.ts'
import { parquetLink } from '../../src/lake/parquetLink.ts'
import { readSnapshot, recordLearned, type LakeContext } from '../../src/lake/table.ts'
import { kafkaSettings, openStore } from '../../src/workers/doors.ts'
import { storyOf } from '../query/story.ts'
import type { Rename } from '../query/today.ts'
import { Finding } from '../table/finding.ts'
import { answered, misused, wordsOf, type Answer, type Output } from '../table/output.ts'
import { grid } from '../table/screens.ts'
import { sourceUsage, withSource } from '../table/source.ts'
import { addedColumns, type AddedColumn } from './database.ts'
import { laterColumns, type LaterColumn } from './later.ts'
import { renamesTold } from './renames.ts'

const usage = `usage: npm run columns -- <table> [--json]

Records in the table's log what no change tells of its columns; <table>_now of npm run query then shows it. The log of changes
itself stays as it is.

- Constant defaults of columns that were added later. ALTER TABLE ... ADD COLUMN ... DEFAULT changes the rows that are there
  without an event for any of them; PostgreSQL keeps a constant in its catalog. Run this soon after the change: VACUUM FULL and
  other rewrites of the table make PostgreSQL forget.
- Renames of columns, where the database tells them (docker/postgres/renames.sql). Run this while Kafka still has them.

Options:
  --json    one JSON document
  --help    this text

Surroundings: those of npm start, by environment or tables.yaml; ${sourceUsage}.

Exit codes: 0 fine, 1 a finding or a failure, 2 wrong use.`

export async function columns(args: readonly string[], json: boolean): Promise<Output> {
  const words = wordsOf(args, 'columns', usage, json)
  if ('exit' in words) return words
  if (words.length !== 1) return misused('one table is expected', usage, json)
  return answered(await record(words[0]!), 'columns', json)
}

async function record(name: string): Promise<Answer> {
  const config = configOfProcess()
  const table = resolveTable(config, name)
  const ctx: LakeContext = {
    store: openStore(config.lake),
    root: table.root,
    clock: Date.now,
    random: randomUUID,
    reach: nothing,
    format: parquetLink,
  }
  const snapshot = await readSnapshot(ctx)
  if (snapshot === null) throw new Finding(`There is no table ${table.name} in the lake at ${config.lake.url}.`)
  const kafka = openKafka(kafkaSettings(config))
  const told = await renamesTold(kafka, config.pipeline.topicPrefix, table.name).finally(() => kafka.close())
  const by = { writer: 'sluice columns', workflowId: '', runId: '' }
  const renames = told.map(({ from, to, lsn }) => [from, to, lsn] as const)
  const renamed = await recordLearned(ctx, snapshot, { defaults: [], renames }, by)

  const { story } = storyOf(renamed.metaData.configuration)
  const added = JSON.parse(renamed.metaData.configuration['cdc.added'] ?? '[]') as [string, string][]
  const later = laterColumns(
    added.map(([column]) => column),
    renamed.schema.columns.map((column) => column.name),
    story,
  )
  const names = later.map(({ source }) => source)
  const found = await withSource(config.pipeline.database, (client) => addedColumns(client, table.schema, table.table, names))
  const columns = later.map((column, i) => describe(column, found[i]!))
  const defaults = columns.flatMap(({ column, kind, text }) =>
    kind === 'constant' && text !== null ? [[column, text] as const] : [],
  )
  const { version } = await recordLearned(ctx, renamed, { defaults, renames: [] }, by)
  const unread = columns.some(({ kind }) => kind === 'rewritten' || kind === 'left out')
  const json = { table: table.name, version, columns, renames: story.renames }
  return { exit: unread ? 1 : 0, text: screen(table.name, columns, story.renames ?? []), json }
}

interface Described {
  readonly column: string
  readonly source: string
  /** `left out`: no default is shown, since changes that were carried without the column may have had other values. */
  readonly kind: AddedColumn['kind'] | 'left out'
  readonly text: string | null
}

function describe({ column, source, leftOut }: LaterColumn, { kind, text }: AddedColumn): Described {
  return leftOut && kind !== 'gone' ? { column, source, kind: 'left out', text: null } : { column, source, kind, text }
}

const saying: Readonly<Record<Described['kind'], string>> = {
  constant: 'rows from before it show this in the latest state',
  rewritten: 'old rows have values that sent no event: npm run backfill has them',
  'left out': 'was left out of changes that were carried: npm run backfill has its values',
  none: 'rows from before it have NULL, in the database too',
  gone: 'is no column of the database any more',
}

export function screen(table: string, columns: readonly Described[], renames: readonly Rename[]): string {
  const later = columns.map(({ column, kind, text }) => [`  ${column}`, text ?? '', saying[kind]])
  const renamed = renames.map(({ from, to }) => [`  ${from}`, `is ${to} now`])
  const first =
    columns.length === 0
      ? `${table} has all its columns from the beginning.`
      : `${table}: columns that came later\n\n${grid(later)}`
  return renames.length === 0 ? first : `${first}\n\nrenamed\n\n${grid(renamed)}`
}
