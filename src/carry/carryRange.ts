/**
 * One range end to end: Kafka records -> change events -> columns -> one link in the lake, cut where the protocol says so
 * (DESIGN §4.4). The job and the receipt are plain JSON; what happens in between stays in this thread.
 */
import { CdcFailure, code } from '../core/failures.ts'
import type { Reach } from '../core/failpoints.ts'
import type { WriteJob } from '../core/jobs.ts'
import { parseOffset } from '../core/offsets.ts'
import type { Quarantine, Receipt } from '../core/receipts.ts'
import type { RangeReader } from '../core/records.ts'
import { fileColumns } from '../core/schema.ts'
import { adoptLink, openLink, receiptOf, requireOpen, type LakeContext, type LinkWriter, type Snapshot } from '../lake/table.ts'
import { openParquet, type ParquetWriter } from '../lake/parquet.ts'
import { putQuarantine, quarantineFile } from '../lake/quarantine.ts'
import type { Decoder } from '../debezium/decoder.ts'
import { scanRange, type RangeScan, type ScanPolicies } from './rangeScan.ts'

/** Names the rules by which records become rows; raised whenever the same record would give another row. */
export const rowRules = '1'

export interface CarryTools {
  readonly reader: RangeReader
  readonly lake: LakeContext
  /** The table as its log has it: at least as new as the schema that the range may need. */
  readonly table: Snapshot
  readonly decoder: Decoder
  readonly policies?: ScanPolicies
  readonly reach: Reach
  readonly signal: AbortSignal
  /** 2 and up: an earlier attempt may have put the link already, and reading again would be for nothing. */
  readonly attempt: number
}

/** A row group is closed at this many rows: a query passes over those whose bounds rule its filter out. */
const rowGroupRows = 20_000
/** And at this many bytes of columns: what bounds the memory of one range, however wide its rows are. */
const rowGroupBytes = 16 * 1024 * 1024

/**
 * Carries `[from, to)` of one partition, or as much of it as belongs into one link. Harmless to repeat: what stands is adopted.
 * Throws CDC5001 where the store does not say what stands, and every parking code before anything is put (DESIGN §4.7).
 */
export async function carryRange(job: WriteJob, tools: CarryTools): Promise<Receipt> {
  if (tools.attempt > 1) {
    const standing = await adopt(job, tools)
    if (standing) return standing
  }
  try {
    return await write(job, tools)
  } catch (error) {
    // No verdict before the next link was looked at: another carrier may have put it while Kafka still had the records.
    if (!(error instanceof CdcFailure) || error.policy !== 'park') throw error
    const standing = await adopt(job, tools)
    if (standing) return standing
    throw error
  }
}

async function write(job: WriteJob, tools: CarryTools): Promise<Receipt> {
  const scan = scanRange(job, tools.table.schema, tools.decoder, tools.policies)
  const file = new LinkFile(job, tools)
  try {
    const range = { topic: job.topic, partition: job.partition, from: parseOffset(job.from), to: parseOffset(job.to) }
    for await (const step of tools.reader.read({ ...range, signal: tools.signal })) {
      if (scan.take(step)) break
      if (scan.batch.rows >= rowGroupRows || scan.batch.byteLength >= rowGroupBytes) await file.flush(scan)
      await breath()
    }
    const { next, nextDay, growth } = scan.end()
    if (scan.isEmpty && nextDay === job.day) {
      return { ...nothingKept(job, next), growth, writtenAtMs: tools.lake.clock() }
    }
    const receipt = await file.finish(scan)
    return { ...receipt, growth: receipt.next === next ? growth : null }
  } catch (error) {
    await file.abort()
    throw error
  } finally {
    scan.batch.giveBack()
  }
}

async function adopt(job: WriteJob, { lake, table }: CarryTools): Promise<Receipt | null> {
  const link = await adoptLink(lake, table, positionOf(job))
  if (link === null) return null
  requireOpen(link)
  return receiptOf(link, true, lake.clock())
}

function nothingKept(job: WriteJob, next: string): Omit<Receipt, 'growth' | 'writtenAtMs'> {
  return { epoch: job.epoch, partition: job.partition, base: job.base, next, nextDay: job.day, link: null, adopted: false }
}

function positionOf({ partition, base, from, day }: WriteJob): { partition: number; base: string; seen: string; day: number } {
  return { partition, base, seen: from, day }
}

/** The object under way; made at the first row group, so that a range with nothing to keep touches no store. */
class LinkFile {
  private readonly job: WriteJob
  private readonly tools: CarryTools
  private open: { link: LinkWriter; parquet: ParquetWriter } | null = null

  constructor(job: WriteJob, tools: CarryTools) {
    this.job = job
    this.tools = tools
  }

  async flush(scan: RangeScan): Promise<void> {
    const { parquet } = await this.opened()
    await parquet.writeRowGroup(scan.batch.columns)
    scan.batch.clear()
    await this.tools.reach('write.midFile')
  }

  async finish(scan: RangeScan): Promise<Receipt> {
    if (scan.batch.rows > 0) await this.flush(scan)
    const { link, parquet } = await this.opened()
    const rules = this.tools.decoder.oldRows ? `${rowRules}+old-rows` : rowRules
    const quarantine = await this.setAside(link.key, scan)
    await parquet.finish(link.footer({ ...scan.facts(), rules, quarantine }))
    const done = await link.complete()
    if (done === 'again') {
      throw new CdcFailure(
        code.StoreUnavailable,
        `nothing stands under ${link.key} after it was written; the range is written again`,
      )
    }
    return receiptOf(done.link, done.adopted, this.tools.lake.clock())
  }

  private async setAside(link: string, { setAside }: RangeScan): Promise<Quarantine | null> {
    if (setAside.length === 0) return null
    return putQuarantine(this.tools.lake, link, await quarantineFile(this.job, setAside), setAside.length)
  }

  async abort(): Promise<void> {
    await this.open?.link.abort()
  }

  private async opened(): Promise<{ link: LinkWriter; parquet: ParquetWriter }> {
    if (this.open) return this.open
    const link = openLink(this.tools.lake, this.tools.table, positionOf(this.job))
    const parquet = await openParquet(fileColumns(this.tools.table.schema), (bytes) => link.write(bytes))
    return (this.open = { link, parquet })
  }
}

/** Lets heartbeats, cancellation and other ranges have their turn. */
function breath(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
