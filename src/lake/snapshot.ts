/** The state of a table at one version of its log: plain JSON, computed from the log's entries and from nothing else. */
import { CdcFailure, code } from '../core/failures.ts'
import { logKey } from '../core/keys.ts'
import { maxOffset, offsetText, parseOffset } from '../core/offsets.ts'
import type { Anchor, Position } from '../core/receipts.ts'
import type { FormerKey, TableSchema } from '../core/schema.ts'
import { keyIn, type LakeContext } from './context.ts'
import { columnsOf, schemaIdOf, type DeltaCompat } from './deltaSchema.ts'
import { decodeEntry, requireSupported, type Action, type MetaData, type Txn } from './entries.ts'

/** What entry 0 binds the table to for ever (DESIGN §4.1). Epochs are added, never changed (§4.2). */
export interface Binding {
  readonly format: number
  readonly clusterId: string
  readonly deltaCompat: DeltaCompat
  readonly epochs: readonly { readonly epoch: number; readonly topic: string; readonly topicId: string }[]
}

export interface Snapshot {
  readonly version: number
  /** Version of the newest entry that holds `metaData`. */
  readonly metaDataVersion: number
  readonly metaData: Omit<MetaData, 'schemaString'>
  readonly schema: TableSchema
  readonly schemaId: string
  readonly binding: Binding
  /** The newest epoch: the only one that commits. */
  readonly epoch: number
  readonly topic: string
  readonly topicId: string
  /** One for each partition of the newest epoch, ascending. */
  readonly positions: readonly Position[]
  /** The last record that was carried from each partition of the newest epoch, as far as the log tells. */
  readonly anchors: Readonly<Record<string, Anchor>>
}

export const tableFormat = 1

export function positionOf(snapshot: Snapshot, partition: number): Position {
  const position = snapshot.positions.find((candidate) => candidate.partition === partition)
  if (position) return position
  throw new CdcFailure(code.PartitionsGrew, `partition ${partition} is not bound to the table`, { details: { partition } })
}

/** Where the next range begins: P = max(base, seen). */
export function startOf({ base, seen }: Position): bigint {
  return maxOffset(parseOffset(base), parseOffset(seen))
}

/** Three `txn` actions a partition; each data entry carries those of all partitions, so the newest one is the whole position. */
export function txnsOf(epoch: number, positions: readonly Position[]): readonly Txn[] {
  return positions.flatMap(({ partition, base, seen, day }) => [
    { appId: `${epoch}/${partition}`, version: Number(base) },
    { appId: `${epoch}/${partition}/day`, version: day },
    { appId: `${epoch}/${partition}/seen`, version: Number(seen) },
  ])
}

/** For `commitInfo`, beside the `txn`s: the greatest place of a streamed event in each chain (see `Position`). */
export function highsOf(positions: readonly Position[]): { readonly 'cdc.high': Readonly<Record<string, string>> } {
  const known = positions.flatMap(({ partition, high }) => (high === undefined ? [] : [[partition, high] as const]))
  return { 'cdc.high': Object.fromEntries(known) }
}

/**
 * The newest state; null where there is no log. One LIST, then the newest entry of ours, the entry with the newest `metaData`
 * (which every entry of ours names) and whatever others put behind it. Throws CDC5004 for a log with gaps, CDC5005 for a table
 * that is not ours, CDC5006 for features that Sluice does not write.
 */
export async function readSnapshot(ctx: LakeContext): Promise<Snapshot | null> {
  const newest = await newestVersion(ctx, -1)
  return newest < 0 ? null : catchUp(ctx, await stateAt(ctx, newest))
}

/** Entries that are read one by one before a LIST is the shorter way. */
const stepsBeforeList = 30

/** The state after all entries that follow `known`: the next version by GET until there is none. */
export async function catchUp(ctx: LakeContext, known: Snapshot): Promise<Snapshot> {
  let at = known
  for (let steps = 0; ; steps++) {
    const actions = await entry(ctx, at.version + 1)
    if (actions === null) return at
    at = applyEntry(at, at.version + 1, actions)
    if (steps === stepsBeforeList) at = await stateAt(ctx, await newestVersion(ctx, at.version))
  }
}

async function stateAt(ctx: LakeContext, newest: number): Promise<Snapshot> {
  const behind: (readonly Action[])[] = []
  for (let version = newest; version >= 0; version--) {
    const actions = (await entry(ctx, version)) ?? broken(version, 'is missing')
    const metaDataVersion = actions.find((action) => action.commitInfo)?.commitInfo?.['cdc.metadata_version']
    if (typeof metaDataVersion !== 'number') {
      behind.push(actions)
      continue
    }
    const described = metaDataVersion === version ? actions : await entry(ctx, metaDataVersion)
    const metaData = described?.find((action) => action.metaData)?.metaData ?? broken(metaDataVersion, 'lacks the metaData')
    const ours = applyEntry({ ...describe(metaDataVersion, metaData), version, positions: [], anchors: {} }, version, actions)
    return behind.reverse().reduce((at, later) => applyEntry(at, at.version + 1, later), ours)
  }
  throw new CdcFailure(code.ForeignTableRoot, `a table that Sluice did not make stands at ${ctx.root}`, {
    details: { root: ctx.root },
  })
}

