/** All oracles over all tables (SEMANTICS R3.3). Each says what is wrong in a sentence, with the place to look at. */
import pg from 'pg'
import type { KafkaDoor } from '../../../src/kafka/door.ts'
import { quoted } from '../../query/latestState.ts'
import { openReader } from '../../topics/records.ts'
import { compareSides, wrongRows, type Comparison } from '../../verify/compare.ts'
import type { TableKey } from '../../verify/journal.ts'
import type { LakeReader } from '../../verify/lakeReader.ts'
import { lakeSides, readSides, type LakeSide } from '../../verify/sides.ts'
import { accounts, canary, numbered, sumOfBalances } from '../load/tables.ts'
import type { Evidence, Judge, Judgement } from '../story.ts'
import { tellingRuns } from './histories.ts'
import { entryOf, wrongOffsets, wrongRanges } from './log.ts'
import { numbersIn, wrongNumbers } from './numbers.ts'
import { backwards } from './order.ts'
import { balances, wrongSums } from './sums.ts'
import { offsetsOf, transactionEnds } from './topics.ts'

type Tally = { -readonly [K in keyof Judgement]: Judgement[K] extends number ? number : string[] }

export const judge: Judge = async (evidence) => {
  const total: Tally = {
    rows: 0,
    boundaries: 0,
    duplicates: 0,
    missing: 0,
    outOfOrder: 0,
    stateDiffers: 0,
    unaccounted: 0,
    wrongSums: 0,
    tellingRuns: 0,
    violations: [],
  }
  const database = new pg.Client({ connectionString: evidence.databaseUrl })
  // On Ctrl-C the database goes away under an open connection: that is no news.
  database.on('error', () => undefined)
  await database.connect()
  const kafka = openReader(evidence.kafka.brokers)
  try {
    for (const table of evidence.tables) {
      await readSides(database, evidence.reader, { ...table, root: rootOf(evidence, table) })
      await judgeChanges(evidence.reader, table, total)
      await judgeLog(evidence, kafka, table, total)
      if (table.table === numbered.table) await judgeNumbers(evidence, total)
      if (table.table === accounts.table) await judgeSums(evidence, kafka, total)
    }
    const telling = await tellingRuns(evidence.histories, canary)
    total.tellingRuns += telling.length
    tell(total, 'Temporal', telling)
  } finally {
    await kafka.close()
    await database.end()
  }
  return total
}

function rootOf({ roots }: Evidence, { table }: TableKey): string {
  const root = roots.get(table)
  if (root === undefined) throw new Error(`nobody says where ${table} stands in the lake`)
  return root
}

const waysOfReading: Readonly<Record<LakeSide, string>> = { lake_delta: 'by Delta', lake_glob: 'by glob' }

/** The change log and the latest state against PostgreSQL, and offsets against the database's order. */
async function judgeChanges(lake: LakeReader, table: TableKey, total: Tally): Promise<void> {
  const compared = await compareSides(lake, table)
  const { delta, glob } = compared
  const worst = (of: 'missing' | 'surplus' | 'misplaced') => Math.max(delta[of], glob[of])
  total.rows += delta.found
  total.missing += worst('missing')
  total.duplicates += worst('surplus')
  total.outOfOrder += worst('misplaced')
  total.stateDiffers += compared.stateMissing + compared.stateSurplus
  if (!compared.equal) total.violations.push(...(await differences(lake, table, compared)))
  for (const side of lakeSides) {
    const rows = await lake.rows(backwards(side, table.key))
    total.outOfOrder += rows.length
    const said = rows.map(
      (row) =>
        `${keyOf(table, row)}: offset ${row['offset']} of partition ${row['partition']} comes after ${row['before']} in the database's order (${row['file'] ?? 'by Delta'})`,
    )
    tell(total, table.table, said)
  }
}

async function differences(lake: LakeReader, table: TableKey, compared: Comparison): Promise<string[]> {
  const said: string[] = []
  for (const [side, { missing, surplus, misplaced, twice }] of [
    ['lake_delta', compared.delta],
    ['lake_glob', compared.glob],
  ] as const) {
    const way = waysOfReading[side]
    const kinds = [
      [missing, wrongRows.missing(side), 'is missing'],
      [surplus, wrongRows.surplus(side), 'is twice, has other values, or was rolled back'],
      [misplaced, wrongRows.misplaced(side, table.key), "stands elsewhere in its key's order"],
    ] as const
    for (const [count, query, what] of kinds) {
      if (count === 0) continue
      const rows = await lake.rows(`SELECT * FROM (${query}) ORDER BY journal_tx LIMIT 3`)
      const examples = await Promise.all(
        rows.map(async (row) => `${change(table, row)} ${what} (${await placesOf(lake, table, row)})`),
      )
      said.push(
        ...examples.map((example) => `${table.table} ${way}: ${example}`),
        `${table.table} ${way}: in all ${count} such rows`,
      )
    }
    if (twice > 0) said.push(`${table.table} ${way}: ${twice} pairs of partition and offset stand more than once`)
  }
  for (const [count, query, what] of [
    [compared.stateMissing, wrongRows.stateMissing, 'is not in the latest state of the lake'],
    [compared.stateSurplus, wrongRows.stateSurplus, 'is in the latest state of the lake only'],
  ] as const) {
    if (count === 0) continue
    const rows = await lake.rows(`SELECT * FROM (${query}) ORDER BY ALL LIMIT 3`)
    const examples = await Promise.all(
      rows.map(async (row) => `${keyOf(table, row)} ${what} (${await placesOf(lake, table, row)})`),
    )
    said.push(...examples.map((example) => `${table.table}: ${example}`), `${table.table}: in all ${count} such rows`)
  }
  return said
}

