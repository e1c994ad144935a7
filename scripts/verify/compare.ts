/**
 * The verdict: every change that the database committed stands in the lake once, in order per key, with equal values, and the
 * latest state is equal, both ways. Read twice: through the Delta table and by globbing the bare Parquet files.
 */
import type { Client } from 'pg'
import { latestState, quoted, text } from '../query/latestState.ts'
import type { TableKey } from './journal.ts'
import type { LakeReader } from './lakeReader.ts'
import { lakeSides, readSides, type Compared, type LakeSide } from './sides.ts'

export interface Comparison {
  readonly table: string
  /** Changes in the database's journal. */
  readonly expected: number
  readonly delta: ChangesFound
  readonly glob: ChangesFound
  /** Rows of the database that the lake's latest state lacks or has with other values, and the other way round. */
  readonly stateMissing: number
  readonly stateSurplus: number
  readonly stateRows: number
  readonly equal: boolean
}

export interface ChangesFound {
  /** Rows of the lake, without rows that a snapshot read again. */
  readonly found: number
  /** Changes of the journal that the lake lacks. */
  readonly missing: number
  /** Rows of the lake that the journal lacks: twice, with other values, or rolled back. */
  readonly surplus: number
  /** Rows of keys whose changes are all there, which stand elsewhere in the key's order than in the journal. */
  readonly misplaced: number
  /** (partition, offset) pairs that stand more than once. */
  readonly twice: number
}

/** Reads both sides of one table that has a journal. Both must be at rest. */
export async function compareTable(database: Client, lake: LakeReader, compared: Compared): Promise<Comparison> {
  await readSides(database, lake, compared)
  return compareSides(lake, compared)
}

/** Over the relations that `readSides` makes. */
export async function compareSides(lake: Querying, { table, key }: TableKey): Promise<Comparison> {
  await prepareComparison(lake, key)
  const counted = async (side: LakeSide): Promise<ChangesFound> => {
    const moreThanOnce = `SELECT 1 FROM ${side} GROUP BY __epoch, __kafka_partition, __kafka_offset HAVING count(*) > 1`
    const seen = { found: await count(lake, `FROM ${side}_changes`), twice: await count(lake, moreThanOnce) }
    if ((await count(lake, differing(side))) === 0) return { ...seen, missing: 0, surplus: 0, misplaced: 0 }
    return {
      ...seen,
      missing: await count(lake, wrongRows.missing(side)),
      surplus: await count(lake, wrongRows.surplus(side)),
      misplaced: await count(lake, wrongRows.misplaced(side, key)),
    }
  }
  const [delta, glob] = [await counted('lake_delta'), await counted('lake_glob')]
  const expected = await count(lake, 'FROM journal')
  const state = {
    stateRows: await count(lake, 'FROM state'),
    stateMissing: await count(lake, wrongRows.stateMissing),
    stateSurplus: await count(lake, wrongRows.stateSurplus),
  }
  const flaws = [delta, glob].flatMap(({ missing, surplus, misplaced, twice }) => [missing, surplus, misplaced, twice])
  const equal = [...flaws, state.stateMissing, state.stateSurplus].every((n) => n === 0)
  return { table, expected, delta, glob, ...state, equal }
}

export type Querying = Pick<LakeReader, 'rows' | 'run'>

/** Rows that are wrong, once `compareSides` has looked: the user's columns, of changes `journal_op`, `journal_tx` and `journal_nth` too. */
export const wrongRows = {
  missing: (side: LakeSide): string => `${inAnyPlace('journal')} EXCEPT ALL ${inAnyPlace(side)}`,
  surplus: (side: LakeSide): string => `${inAnyPlace(side)} EXCEPT ALL ${inAnyPlace('journal')}`,
  // Behind a change that is missing or too much all later ones of its key would be called misplaced.
  misplaced: (
    side: LakeSide,
    key: readonly string[],
  ): string => `SELECT * FROM (FROM ${side}_changes EXCEPT FROM journal_changes) AS moved
    ANTI JOIN (SELECT * FROM (${wrongRows.missing(side)}) UNION ALL SELECT * FROM (${wrongRows.surplus(side)})) AS wrong
    ON ${key.map((column) => `moved.${quoted(column)} IS NOT DISTINCT FROM wrong.${quoted(column)}`).join(' AND ')}`,
  stateMissing: 'FROM state EXCEPT ALL FROM latest',
  stateSurplus: 'FROM latest EXCEPT ALL FROM state',
}