async function entry(ctx: LakeContext, version: number): Promise<readonly Action[] | null> {
  const bytes = await ctx.store.get(keyIn(ctx, logKey(version)))
  return bytes && decodeEntry(version, bytes)
}

/** The newest version, where all up to `known` is known; `known` where nothing follows it. */
async function newestVersion(ctx: LakeContext, known: number): Promise<number> {
  let newest = known
  const after = known < 0 ? undefined : keyIn(ctx, logKey(known))
  for await (const { key } of ctx.store.list(keyIn(ctx, '_delta_log/'), after)) {
    const match = /\/_delta_log\/(\d{20})\.json$/.exec(key)
    if (!match) continue
    if (Number(match[1]) !== newest + 1) broken(newest + 1, 'is missing')
    newest++
  }
  return newest
}

function broken(version: number, what: string): never {
  throw new CdcFailure(code.BrokenLog, `entry ${version} of the log ${what}`, { details: { version } })
}

function describe(version: number, { schemaString, ...metaData }: MetaData): Omit<Snapshot, 'version' | 'positions' | 'anchors'> {
  const configuration = new Map(Object.entries(metaData.configuration))
  const setting = (name: string): string => configuration.get(name) ?? broken(version, `lacks ${name} in its metaData`)
  const parsed = (text: string): unknown => {
    try {
      return JSON.parse(text)
    } catch {
      return broken(version, 'has metaData that is no JSON')
    }
  }
  const format = Number(setting('cdc.format'))
  if (format !== tableFormat) {
    throw new CdcFailure(code.UnsupportedProtocol, `the table has format ${format}; this program writes format ${tableFormat}`)
  }
  const binding: Binding = {
    format,
    clusterId: setting('cdc.clusterId'),
    deltaCompat: setting('cdc.deltaCompat') as DeltaCompat,
    epochs: parsed(setting('cdc.epochs')) as Binding['epochs'],
  }
  const newest = binding.epochs.at(-1) ?? broken(version, 'names no epoch in its metaData')
  const optional = (name: string): unknown => (configuration.has(name) ? parsed(configuration.get(name)!) : undefined)
  const rules = optional('cdc.columns') as [string, string | null][] | undefined
  const formerKeys = optional('cdc.formerKeys') as FormerKey[] | undefined
  const schema: TableSchema = {
    columns: columnsOf(parsed(schemaString)),
    key: parsed(setting('cdc.key')) as string[],
    ...(rules && { rules: rules.map(([source, as]) => ({ source, as })) }),
    ...(formerKeys && { formerKeys }),
  }
  return { metaDataVersion: version, metaData, schema, schemaId: schemaIdOf(schema), binding, ...newest }
}

function applyEntry(before: Snapshot, version: number, actions: readonly Action[]): Snapshot {
  let at: Snapshot = { ...before, version }
  for (const { metaData, protocol } of actions) {
    if (protocol) requireSupported(protocol)
    if (metaData) at = { ...at, ...describe(version, metaData) }
  }
  if (at.epoch !== before.epoch) at = { ...at, anchors: {} }
  for (const { commitInfo } of actions) {
    const anchors = commitInfo?.['cdc.anchors'] as Snapshot['anchors'] | undefined
    if (anchors) at = { ...at, anchors: { ...at.anchors, ...anchors } }
  }
  const highs = {
    ...(at.epoch === before.epoch && highsOf(before.positions)['cdc.high']),
    ...(actions.find((action) => action.commitInfo)?.commitInfo?.['cdc.high'] as Record<string, string> | undefined),
  }
  const positions = positionsIn(at.epoch, actions).map((position) => {
    const high = highs[position.partition]
    return high === undefined ? position : { ...position, high }
  })
  return positions.length > 0 ? { ...at, positions } : at
}

function positionsIn(epoch: number, actions: readonly Action[]): readonly Position[] {
  const versions = new Map(actions.flatMap(({ txn }) => (txn ? [[txn.appId, txn.version] as const] : [])))
  const found: Position[] = []
  for (const [appId, base] of versions) {
    const [, of, partition] = /^(\d+)\/(\d+)$/.exec(appId) ?? []
    if (Number(of) !== epoch) continue
    const day = versions.get(`${appId}/day`)
    const seen = versions.get(`${appId}/seen`)
    if (day === undefined || seen === undefined) throw new CdcFailure(code.BrokenLog, `the position of ${appId} is not whole`)
    found.push({ partition: Number(partition), base: offsetText(BigInt(base)), seen: offsetText(BigInt(seen)), day })
  }
  return found.sort((a, b) => a.partition - b.partition)
}
