/** In one partition a key's changes have ascending offsets in the order in which the database committed them (SEMANTICS R3.3 c). */
import { quoted } from '../../query/latestState.ts'
import { orderInLake } from '../../verify/compare.ts'
import type { LakeSide } from '../../verify/sides.ts'

/** Rows whose offset is below that of the change before: the key's columns, `partition`, `offset`, `before`, `file`. */
export function backwards(side: LakeSide, key: readonly string[]): string {
  const by = key.map(quoted).join(', ')
  const file = side === 'lake_glob' ? 'filename' : 'NULL'
  return `SELECT ${by}, __kafka_partition AS partition, __kafka_offset AS "offset", before, ${file} AS file FROM (
    SELECT *, lag(__kafka_offset) OVER (PARTITION BY ${by}, __epoch, __kafka_partition ORDER BY ${orderInLake}) AS before
    FROM ${side} WHERE __op <> 'r') WHERE before >= __kafka_offset`
}
