/**
 * A carrier in small: plans ranges, writes links, grows the schema, commits. It does what activities and workflow do with the
 * protocol, every retry, restart and stale input included; all decisions of the protocol itself are the shipped code's.
 */
import { CdcFailure, code } from '../../src/core/failures.ts'
import { barrierOf } from '../../src/core/growth.ts'
import type { Growth, Position, Receipt } from '../../src/core/receipts.ts'
import { fileColumns } from '../../src/core/schema.ts'
import { putQuarantine } from '../../src/lake/quarantine.ts'
import * as shipped from '../../src/lake/table.ts'
import { encodeJsonFile, type JsonRow } from './jsonFormat.ts'
import { columnOf, firstDay, type KafkaLog, type KafkaRecord } from './kafkaLog.ts'
import type { Random } from '../../scripts/random.ts'
import { below } from './scheduler.ts'

/** The protocol as the carrier calls it, and the places where a mutant may do otherwise. */
export interface Protocol {
  openTable: typeof shipped.openTable
  openLink: typeof shipped.openLink
  adoptLink: typeof shipped.adoptLink
  putQuarantine: typeof putQuarantine
  commitReceipts: typeof shipped.commitReceipts
  growSchema: typeof shipped.growSchema
  walkPending: typeof shipped.walkPending
  decide: typeof shipped.decide
  admitPartitions: typeof shipped.admitPartitions
  barrierOf: typeof barrierOf
  /** Where the next range of a partition is written. */
  place(table: shipped.Snapshot, position: Position, carrier: Carrier): Position
  /** Where N+1 begins, before N is committed. */
  following(position: Position, receipt: Receipt, to: number): Position
  /** What a carrier says it brings. */
  claim(carrier: Carrier): shipped.Claimed
  /** The table that a range is written with when its next record needs columns. */
  beforeGrowth(table: shipped.Snapshot, growth: Growth): shipped.Snapshot | null
}

export const protocol: Protocol = {
  openTable: shipped.openTable,
  openLink: shipped.openLink,
  adoptLink: shipped.adoptLink,
  putQuarantine,
  commitReceipts: shipped.commitReceipts,
  growSchema: shipped.growSchema,
  walkPending: shipped.walkPending,
  decide: shipped.decide,
  admitPartitions: shipped.admitPartitions,
  barrierOf,
  place: (_table, position) => position,
  following: afterReceipt,
  claim: ({ log }) => ({ clusterId: log.clusterId, topic: 'topic', topicId: log.topicId, deltaCompat: 'none' }),
  beforeGrowth: () => null,
}

export interface Carrier {
  readonly name: string
  readonly ctx: shipped.LakeContext
  readonly log: KafkaLog
  readonly random: Random
  /** Whether its code keeps `maybe` and `doubtful` records. */
  readonly keepsMaybe: boolean
  /** What it peeked as the start of each partition; another one peeked otherwise. */
  readonly starts: readonly shipped.Start[]
  /** Kafka's high watermarks now. */
  readonly high: (partition: number) => number
  /** Lets time go by. */
  readonly wait: () => Promise<void>
  /** True while things go wrong: only then it plays with stale inputs. */
  readonly chaos: () => boolean
  readonly protocol: Protocol
}

export const provenance = { writer: 'simulation', workflowId: 'w', runId: 'r' }

/** Carries until everything that its Kafka log will ever hold is in the table. */
export async function carry(carrier: Carrier): Promise<void> {
  const { ctx, random, protocol } = carrier
  const history: { table: shipped.Snapshot; receipts: readonly Receipt[] }[] = []
  const open = (): Promise<shipped.Snapshot> =>
    retried(() => protocol.openTable(ctx, protocol.claim(carrier), () => Promise.resolve(carrier.starts), provenance))
  let table = await open()
  let idle = 0
  while (!drained(carrier, table)) {
    if (!carrier.chaos() && idle++ > 60)
      throw new Error(`${carrier.name} makes no progress at ${JSON.stringify(table.positions)}`)
    const receipts: Receipt[] = []
    for (const { partition } of table.positions) {
      let position = shipped.positionOf(table, partition)
      for (let ahead = 0; ahead < (random() < 0.3 ? 2 : 1); ahead++) {
        const from = Math.max(Number(position.base), Number(position.seen))
        const to = Math.min(carrier.high(partition), from + 1 + below(random, 12))
        if (to <= from) break
        const receipt = await retried(() => writeRange(carrier, table, position, to))
        receipts.push(receipt)
        position = protocol.following(position, receipt, to)
        const { growth } = receipt
        if (growth) table = await retried(() => protocol.growSchema(ctx, table, growth, provenance))
      }
    }
    if (receipts.length === 0) await carrier.wait()
    history.push({ table, receipts })
    const before = table
    // Now and then the receipt of N is lost, and that of N+1 is not.
    const kept = carrier.chaos() && random() < 0.05 ? receipts.slice(1) : receipts
    table = await retried(() => protocol.commitReceipts(ctx, table, kept, provenance))
    if (table.version !== before.version) idle = 0
    if (carrier.chaos()) {
      // A reset or a replayed history: old inputs come again, in any order.
      const stale = history[below(random, history.length)]!
      const fate = random()
      if (fate < 0.1) table = await retried(() => protocol.commitReceipts(ctx, stale.table, stale.receipts, provenance))
      else if (fate < 0.2) table = stale.table
      else if (fate < 0.3) table = await open()
    }
    if (random() < 0.1) table = await retried(() => protocol.walkPending(ctx, table, provenance))
  }
}