function change(table: TableKey, row: Record<string, string | null>): string {
  return `${keyOf(table, row)}, op ${row['journal_op']} of transaction ${row['journal_tx'] ?? '-'}`
}

/** Keys of chaos hold nothing secret. */
function keyOf({ key }: TableKey, row: Record<string, string | null>): string {
  return key.map((column) => `${column} ${row[column] ?? '-'}`).join(', ')
}

/** The newest rows of the lake that have the key, and the transaction where one is named. */
async function placesOf(lake: LakeReader, { key }: TableKey, row: Record<string, string | null>): Promise<string> {
  const is = (column: string, value: string | null | undefined) =>
    `${column} IS NOT DISTINCT FROM ${value == null ? 'NULL' : `'${value}'`}`
  const conditions = key.map((column) => is(quoted(column), row[column]))
  if (row['journal_tx'] != null) conditions.push(is('__tx_id', row['journal_tx']))
  const rows = await lake.rows(`SELECT __op, __kafka_partition AS p, __kafka_offset AS o, filename FROM lake_glob
    WHERE ${conditions.join(' AND ')} ORDER BY __kafka_offset DESC LIMIT 2`)
  const places = rows.map(({ __op, p, o, filename }) => `op ${__op} at partition ${p}, offset ${o}, ${filename}`)
  return places.length > 0 ? places.join('; ') : 'nothing of it in the files'
}

/** The ranges of the log by themselves, and every offset of the topic against the files. */
async function judgeLog(evidence: Evidence, kafka: KafkaDoor, table: TableKey, total: Tally): Promise<void> {
  const { reader } = evidence
  const root = rootOf(evidence, table)
  const files = await reader.rows(`SELECT filename, content FROM read_text('${root}/_delta_log/*.json') ORDER BY filename`)
  const entries = files.map(({ filename, content }) => entryOf(Number(/(\d{20})\.json$/.exec(filename!)![1]), content!))
  const rows = await reader.rows('SELECT filename AS path, __kafka_offset AS "offset" FROM lake_glob')
  const inLake = rows.map(({ path, offset }) => ({ path: path!.slice(root.length + 1), offset: Number(offset) }))
  const records = await offsetsOf(kafka, `${evidence.topicPrefix}.public.${table.table}`)
  const wrong = [...wrongRanges(entries), ...wrongOffsets(entries, inLake, records)]
  total.unaccounted += wrong.length
  tell(total, table.table, wrong)
}

async function judgeNumbers({ reader, facts }: Evidence, total: Tally): Promise<void> {
  for (const side of lakeSides) {
    const rows = await reader.rows(numbersIn(side))
    const numbers = rows.map(({ writer, number, times, doomed }) => ({
      writer: Number(writer),
      number: Number(number),
      times: Number(times),
      doomed: doomed === 'true',
    }))
    const { missing, surplus } = wrongNumbers(numbers, facts.writers)
    total.missing += missing.length
    total.duplicates += surplus.length
    tell(total, `${numbered.table} ${waysOfReading[side]}`, [...missing, ...surplus])
  }
}

async function judgeSums({ reader, topicPrefix }: Evidence, kafka: KafkaDoor, total: Tally): Promise<void> {
  const ends = await transactionEnds(kafka, `${topicPrefix}.transaction`, `public.${accounts.table}`)
  const rows = await reader.rows(balances)
  const changes = rows.map(({ op, tx, account, balance }) => ({
    op: op!,
    tx: tx ?? null,
    account: account!,
    balance: Number(balance),
  }))
  const { boundaries, wrong } = wrongSums(changes, ends, sumOfBalances)
  total.boundaries += boundaries
  total.wrongSums += wrong.length
  tell(total, accounts.table, wrong)
}

const mostTold = 5

function tell(total: Tally, where: string, wrong: readonly string[]): void {
  total.violations.push(...wrong.slice(0, mostTold).map((each) => `${where}: ${each}`))
  if (wrong.length > mostTold) total.violations.push(`${where}: ... and ${wrong.length - mostTold} more of these`)
}
