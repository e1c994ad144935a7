/** Beginning: bind or read the table, then commit what stands in the chains beyond the log (DESIGN §4.1, §4.8). */
import { CdcFailure, code } from '../core/failures.ts'
import { logKey } from '../core/keys.ts'
import { parseOffset } from '../core/offsets.ts'
import type { Position, Receipt } from '../core/receipts.ts'
import { emptySchema } from '../core/schema.ts'
import { commitInfo, commitReceipts, receiptOf } from './commit.ts'
import { keyIn, type LakeContext, type Provenance } from './context.ts'
import { schemaString, type DeltaCompat } from './deltaSchema.ts'
import { encodeEntry, protocolOf, type Action } from './entries.ts'
import { adoptLink, requireOpen } from './link.ts'
import { readSnapshot, tableFormat, txnsOf, type Snapshot } from './snapshot.ts'
import { outcomeOf } from './store.ts'

/** What a carrier is about to carry into the table. */
export interface Claimed {
  readonly clusterId: string
  readonly topic: string
  readonly topicId: string
  readonly deltaCompat: DeltaCompat
}

/** Where a partition begins: its low watermark and the day of the first event that stands there (else today). */
export interface Start {
  readonly partition: number
  readonly offset: bigint
  /** days since 1970 */
  readonly day: number
}

/**
 * The table's newest state, bound if it was not, with all pending links committed. `starts` is asked only where there is
 * no log yet; entry 0 decides once, whoever writes it. Throws CDC5005 or CDC2003 where the table is bound to something else.
 */
export async function openTable(
  ctx: LakeContext,
  claimed: Claimed,
  starts: () => Promise<readonly Start[]>,
  provenance: Provenance,
): Promise<Snapshot> {
  const bound = (await readSnapshot(ctx)) ?? (await bind(ctx, claimed, await starts(), provenance))
  requireSameTable(bound, claimed)
  const snapshot = await walkPending(ctx, bound, provenance)
  requireSameTopic(snapshot, claimed)
  return snapshot
}

/** Entry 0 (DESIGN §4.1). Whatever the store answers, what stands there afterwards is the binding. */
async function bind(ctx: LakeContext, claimed: Claimed, starts: readonly Start[], provenance: Provenance): Promise<Snapshot> {
  const outcome = await outcomeOf(
    ctx.store.putIfAbsent(keyIn(ctx, logKey(0)), encodeEntry(bindingEntry(ctx, claimed, starts, provenance))),
  )
  const snapshot = await readSnapshot(ctx)
  if (snapshot) return snapshot
  throw outcome instanceof CdcFailure
    ? outcome
    : new CdcFailure(code.StoreUnavailable, `entry 0 was written (${outcome}) and cannot be read`)
}

export function bindingEntry(
  ctx: LakeContext,
  claimed: Claimed,
  starts: readonly Start[],
  provenance: Provenance,
): readonly Action[] {
  const { clusterId, topic, topicId, deltaCompat } = claimed
  const positions: Position[] = starts.map(({ partition, offset, day }) => {
    return { partition, base: offset.toString(), seen: offset.toString(), day }
  })
  for (const { base } of positions) parseOffset(base)
  return [
    { commitInfo: commitInfo(ctx, 'CREATE TABLE', { partitionBy: '["cdc_date"]' }, 0, provenance) },
    { protocol: protocolOf(deltaCompat) },
    {
      metaData: {
        id: ctx.random(),
        format: { provider: 'parquet', options: {} },
        schemaString: schemaString(emptySchema),
        partitionColumns: ['cdc_date'],
        configuration: {
          'delta.dataSkippingStatsColumns': '__kafka_offset,__source_ts',
          'delta.enableExpiredLogCleanup': 'false',
          'cdc.format': String(tableFormat),
          'cdc.clusterId': clusterId,
          'cdc.topic': topic,
          'cdc.epochs': JSON.stringify([{ epoch: 0, topic, topicId }]),
          'cdc.deltaCompat': deltaCompat,
          'cdc.key': '[]',
        },
        createdTime: ctx.clock(),
      },
    },
    ...txnsOf(0, positions).map((txn) => ({ txn })),
  ]
}

function requireSameTable({ binding, topic }: Snapshot, claimed: Claimed): void {
  const differs = [
    ['cluster', binding.clusterId, claimed.clusterId],
    ['topic', topic, claimed.topic],
    ['deltaCompat', binding.deltaCompat, claimed.deltaCompat],
  ].find(([, table, carrier]) => table !== carrier)
  if (!differs) return
  const [what, table, carrier] = differs as [string, string, string]
  throw new CdcFailure(code.ForeignTableRoot, `the table is bound to ${what} ${table}, this carrier brings ${carrier}`, {
    details: { what, table, carrier },
  })
}

function requireSameTopic({ topic, topicId }: Snapshot, claimed: Claimed): void {
  if (topicId === claimed.topicId) return
  throw new CdcFailure(code.TopicRecreated, `topic ${topic} has id ${claimed.topicId}; the table was carried from ${topicId}`, {
    details: { topic, table: topicId, kafka: claimed.topicId },
  })
}

/**
 * Commits the links that stand beyond the log: from each base link after link until 404. For the start, for idle times, and
 * before any verdict (DESIGN §4.8). Throws CDC2003 where a chain is closed: another carrier opens a new epoch.
 */
export async function walkPending(ctx: LakeContext, known: Snapshot, provenance: Provenance): Promise<Snapshot> {
  const receipts: Receipt[] = []
  for (const position of known.positions) receipts.push(...(await pendingLinks(ctx, known, position)))
  const snapshot = receipts.length === 0 ? known : await commitReceipts(ctx, known, receipts, provenance)
  for (const { link } of receipts) if (link) requireOpen(link)
  return snapshot
}

async function pendingLinks(ctx: LakeContext, known: Snapshot, from: Position): Promise<readonly Receipt[]> {
  const receipts: Receipt[] = []
  for (let position = from; ;) {
    const link = await adoptLink(ctx, known, position)
    if (link === null) return receipts
    receipts.push(receiptOf(link, true, ctx.clock()))
    if (link.closed !== null) return receipts
    position = { ...position, base: link.next, day: link.nextDay }
  }
}
