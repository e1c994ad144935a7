/**
 * Entries of the log after the first (DESIGN §4.6, §4.8). The one commit point is `putIfAbsent` of the next version;
 * its answer decides nothing: the log is read again, and what stands there does.
 */
import { CdcFailure, code } from '../core/failures.ts'
import { logKey } from '../core/keys.ts'
import { maxOffset, offsetText, parseOffset } from '../core/offsets.ts'
import type { Growth, Link, Position, Receipt } from '../core/receipts.ts'
import type { TableSchema } from '../core/schema.ts'
import { keyIn, type LakeContext, type Provenance } from './context.ts'
import { mergeGrowth, schemaString } from './deltaSchema.ts'
import { addOf, encodeEntry, type Action } from './entries.ts'
import { catchUp, highsOf, txnsOf, type Snapshot } from './snapshot.ts'
import { outcomeOf } from './store.ts'

/** A receipt older than this may have lost its object (a lifecycle rule, a person): looked at before it is committed. */
const trustedForMs = 3_600_000

/**
 * Commits what of `receipts` the table has not got, in one entry; receipts of one partition stand in the order of the chain.
 * Returns the table's own newest state: where it has gone another way (fenced, or done before), that is the answer too.
 * Doing it twice changes nothing. `told` is added to `commitInfo`.
 * Throws CDC5007 where an object is gone, CDC5001 where the store does not say what stands.
 */
export async function commitReceipts(
  ctx: LakeContext,
  known: Snapshot,
  receipts: readonly Receipt[],
  provenance: Provenance,
  told: Readonly<Record<string, unknown>> = {},
): Promise<Snapshot> {
  await ctx.reach('commit.before')
  const checked = new Set<Receipt>()
  return append(ctx, known, async (at) => {
    const moved = follow(at, receipts)
    if (moved === null) return null
    await requireStanding(ctx, moved.committed, checked)
    return dataEntry(ctx, at, moved, provenance, told)
  })
}

/** Adds the columns that a record needs, by an entry of its own (DESIGN §4.6). Throws CDC4002 to CDC4005 after a second look. */
export async function growSchema(ctx: LakeContext, known: Snapshot, growth: Growth, provenance: Provenance): Promise<Snapshot> {
  const merged = (at: Snapshot): TableSchema => mergeGrowth(at.schema, growth, at.binding.deltaCompat)
  let from = known
  try {
    merged(known)
  } catch {
    from = await catchUp(ctx, known) // no verdict on what may be stale
  }
  return append(ctx, from, (at) => {
    const schema = merged(at)
    return Promise.resolve(
      schema === at.schema ? null : metaDataEntry(ctx, at, schema, addedSince(at, schema, growth), provenance),
    )
  })
}

/**
 * `cdc.added`: commit LSN of the first change that had a column, for columns that came after the first ones. Rows of earlier
 * commits were written before the column existed: a default of the database is theirs (docs/schema-evolution.md).
 */
function addedSince(at: Snapshot, schema: TableSchema, { since = null }: Growth): Settings {
  if (since === null) return {}
  const before = new Set(at.schema.columns.map(({ name }) => name))
  const added = schema.columns.filter(({ name }) => !before.has(name)).map(({ name }) => [name, since])
  if (added.length === 0) return {}
  const known = JSON.parse(at.metaData.configuration['cdc.added'] ?? '[]') as [string, string][]
  return { 'cdc.added': JSON.stringify([...known, ...added]) }
}

/** Puts what `next` makes of the newest state under the next version until it has nothing left to say. */
export async function append(
  ctx: LakeContext,
  known: Snapshot,
  next: (at: Snapshot) => Promise<readonly Action[] | null>,
): Promise<Snapshot> {
  for (let at = known; ;) {
    const actions = await next(at)
    if (actions === null) return at
    await ctx.reach('commit.beforeEntry')
    const outcome = await outcomeOf(ctx.store.putIfAbsent(keyIn(ctx, logKey(at.version + 1)), encodeEntry(actions)))
    await ctx.reach('commit.afterEntry')
    const after = await catchUp(ctx, at)
    if (after.version === at.version) {
      throw outcome instanceof CdcFailure
        ? outcome
        : new CdcFailure(code.StoreUnavailable, `entry ${at.version + 1} was written (${outcome}) and cannot be read`)
    }
    at = after
  }
}

interface Moved {
  readonly positions: readonly Position[]
  readonly committed: readonly Receipt[]
}

