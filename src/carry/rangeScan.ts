/**
 * Walks the records of a range into columns and finds where the link ends: at `to`, at a limit, before a record that needs a
 * column which the table lacks, before the first event of a later day, or before a record that parks the table (DESIGN §4.4).
 */
import { CdcFailure, code } from '../core/failures.ts'
import type { WriteJob } from '../core/jobs.ts'
import { offsetText, parseOffset } from '../core/offsets.ts'
import type { Anchor, Growth } from '../core/receipts.ts'
import type { RangeStep, RecordBlock } from '../core/records.ts'
import type { TableSchema } from '../core/schema.ts'
import type { Decoder } from '../debezium/decoder.ts'
import type { SetAside } from '../lake/quarantine.ts'
import { recordHash, type LinkFacts } from '../lake/table.ts'
import { usPerDay } from '../core/days.ts'
import { dayOfEvent } from '../rows/day.ts'
import type { SchemaChange } from '../rows/placing.ts'
import { recordRuns } from './recordRuns.ts'
import { createRowBatch, type RowBatch } from '../rows/rowBatch.ts'

/** What the table's config says of records that ask for something. */
export interface ScanPolicies {
  readonly schemaChange?: SchemaChange
  /** `quarantine`: a record of which no row can be made is set aside; else it parks the table. */
  readonly badRecords?: 'park' | 'quarantine'
}

/** A record by itself: other failures are about the table, and would set aside everything. */
const ofOneRecord: ReadonlySet<string> = new Set([code.UndecodableRecord, code.ValueOutOfRange])
/** More in one range are no exceptions any more: the table parks. */
const mostSetAside = 1000

export interface RangeScan {
  readonly batch: RowBatch
  /** Records that are to go to quarantine, in their order. */
  readonly setAside: readonly SetAside[]
  /** Nothing was kept so far: neither rows, those of row groups that are already written included, nor records set aside. */
  readonly isEmpty: boolean
  /** True where the link ends inside this step. Throws what parks the table, unless rows before it can be carried first. */
  take(step: RangeStep): boolean
  /** How the range ended; final after the last step. */
  end(): { next: string; nextDay: number; growth: Growth | null }
  facts(): Omit<LinkFacts, 'rules' | 'quarantine'>
}

