/**
 * Walks the records of a range into columns and finds where the link ends: at `to`, at a limit, before a record that needs a
 * column which the table lacks, before the first event of a later day, or before a record that parks the table (DESIGN §4.4).
 */
import { CdcFailure } from '../core/failures.ts'
import type { WriteJob } from '../core/jobs.ts'
import { offsetText, parseOffset } from '../core/offsets.ts'
import type { Anchor, Growth } from '../core/receipts.ts'
import type { RangeStep, RecordBlock } from '../core/records.ts'
import type { TableSchema } from '../core/schema.ts'
import type { Decoder } from '../debezium/decoder.ts'
import { recordHash, type LinkFacts } from '../lake/table.ts'
import { dayOfEvent } from '../rows/day.ts'
import type { SchemaChange } from '../rows/placing.ts'
import { createRowBatch, type RowBatch } from '../rows/rowBatch.ts'

export interface RangeScan {
  readonly batch: RowBatch
  /** Rows of the whole range, those of row groups that are already written included. */
  readonly rows: number
  /** True where the link ends inside this step. Throws what parks the table, unless rows before it can be carried first. */
  take(step: RangeStep): boolean
  /** How the range ended; final after the last step. */
  end(): { next: string; nextDay: number; growth: Growth | null }
  facts(): Omit<LinkFacts, 'rules'>
}

export function scanRange(job: WriteJob, schema: TableSchema, decoder: Decoder, policy?: SchemaChange): RangeScan {
  const batch = createRowBatch(schema, { epoch: job.epoch, partition: job.partition, high: job.high }, policy)
  const { maxRows, maxBytes } = job.limits
  let next = parseOffset(job.from)
  let nextDay = job.day
  let growth: Growth | null = null
  let rawBytes = 0
  let last: { block: RecordBlock; index: number } | null = null

  /** True: the link ends before record i. */
  function endsBefore(block: RecordBlock, i: number): boolean {
    const offset = block.baseOffset + BigInt(block.offsetDelta[i]!)
    next = offset
    const event = decoder.decode(block, i)
    if (event !== null) {
      const day = dayOfEvent(event, block.timestamp[i]!)
      if (day !== null && day > job.day) {
        nextDay = day
        if (batch.totalRows === 0) {
          // An empty link that only says where the next one stands: what was scanned before is scanned again.
          next = parseOffset(job.base)
          last = null
        }
        return true
      }
      growth = batch.need(event)
      if (growth !== null) return true
      batch.append(event, offset, block.timestamp[i]!)
    }
    next = offset + 1n
    last = { block, index: i }
    rawBytes += Math.max(0, block.keyEnd[i]! - block.keyStart[i]!) + Math.max(0, block.valueEnd[i]! - block.valueStart[i]!)
    return false
  }

  return {
    batch,
    get rows() {
      return batch.totalRows
    },
    take(step) {
      for (const block of step.blocks) {
        for (let i = 0; i < block.count; i++) {
          try {
            if (endsBefore(block, i)) return true
          } catch (error) {
            if (error instanceof CdcFailure && error.policy === 'park' && batch.totalRows > 0) return true
            throw error
          }
          if (batch.totalRows >= maxRows || rawBytes >= maxBytes) return true
        }
      }
      next = step.next
      return false
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
        anchor: last && anchorOf(last),
        quarantine: null,
      }
    },
  }
}

export function anchorOf({ block, index: i }: { block: RecordBlock; index: number }): Anchor {
  const key = block.keyStart[i]! < 0 ? null : block.bytes.subarray(block.keyStart[i], block.keyEnd[i])
  const value = block.valueStart[i]! < 0 ? null : block.bytes.subarray(block.valueStart[i], block.valueEnd[i])
  return {
    offset: offsetText(block.baseOffset + BigInt(block.offsetDelta[i]!)),
    timestampMs: block.timestamp[i]!,
    hash: recordHash(key, value),
  }
}