/** Follows the chains from where the table stands. A receipt that does not begin there was committed before, or is fenced. */
function follow(at: Snapshot, receipts: readonly Receipt[]): Moved | null {
  const positions = new Map(at.positions.map((position) => [position.partition, position]))
  const committed: Receipt[] = []
  for (const receipt of receipts) {
    const position = positions.get(receipt.partition)
    if (receipt.epoch !== at.epoch || position?.base !== receipt.base) continue
    const seen = offsetText(maxOffset(parseOffset(position.seen), parseOffset(receipt.next)))
    if (receipt.link === null) {
      if (seen === position.seen) continue
      positions.set(receipt.partition, { ...position, seen })
    } else {
      if (receipt.link.day !== position.day || receipt.link.closed !== null) continue
      const { next, nextDay, order } = receipt.link
      const high = order?.high ?? position.high
      positions.set(receipt.partition, { ...position, base: next, seen, day: nextDay, ...(high !== undefined && { high }) })
    }
    committed.push(receipt)
  }
  return committed.length === 0 ? null : { positions: [...positions.values()], committed }
}

async function requireStanding(ctx: LakeContext, receipts: readonly Receipt[], checked: Set<Receipt>): Promise<void> {
  for (const receipt of receipts) {
    if (receipt.link === null || checked.has(receipt) || ctx.clock() - receipt.writtenAtMs <= trustedForMs) continue
    const { key, bytes } = receipt.link
    const standing = await ctx.store.head(keyIn(ctx, key))
    if (standing?.size !== bytes) {
      throw new CdcFailure(code.LinkMissing, `${key} is ${standing ? 'another object now' : 'gone'}`, { details: { key } })
    }
    checked.add(receipt)
  }
}

function dataEntry(
  ctx: LakeContext,
  at: Snapshot,
  { positions, committed }: Moved,
  provenance: Provenance,
  told: Readonly<Record<string, unknown>>,
): readonly Action[] {
  const info = {
    ...commitInfo(ctx, 'WRITE', { mode: 'Append', partitionBy: '["cdc_date"]' }, at.metaDataVersion, provenance),
    ...told,
    'cdc.ranges': committed.map(({ epoch, partition, base, next, link }) => ({
      epoch,
      partition,
      from: base,
      next,
      rows: link?.rows ?? 0,
      ...(link?.order && { replayed: link.order.replayed, resnapshot: link.order.resnapshot }),
      ...(link && { sha256: link.sha256, lsn: link.lsn, quarantine: link.quarantine, schemaId: link.schemaId }),
      ...(link?.gap && { gap: link.gap }),
    })),
    ...highsOf(positions),
    'cdc.anchors': {
      ...at.anchors,
      ...Object.fromEntries(committed.flatMap(({ partition, link }) => (link?.anchor ? [[partition, link.anchor]] : []))),
    },
  }
  return [
    { commitInfo: info },
    ...txnsOf(at.epoch, positions).map((txn) => ({ txn })),
    ...committed.flatMap(({ link, writtenAtMs }) => (link ? [{ add: addOf(link, writtenAtMs) }] : [])),
  ]
}

export type Settings = Readonly<Record<string, string>>

/** An entry that changes what the table is, not what is in it. */
export function metaDataEntry(
  ctx: LakeContext,
  at: Snapshot,
  schema: TableSchema,
  settings: Settings,
  provenance: Provenance,
): readonly Action[] {
  const { rules, formerKeys, key } = schema
  const configuration = {
    ...at.metaData.configuration,
    'cdc.key': JSON.stringify(key),
    ...(rules && { 'cdc.columns': JSON.stringify(rules.map(({ source, as }) => [source, as])) }),
    ...(formerKeys && { 'cdc.formerKeys': JSON.stringify(formerKeys) }),
    ...settings,
  }
  const operation = schema.columns.length > at.schema.columns.length ? 'ADD COLUMNS' : 'SET TBLPROPERTIES'
  return [
    {
      commitInfo: {
        ...commitInfo(ctx, operation, {}, at.version + 1, provenance),
        ...highsOf(at.positions),
        'cdc.anchors': at.anchors,
      },
    },
    { metaData: { ...at.metaData, schemaString: schemaString(schema), configuration } },
    ...txnsOf(at.epoch, at.positions).map((txn) => ({ txn })),
  ]
}

/** `metaDataVersion` tells a reader where the schema stands, as there are no checkpoints to look it up in. */
export function commitInfo(
  ctx: LakeContext,
  operation: string,
  operationParameters: Readonly<Record<string, string>>,
  metaDataVersion: number,
  { writer, workflowId, runId }: Provenance,
): Record<string, unknown> {
  return {
    timestamp: ctx.clock(),
    operation,
    operationParameters,
    isBlindAppend: true,
    engineInfo: writer,
    'cdc.metadata_version': metaDataVersion,
    'cdc.workflow_id': workflowId,
    'cdc.run_id': runId,
  }
}

/** The receipt of a link that was found standing. */
export function receiptOf(link: Link, adopted: boolean, writtenAtMs: number): Receipt {
  const { epoch, partition, base, next, nextDay } = link
  return { epoch, partition, base, next, nextDay, link, growth: null, adopted, writtenAtMs }
}
