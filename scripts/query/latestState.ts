/** SQL for the latest state of a table from its log of changes: the newest change of each key, deletes left out (DESIGN §5). */
import { metadataColumns, placesOf, type ColumnRule } from '../../src/core/schema.ts'
import { quoted, text } from './sqlText.ts'
import { todaysColumns, type ColumnStory, type LakeColumn } from './today.ts'

export { quoted, text } from './sqlText.ts'

const order = '__epoch DESC, __cdc_place DESC, __kafka_offset DESC'
/** Until the connector has seen its first commit, the change itself stands for it. */
const streamed = 'row(coalesce(__commit_lsn, __lsn, -1), coalesce(__lsn, -1), coalesce(__tx_order, -1))'
/**
 * Where a change stands in the database's order. A row that a snapshot read stands where its partition had come when it was
 * read: behind all that was streamed there before, in front of all that came after (SEMANTICS R2.5).
 */
const place = `CASE WHEN __op <> 'r' THEN ${streamed} ELSE coalesce(max(CASE WHEN __op <> 'r' THEN ${streamed} END)
      OVER (PARTITION BY __epoch, __kafka_partition ORDER BY __kafka_offset), row(-1, -1, -1)) END`
const ours = new Set([...metadataColumns.map(({ name }) => name), 'cdc_date'])
const toasted = /^(VARCHAR|BLOB|.*\[\])$/

/**
 * `columns` are those of the lake in their order, `key` names of PostgreSQL; `from` is SQL. A TOASTed value that an update did not
 * touch comes from the newest change of the key that has it. `story`: how columns came by what they are.
 */
export function latestState(
  from: string,
  columns: readonly LakeColumn[],
  key: readonly string[],
  story: ColumnStory = {},
): string {
  const users = columns.filter(({ name }) => !ours.has(name))
  const keys = key.map((source) => keyColumns(source, users, story.rules))
  const by = keys.map(keyText).join(', ')
  const values = users.map(({ name, type }) => {
    const value = keys.flat().includes(name) || !toasted.test(type) ? quoted(name) : toldValue(name, by)
    return `${value} AS ${quoted(name)}`
  })
  const names = users.map(({ name }) => quoted(name)).join(', ')
  const truncate = (what: string, none: string): string =>
    `coalesce((SELECT max(${what}) FROM ${from} WHERE __op = 't'), ${none})`
  // A truncate may stand in any partition. Rows of a full snapshot know their own LSN, which is the better measure for them.
  const live = `CASE WHEN __op = 'r' AND __lsn IS NOT NULL THEN row(__epoch, __lsn) > ${truncate('row(__epoch, __lsn)', 'row(-1, -1)')}
      ELSE row(__epoch, __cdc_place) > ${truncate(`row(__epoch, ${streamed})`, 'row(-1, row(-1, -1, -1))')} END`
  return `${readAnew(from)}
    SELECT ${names} FROM (SELECT ${values.join(', ')}, ${gone(by)} AS __cdc_gone,
    row_number() OVER (PARTITION BY ${by} ORDER BY ${order}) AS __cdc_nth
    FROM (SELECT *, ${place} AS __cdc_place FROM ${todaysColumns(from, users, story)}) LEFT JOIN __cdc_anew USING (__kafka_partition)
    WHERE __op <> 't' AND ${live} AND (__cdc_begin IS NULL OR row(__epoch, __kafka_offset) >= __cdc_begin))
    WHERE __cdc_nth = 1 AND NOT __cdc_gone`
}

/**
 * Where, in each partition, the newest full snapshot begins that was read to its end: all that lived has a row from there on, so
 * what stands before it is no longer asked (SEMANTICS R1.12). Rows of one snapshot of a table share their LSN, which those of an
 * incremental one lack, and its very last row says so. That row may be in the lake before rows of other partitions: there it
 * counts once a later one shows that all of them have come. A blocking snapshot may have read a part only, and misses nothing:
 * its rows have the commit before them.
 */
function readAnew(from: string): string {
  return `WITH __cdc_read AS (SELECT __epoch, __kafka_partition, __lsn, min(__kafka_offset) AS begun, max(__kafka_offset) AS ended,
      bool_or(__snapshot IN ('last', 'last_in_data_collection')) AS whole
      FROM ${from} WHERE __op = 'r' AND __lsn IS NOT NULL AND __commit_lsn IS NULL GROUP BY __epoch, __kafka_partition, __lsn),
    __cdc_anew AS (SELECT __kafka_partition, max(row(__epoch, begun)) AS __cdc_begin FROM __cdc_read
      JOIN (SELECT __epoch, __kafka_partition, max(__kafka_offset) AS top FROM ${from} GROUP BY __epoch, __kafka_partition)
        USING (__epoch, __kafka_partition)
      WHERE (whole OR top > ended) AND row(__epoch, __lsn) IN (SELECT row(__epoch, __lsn) FROM __cdc_read WHERE whole)
      GROUP BY __kafka_partition)`
}

/** The lake's columns in which values of this source column stand: one for each type that it had. */
export function keyColumns(source: string, columns: readonly LakeColumn[], rules?: readonly ColumnRule[]): string[] {
  return placesOf(source, rules).filter((place) => columns.some(({ name }) => name === place))
}

/** A key that changed its type is compared by its text: 5 before and '5' after it are one row. */
export function keyText(places: readonly string[]): string {
  if (places.length === 1) return quoted(places[0]!)
  return `coalesce(${places.map((name) => `CAST(${quoted(name)} AS VARCHAR)`).join(', ')})`
}

/**
 * A row that an incremental snapshot read does not bring a deleted key back: PostgreSQL may show a row for a moment after its
 * delete was streamed, and Debezium then sends both in the wrong order (docs/events.md). Who inserts it anew sends an event.
 */
function gone(by: string): string {
  const told = `CASE WHEN __snapshot IS DISTINCT FROM 'incremental' THEN __deleted END`
  const before = `PARTITION BY ${by} ORDER BY ${order} ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING`
  return `coalesce(first_value(${told} IGNORE NULLS) OVER (${before}), false)`
}

/** The newest value of the key that the database told. */
function toldValue(name: string, by: string): string {
  const untold = `list_contains(coalesce(__unchanged_toast, []), ${text(name)})`
  const told = `first_value(${quoted(name)}) OVER (PARTITION BY ${by} ORDER BY ${untold}, ${order})`
  return `CASE WHEN ${untold} THEN ${told} ELSE ${quoted(name)} END`
}