export function scanRange(job: WriteJob, schema: TableSchema, decoder: Decoder, policies: ScanPolicies = {}): RangeScan {
  const batch = createRowBatch(schema, { epoch: job.epoch, partition: job.partition, high: job.high }, policies.schemaChange)
  const setAside: SetAside[] = []
  const isEmpty = () => batch.totalRows === 0 && setAside.length === 0
  const { maxRows, maxBytes } = job.limits
  let next = parseOffset(job.from)
  let nextDay = job.day
  let growth: Growth | null = null
  /** Of the values that were passed, without their schemas: these say nothing of what the rows take. */
  let valueBytes = 0
  /** The last record that belongs to the link, and its place in the block at hand; -1: it stands in none of this one. */
  let last: LastRecord | null = null
  let lastIndex = -1
  const runs = recordRuns(decoder, batch)
  const dayEnd = (job.day + 1) * usPerDay

  /** True: the link ends before record i. */
  function endsBefore(block: RecordBlock, i: number): boolean {
    runs.settle()
    const event = decoder.decode(block, i)
    if (event !== null) {
      const day = dayOfEvent(event, block.timestamp[i]!)
      if (day !== null && day > job.day) {
        nextDay = day
        return true
      }
      growth = batch.need(event)
      if (growth !== null) return true
      batch.append(event, offsetOf(block, i), block.timestamp[i]!)
      runs.learn(block)
    }
    passed(block, i, i + 1, event === null ? 0 : decoder.schemaBytes)
    return false
  }

  function passed(block: RecordBlock, from: number, to: number, schemaBytes: number): void {
    if (to > from) lastIndex = to - 1
    for (let i = from; i < to; i++) {
      if (block.valueStart[i]! >= 0) valueBytes += block.valueEnd[i]! - block.valueStart[i]! - schemaBytes
    }
  }

  /** True: the link ends before record i, for which the table then parks, unless it is the first one. */
  function fails(error: unknown, block: RecordBlock, i: number): boolean {
    if (!(error instanceof CdcFailure) || error.policy !== 'park') throw error
    if (policies.badRecords === 'quarantine' && ofOneRecord.has(error.code)) {
      if (setAside.length === mostSetAside) throw tooMany(error)
      setAside.push(setAsideOf(error, block, i))
      passed(block, i, i + 1, 0)
      return false
    }
    if (isEmpty()) throw error
    return true
  }

  function endedBefore(offset: bigint): true {
    next = offset
    if (nextDay !== job.day && isEmpty()) {
      // An empty link that only says where the next one stands: what was scanned before is scanned again.
      next = parseOffset(job.base)
      last = null
      lastIndex = -1
    }
    return true
  }

  function takeBlock(block: RecordBlock): boolean {
    lastIndex = -1
    const ended = scanBlock(block)
    if (lastIndex >= 0) last = kept(block, lastIndex)
    return ended
  }

  function scanBlock(block: RecordBlock): boolean {
    for (let i = 0; i < block.count;) {
      const run = runs.read(block, i, { rows: maxRows - batch.totalRows - runs.rows, bytes: maxBytes - valueBytes, dayEnd })
      passed(block, i, run.next, runs.schemaBytes)
      i = run.next
      if (run.stop === 'limit') return endedBefore(offsetOf(block, i - 1) + 1n)
      if (run.stop !== 'slow') continue
      let ends
      try {
        ends = endsBefore(block, i)
      } catch (error) {
        ends = fails(error, block, i)
      }
      if (ends) return endedBefore(offsetOf(block, i))
      i++
      if (batch.totalRows >= maxRows || valueBytes >= maxBytes) return endedBefore(offsetOf(block, i - 1) + 1n)
    }
    return false
  }

  return {
    batch,
    setAside,
    get isEmpty() {
      return isEmpty()
    },
    take(step) {
      try {
        for (const block of step.blocks) if (takeBlock(block)) return true
        next = step.next
        return false
      } finally {
        runs.settle()
      }
    },
    end: () => ({ next: offsetText(next), nextDay, growth }),
    facts() {
      const { stats, lsn, order } = batch.facts()
      return {
        next: offsetText(next),
        nextDay,
        rows: batch.totalRows,
        stats,
        lsn,
        order,
        anchor: last && {
          offset: offsetText(last.offset),
          timestampMs: last.timestampMs,
          hash: recordHash(last.key, last.value),
        },
      }
    },
  }
}

function tooMany({ code, message, details, hint }: CdcFailure): CdcFailure {
  const why = `${message.slice(code.length + 1)}, and ${mostSetAside} records before it in one range are as bad`
  return new CdcFailure(code, `${why}: none was set aside`, { hint, details })
}

function setAsideOf({ code, message }: CdcFailure, block: RecordBlock, i: number): SetAside {
  return { ...kept(block, i), code, reason: message.slice(code.length + 1) }
}

export function anchorOf(block: RecordBlock, i: number): Anchor {
  const { key, value } = partsOf(block, i)
  return {
    offset: offsetText(offsetOf(block, i)),
    timestampMs: block.timestamp[i]!,
    hash: recordHash(key, value),
  }
}

type LastRecord = Omit<SetAside, 'code' | 'reason'>

/** Copied: the block's memory is used again for the next one. (The slice of a Buffer would be a view.) */
function kept(block: RecordBlock, i: number): LastRecord {
  const { key, value } = partsOf(block, i)
  return {
    offset: offsetOf(block, i),
    timestampMs: block.timestamp[i]!,
    key: key && new Uint8Array(key),
    value: value && new Uint8Array(value),
  }
}

function offsetOf({ baseOffset, offsetDelta }: RecordBlock, i: number): bigint {
  return baseOffset + BigInt(offsetDelta[i]!)
}

function partsOf(block: RecordBlock, i: number): { key: Uint8Array | null; value: Uint8Array | null } {
  const key = block.keyStart[i]! < 0 ? null : block.bytes.subarray(block.keyStart[i], block.keyEnd[i])
  const value = block.valueStart[i]! < 0 ? null : block.bytes.subarray(block.valueStart[i], block.valueEnd[i])
  return { key, value }
}