function inAnyPlace(side: 'journal' | LakeSide): string {
  return `SELECT * EXCLUDE journal_nth FROM ${side}_changes`
}

/** Changes are numbered within their key, so none is there twice: these are all that is not equal, in place or values. */
function differing(side: LakeSide): string {
  return `(FROM journal_changes EXCEPT FROM ${side}_changes) UNION ALL (FROM ${side}_changes EXCEPT FROM journal_changes)`
}

async function prepareComparison(lake: Querying, key: readonly string[]): Promise<void> {
  const columns = (await lake.rows('DESCRIBE state')).map((row) => row['column_name']!)
  const shape = (await lake.rows('DESCRIBE lake_delta')).map((row) => ({ name: row['column_name']!, type: row['column_type']! }))
  for (const side of ['journal', ...lakeSides] as const)
    await lake.run(`CREATE OR REPLACE TEMP TABLE ${side}_changes AS ${changesOf(side, columns, key)}`)
  await lake.run(
    `CREATE OR REPLACE TEMP TABLE latest AS SELECT ${columns.map(quoted).join(', ')} FROM (${latestState('lake_delta', shape, key)})`,
  )
}

/** One row a change: what it did, in which transaction, as the how-manieth change of its key (`journal_nth`), with which values. */
function changesOf(from: 'journal' | LakeSide, columns: readonly string[], key: readonly string[]): string {
  const by = key.map(quoted).join(', ')
  const ofLake = from !== 'journal'
  const order = ofLake ? orderInLake : 'journal_seq'
  const value = (name: string): string => (ofLake ? toldBefore(name, by) : quoted(name))
  const values = columns
    .filter((name) => !key.includes(name))
    .map((name) => `CASE WHEN journal_op <> 'd' THEN ${value(name)} END AS ${quoted(name)}`)
  const changes = ofLake ? changesInLake(from, by) : 'SELECT * FROM journal'
  return `SELECT ${[by, 'journal_op', 'journal_tx', ...values].join(', ')}, row_number() OVER (PARTITION BY ${by} ORDER BY ${order}) AS journal_nth FROM (${changes})`
}

/** Rows of the first snapshot come before all that was streamed (docs/events.md). */
export const orderInLake = `__epoch, __op <> 'r', coalesce(__commit_lsn, __lsn), __lsn, __tx_order NULLS FIRST, __kafka_offset`

/** A snapshot that was broken off and begun anew, or an incremental one, reads rows again: these are no changes. */
function changesInLake(from: LakeSide, by: string): string {
  return `SELECT *, __op AS journal_op, CASE WHEN __op <> 'r' THEN __tx_id END AS journal_tx FROM ${from} QUALIFY __op <> 'r'
    OR (__snapshot IS DISTINCT FROM 'incremental' AND row_number() OVER (PARTITION BY __epoch, __op, ${by} ORDER BY __kafka_partition, __kafka_offset) = 1)`
}

/** A value out of line that an update did not touch is not sent: it is the one that the key's changes told last. */
function toldBefore(name: string, by: string): string {
  const untold = `list_contains(coalesce(__unchanged_toast, []), ${text(name)})`
  const told = `last_value(CASE WHEN NOT ${untold} THEN {'value': ${quoted(name)}} END IGNORE NULLS)`
  return `CASE WHEN ${untold} THEN (${told} OVER (PARTITION BY ${by} ORDER BY ${orderInLake})).value ELSE ${quoted(name)} END`
}

async function count(lake: Querying, query: string): Promise<number> {
  const [row] = await lake.rows(`SELECT count(*) AS n FROM (${query})`)
  return Number(row!['n'])
}
