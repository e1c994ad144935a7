/** Beginning: bind or read the table, then commit what stands in the chains beyond the log (DESIGN §4.1, §4.8). */
import { CdcFailure, code } from '../core/failures.ts'
import { logKey } from '../core/keys.ts'
import type { Link, Position, Receipt } from '../core/receipts.ts'
import { emptySchema } from '../core/schema.ts'
import { commitInfo, commitReceipts, receiptOf } from './commit.ts'
import { keyIn, type LakeContext, type Provenance } from './context.ts'
import { schemaString, type DeltaCompat } from './deltaSchema.ts'
import { encodeEntry, protocolOf, type Action } from './entries.ts'
import { adoptLink, requireOpen } from './link.ts'
import { settle, type Asked } from './settle.ts'
import { readSnapshot, tableFormat, txnsOf, type Snapshot } from './snapshot.ts'
import { beginning, type Start } from './start.ts'
import { outcomeOf } from './store.ts'

/** What a carrier is about to carry into the table. */
export interface Claimed {
  readonly clusterId: string
  readonly topic: string
  readonly topicId: string
  readonly deltaCompat: DeltaCompat
}

/**
 * The table's newest state, bound if it was not, with all pending links committed and what a person decided applied. `starts` is
 * asked only where there is no log yet; entry 0 decides once, whoever writes it.
 * Throws CDC5005 where the table is bound to something else, CDC2003 and CDC2008 with choices where the topic is not as it was,
 * CDC1005 for a decision about a state that is no longer so.
 */
export async function openTable(
  ctx: LakeContext,
  claimed: Claimed,
  starts: () => Promise<readonly Start[]>,
  provenance: Provenance,
  asked: Asked | null = null,
): Promise<Snapshot> {
  const bound = (await readSnapshot(ctx)) ?? (await bind(ctx, claimed, await starts(), provenance))
  requireSameTable(bound, claimed)
  const { snapshot, closed } = await walk(ctx, bound, provenance)
  const identity = { clusterId: claimed.clusterId, topic: claimed.topic, id: claimed.topicId }
  return settle(ctx, { snapshot, closed, identity }, asked, provenance)
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
  const positions = starts.map(beginning)
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

/**
 * Commits the links that stand beyond the log: from each base link after link until 404. For the start, for idle times, and
 * before any verdict (DESIGN §4.8). Throws CDC2003 where a chain is closed: another carrier opens a new epoch.
 */
export async function walkPending(ctx: LakeContext, known: Snapshot, provenance: Provenance): Promise<Snapshot> {
  const { snapshot, closed } = await walk(ctx, known, provenance)
  if (closed) requireOpen(closed)
  return snapshot
}

/** `closed`: a link that ends one of the chains, in an epoch that is still the table's newest. */
async function walk(
  ctx: LakeContext,
  known: Snapshot,
  provenance: Provenance,
): Promise<{ readonly snapshot: Snapshot; readonly closed: Link | null }> {
  const receipts: Receipt[] = []
  for (const position of known.positions) receipts.push(...(await pendingLinks(ctx, known, position)))
  const snapshot = receipts.length === 0 ? known : await commitReceipts(ctx, known, receipts, provenance)
  const closed = receipts.find(({ link }) => link !== null && link.closed !== null)?.link ?? null
  return { snapshot, closed }
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
