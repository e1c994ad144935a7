/** Entries of the Delta log: the few actions that Sluice writes, and what it reads of those that others write. */
import { CdcFailure, code } from '../core/failures.ts'
import type { Link, LinkStats } from '../core/receipts.ts'
import { dayText } from '../core/days.ts'
import type { DeltaCompat } from './deltaSchema.ts'

export interface Protocol {
  readonly minReaderVersion: number
  readonly minWriterVersion: number
  readonly readerFeatures?: readonly string[]
  readonly writerFeatures?: readonly string[]
}

export interface MetaData {
  readonly id: string
  readonly format: { readonly provider: 'parquet'; readonly options: Record<string, string> }
  readonly schemaString: string
  readonly partitionColumns: readonly string[]
  readonly configuration: Readonly<Record<string, string>>
  readonly createdTime: number
}

export interface Txn {
  readonly appId: string
  readonly version: number
}

export interface Add {
  readonly path: string
  readonly partitionValues: Readonly<Record<string, string>>
  readonly size: number
  readonly modificationTime: number
  readonly dataChange: boolean
  readonly stats: string
  readonly tags: Readonly<Record<string, string>>
}

export type CommitInfo = Readonly<Record<string, unknown>>

/** One line of an entry. Lines of other kinds (`remove`, `domainMetadata`, ...) are read as `{}`. */
export interface Action {
  readonly protocol?: Protocol
  readonly metaData?: MetaData
  readonly txn?: Txn
  readonly add?: Add
  readonly commitInfo?: CommitInfo
}

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

export function encodeEntry(actions: readonly Action[]): Uint8Array {
  return encoder.encode(actions.map((action) => JSON.stringify(action)).join('\n') + '\n')
}

/** Throws CDC5004 where a line is not a JSON object. */
export function decodeEntry(version: number, bytes: Uint8Array): readonly Action[] {
  try {
    const lines = decoder.decode(bytes).split('\n')
    const actions = lines.filter((line) => line.trim() !== '').map((line) => JSON.parse(line) as Action)
    if (actions.length === 0 || actions.some((action) => typeof action !== 'object' || action === null))
      throw new Error('no actions')
    return actions
  } catch (error) {
    throw new CdcFailure(code.BrokenLog, `entry ${version} of the log cannot be read`, { details: { version }, cause: error })
  }
}

const readerFeatures = ['timestampNtz']
const writerFeatures = ['timestampNtz', 'appendOnly', 'invariants']

export function protocolOf(compat: DeltaCompat): Protocol {
  if (compat === 'v1') return { minReaderVersion: 1, minWriterVersion: 2 }
  return { minReaderVersion: 3, minWriterVersion: 7, readerFeatures, writerFeatures }
}

/** Throws CDC5006 where the table asks for more than Sluice writes (SEMANTICS R2.12). */
export function requireSupported(protocol: Protocol): void {
  const features = [...(protocol.readerFeatures ?? []), ...(protocol.writerFeatures ?? [])].filter(
    (name) => !writerFeatures.includes(name),
  )
  const { minReaderVersion: reader, minWriterVersion: writer } = protocol
  // Versions between 2 and 7 stand for features by number (change data feed, column mapping, ...).
  if (features.length > 0 || !(reader === 1 || reader === 3) || !(writer <= 2 || writer === 7)) {
    throw new CdcFailure(
      code.UnsupportedProtocol,
      `the table asks for protocol ${reader}/${writer} ${features.join(', ')}`.trimEnd(),
      {
        details: { reader, writer, features },
      },
    )
  }
}

/** `modificationTime` is ms since 1970. Names need no escaping in `path`: see core/keys.ts. */
export function addOf(link: Link, modificationTime: number): Add {
  return {
    path: link.key,
    partitionValues: { cdc_date: dayText(link.day) },
    size: link.bytes,
    modificationTime,
    dataChange: true,
    stats: JSON.stringify(statistics(link)),
    tags: {
      'cdc.epoch': String(link.epoch),
      'cdc.partition': String(link.partition),
      'cdc.from': link.base,
      'cdc.next': link.next,
      'cdc.sha256': link.sha256,
      'cdc.schema_id': link.schemaId,
      ...(link.lsn && { 'cdc.lsn_min': link.lsn.min, 'cdc.lsn_max': link.lsn.max }),
    },
  }
}

/** Only the two columns that `delta.dataSkippingStatsColumns` names (SEMANTICS R2.13). */
function statistics({ rows, stats }: Link): object {
  if (stats === null) return { numRecords: rows }
  const { minSourceTs: minTs, maxSourceTs: maxTs }: LinkStats = stats
  return {
    numRecords: rows,
    minValues: { __kafka_offset: Number(stats.minOffset), ...(minTs !== null && { __source_ts: isoMs(minTs, 0n) }) },
    maxValues: { __kafka_offset: Number(stats.maxOffset), ...(maxTs !== null && { __source_ts: isoMs(maxTs, 999n) }) },
    nullCount: { __kafka_offset: 0, ...(minTs === null && { __source_ts: rows }) },
  }
}

/** Delta's statistics count milliseconds: the least is rounded down and the greatest up, so that no row falls outside. */
function isoMs(us: string, roundUp: bigint): string {
  const shifted = BigInt(us) + roundUp
  const ms = shifted / 1000n - (shifted % 1000n < 0n ? 1n : 0n)
  return new Date(Number(ms)).toISOString()
}
