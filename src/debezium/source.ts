/** The block `source` of an envelope: where in the database's log a change stands. */
import { CdcFailure, code } from '../core/failures.ts'
import { stringOf, tokenOf } from './jsonString.ts'
import { ObjectReader } from './objectReader.ts'
import { isToken, startsWith, undecodable } from './scan.ts'
import { bigInteger, smallInteger } from './values/integers.ts'
import { isNull } from './values/misfit.ts'

const names = ['version', 'connector', 'name', 'ts_ms', 'snapshot', 'db', 'sequence', 'ts_us', 'ts_ns', 'schema', 'table']
/** Members of which a change is rare: the connector, and the table, which `expectTable` has checked. */
export const steady: readonly number[] = [0, 1, 2, 5, 9, 10]
const later = ['txId', 'lsn', 'xmin', 'origin', 'origin_lsn']
export const tsMs = 3
export const snapshot = 4
export const sequence = 6
export const tsUs = 7
const schema = 9
const table = 10
export const txId = 11
export const lsn = 12

const snapshots = ['false', 'true', 'first', 'first_in_data_collection', 'last_in_data_collection', 'last', 'incremental']
const snapshotTokens = snapshots.map(tokenOf)

const encoder = new TextEncoder()
/** `sequence` is a JSON array inside a JSON string: `"[\"23\",\"42\"]"` or `"[null,\"42\"]"`. */
const noCommit = encoder.encode('"[null,')
const withCommit = encoder.encode('"[\\"')

export class SourceReader {
  readonly reader = new ObjectReader([...names, ...later])
  private readonly schema: string
  private readonly table: string
  private readonly schemaToken: Uint8Array
  private readonly tableToken: Uint8Array
  private readonly txIds = new Recent()
  private readonly lsns = new Recent()
  private readonly commits = new Recent()

  constructor(of: { schema: string; table: string }) {
    this.schema = of.schema
    this.table = of.table
    this.schemaToken = tokenOf(of.schema)
    this.tableToken = tokenOf(of.table)
  }

  /** Throws CDC3005 ForeignTable where the event read last is of another table (SEMANTICS R1.10). */
  expectTable(bytes: Uint8Array): void {
    const { start, end } = this.reader
    if (
      isToken(bytes, start[table]!, end[table]!, this.tableToken) &&
      isToken(bytes, start[schema]!, end[schema]!, this.schemaToken)
    ) {
      return
    }
    if (start[schema]! < 0 || start[table]! < 0) throw undecodable('the source names no table', this.reader.start[tsMs]!)
    const found = { schema: stringOf(bytes, start[schema]!, end[schema]!), table: stringOf(bytes, start[table]!, end[table]!) }
    if (found.schema === this.schema && found.table === this.table) return
    const message = `a change of ${found.schema}.${found.table} stands in the topic of ${this.schema}.${this.table}`
    throw new CdcFailure(code.ForeignTable, message, { details: found })
  }

  tsUs(bytes: Uint8Array): number | null {
    const us = this.small(bytes, tsUs)
    if (us !== null) return us
    const ms = this.small(bytes, tsMs)
    return ms === null ? null : ms * 1000
  }

  lsn(bytes: Uint8Array): bigint | null {
    return this.lsns.at(bytes, this.reader.start[lsn]!, this.reader.end[lsn]!)
  }

  txId(bytes: Uint8Array): bigint | null {
    return this.txIds.at(bytes, this.reader.start[txId]!, this.reader.end[txId]!)
  }

  snapshot(bytes: Uint8Array): string | null {
    const start = this.reader.start[snapshot]!
    const end = this.reader.end[snapshot]!
    if (start < 0 || isNull(bytes, start)) return null
    for (let i = 0; i < snapshotTokens.length; i++) if (isToken(bytes, start, end, snapshotTokens[i]!)) return snapshots[i]!
    if (bytes[start] === 0x74) return 'true'
    if (bytes[start] === 0x66) return 'false'
    return stringOf(bytes, start, end)
  }

  /** The first element of `sequence`: LSN of the last commit, null before the first one. */
  commitLsn(bytes: Uint8Array): bigint | null {
    const start = this.reader.start[sequence]!
    const end = this.reader.end[sequence]!
    if (start < 0 || isNull(bytes, start) || startsWith(bytes, start, end, noCommit)) return null
    if (startsWith(bytes, start, end, withCommit)) {
      let stop = start + withCommit.length
      while (stop < end && bytes[stop] !== 0x5c) stop++
      return this.commits.at(bytes, start + withCommit.length, stop)
    }
    return sequenceHead(bytes, start, end)
  }

  private small(bytes: Uint8Array, index: number): number | null {
    const start = this.reader.start[index]!
    if (start < 0 || isNull(bytes, start)) return null
    const value = smallInteger(bytes, start, this.reader.end[index]!)
    if (value !== value) throw undecodable('the source has no whole number for a time', start)
    return value
  }
}

/** A bigint is made only where the number differs from the one before: rows of one transaction share most of theirs. */
export class Recent {
  private value = NaN
  private big = 0n

  /** The integer token at [start, end); null where it is absent or `null`. */
  at(bytes: Uint8Array, start: number, end: number): bigint | null {
    if (start < 0 || isNull(bytes, start)) return null
    const value = smallInteger(bytes, start, end)
    if (value === this.value) return this.big
    if (value !== value) {
      const big = bigInteger(bytes, start, end)
      if (big === null) throw undecodable('a whole number is needed here', start)
      return big
    }
    this.value = value
    this.big = BigInt(value)
    return this.big
  }
}

function sequenceHead(bytes: Uint8Array, start: number, end: number): bigint | null {
  let parsed: unknown
  try {
    parsed = JSON.parse(stringOf(bytes, start, end))
  } catch {
    parsed = null
  }
  const head: unknown = Array.isArray(parsed) ? parsed[0] : undefined
  if (head === null) return null
  if (typeof head !== 'string' || !/^\d{1,19}$/.test(head)) throw undecodable('the source has an odd sequence', start)
  return BigInt(head)
}