export async function writeRange(carrier: Carrier, table: shipped.Snapshot, at: Position, to: number): Promise<Receipt> {
  const { ctx, random, log, protocol } = carrier
  const position = protocol.place(table, at, carrier)
  const { partition } = position
  const from = Math.max(Number(position.base), Number(position.seen))
  const range = log.partitions[partition]!.filter(({ offset }) => offset >= from && offset < to)
  const cut = scan(carrier, table, position, range, to)
  const unchanged = {
    epoch: table.epoch,
    partition,
    base: position.base,
    adopted: false,
    writtenAtMs: ctx.clock(),
    growth: cut.growth,
  }
  const isEmpty = cut.rows.length === 0 && cut.setAside.length === 0
  if (cut.growth && isEmpty) {
    const eager = protocol.beforeGrowth(table, cut.growth)
    if (eager) return writeRange({ ...carrier, protocol: { ...protocol, beforeGrowth: () => null } }, eager, at, to)
  }
  if (isEmpty && cut.nextDay === position.day) {
    return { ...unchanged, next: String(cut.next), nextDay: position.day, link: null }
  }
  if (random() < 0.2) {
    const standing = await protocol.adoptLink(ctx, table, position)
    if (standing) return { ...shipped.receiptOf(standing, true, ctx.clock()), growth: null }
  }
  const link = protocol.openLink(ctx, table, position)
  const offsets = cut.rows.map(({ offset }) => offset)
  const facts: shipped.LinkFacts = {
    next: String(cut.next),
    nextDay: cut.nextDay,
    rows: cut.rows.length,
    stats:
      offsets.length === 0
        ? null
        : { minOffset: String(offsets[0]), maxOffset: String(offsets.at(-1)), minSourceTs: null, maxSourceTs: null },
    lsn: null,
    anchor: null,
    quarantine: await setAside(carrier, link.key, cut.setAside),
    rules: carrier.keepsMaybe ? '2' : '1',
  }
  await link.write(encodeJsonFile(fileColumns(table.schema), cut.rows, link.footer(facts)))
  const outcome = await link.complete()
  if (outcome === 'again') throw new CdcFailure(code.StoreUnavailable, 'nothing stands there')
  return { ...shipped.receiptOf(outcome.link, outcome.adopted, ctx.clock()), growth: outcome.adopted ? null : cut.growth }
}

/** Versions of the code differ in what they set aside, and in what they say of it. */
async function setAside({ ctx, keepsMaybe, protocol }: Carrier, link: string, offsets: readonly number[]) {
  if (offsets.length === 0) return null
  const file = new TextEncoder().encode(JSON.stringify({ offsets, why: keepsMaybe ? 'new' : 'old' }))
  return protocol.putQuarantine(ctx, link, file, offsets.length)
}

interface Cut {
  readonly rows: readonly JsonRow[]
  /** Offsets of records of which no row can be made. */
  readonly setAside: readonly number[]
  readonly next: number
  readonly nextDay: number
  readonly growth: Growth | null
}

/** Where one link ends: at `to`, before a record that needs columns, before an event of a later day, or at a limit of size. */
function scan(carrier: Carrier, table: shipped.Snapshot, position: Position, range: readonly KafkaRecord[], to: number): Cut {
  const known = new Set(table.schema.columns.map(({ name }) => name))
  const limit = 1 + below(carrier.random, 10)
  const rows: JsonRow[] = []
  const setAside: number[] = []
  const cut = (next: number, over: Partial<Cut> = {}): Cut => ({
    rows,
    setAside,
    next,
    nextDay: position.day,
    growth: null,
    ...over,
  })
  for (const { offset, day, columns, keep } of range) {
    if (keep === 'no' || (keep === 'maybe' && !carrier.keepsMaybe)) continue
    if (keep === 'bad' || (keep === 'doubtful' && !carrier.keepsMaybe)) {
      setAside.push(offset)
      continue
    }
    if (day > position.day)
      return cut(rows.length === 0 && setAside.length === 0 ? Number(position.base) : offset, { nextDay: day })
    const missing = columns.filter((name) => !known.has(name))
    if (missing.length > 0) {
      const first = table.schema.columns.length === 0
      return cut(offset, { growth: { columns: missing.map(columnOf), key: first ? ['c0'] : null } })
    }
    if (rows.length === limit) return cut(offset)
    rows.push({ offset, columns, source: carrier.log.topicId })
  }
  return cut(to)
}

export function afterReceipt(position: Position, { next, nextDay, link }: Receipt): Position {
  const seen = String(Math.max(Number(position.seen), Number(next)))
  return link === null ? { ...position, seen } : { ...position, base: next, seen, day: nextDay }
}

function drained({ log }: Carrier, { positions }: shipped.Snapshot): boolean {
  return positions.every(({ partition, base, seen }) => Math.max(Number(base), Number(seen)) >= log.ends[partition]!)
}

/** As Temporal does it: what may pass by itself is tried again, for ever. */
export async function retried<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call()
    } catch (error) {
      if (!(error instanceof CdcFailure) || error.policy !== 'retry') throw error
    }
  }
}

export function startsOf(log: KafkaLog, random: Random): readonly shipped.Start[] {
  return log.partitions.map((records, partition) => {
    const offset = BigInt(below(random, 6))
    const first = records.find((record) => record.offset >= offset)
    return { partition, offset, day: random() < 0.5 ? (first?.day ?? firstDay) : firstDay + below(random, 2) }
  })
}
