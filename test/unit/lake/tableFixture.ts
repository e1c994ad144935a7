/** A table in memory with two partitions, and how a test writes into it. */
import { dayOfMs } from '../../../src/core/days.ts'
import { nothing } from '../../../src/core/failpoints.ts'
import type { Growth, Receipt } from '../../../src/core/receipts.ts'
import { fileColumns } from '../../../src/core/schema.ts'
import {
  growSchema,
  openLink,
  openTable,
  positionOf,
  receiptOf,
  type Claimed,
  type LakeContext,
  type LinkFacts,
  type ObjectStore,
  type Snapshot,
  type Start,
} from '../../../src/lake/table.ts'
import { encodeJsonFile, jsonFormat } from '../../simulation/jsonFormat.ts'
import { memoryStore, type MemoryStore } from './memoryStore.ts'

export const now = Date.parse('2026-11-24T10:00:00Z')
export const today = dayOfMs(now)
export const claimed: Claimed = {
  clusterId: 'cluster-a',
  topic: 'airline.public.flights',
  topicId: 'topic-id-1',
  deltaCompat: 'none',
}
export const provenance = { writer: 'sluice/test', workflowId: 'tableCdc/airline/public.flights', runId: 'run-1' }
export const columns: Growth = { columns: [{ name: 'id', type: 'long' }], key: ['id'] }

export function fixture(over: { store?: ObjectStore; clock?: () => number } = {}): LakeContext & { memory: MemoryStore } {
  const memory = memoryStore()
  let uuids = 0
  return {
    memory,
    store: over.store ?? memory,
    root: 'airline/public/flights',
    clock: over.clock ?? (() => now),
    random: () => `uuid-${++uuids}`,
    reach: nothing,
    format: jsonFormat,
  }
}

export const starts = (): Promise<readonly Start[]> =>
  Promise.resolve([
    { partition: 0, offset: 100n, day: today },
    { partition: 1, offset: 0n, day: today },
  ])

export function open(ctx: LakeContext, claims: Partial<Claimed> = {}): Promise<Snapshot> {
  return openTable(ctx, { ...claimed, ...claims }, starts, provenance)
}

/** An open table that has the column `id`. */
export async function openGrown(ctx: LakeContext): Promise<Snapshot> {
  return growSchema(ctx, await open(ctx), columns, provenance)
}

export function factsOf(base: number, next: number, over: Partial<LinkFacts> = {}): LinkFacts {
  return {
    next: String(next),
    nextDay: today,
    rows: next - base,
    stats: { minOffset: String(base), maxOffset: String(next - 1), minSourceTs: '1', maxSourceTs: '2' },
    lsn: { min: '1', max: '2' },
    anchor: { offset: String(next - 1), timestampMs: now, hash: 'hash' },
    quarantine: null,
    rules: '1',
    ...over,
  }
}

/** Writes one link from where the partition stands, one row an offset, and tells what `complete` said. */
export async function write(
  ctx: LakeContext,
  table: Snapshot,
  partition: number,
  next: number,
  over: Partial<LinkFacts> = {},
): Promise<Awaited<ReturnType<ReturnType<typeof openLink>['complete']>>> {
  const position = positionOf(table, partition)
  const facts = factsOf(Number(position.base), next, over)
  const rows = Array.from({ length: facts.rows }, (_, i) => ({ offset: Number(position.base) + i, columns: [] }))
  const link = openLink(ctx, table, position)
  await link.write(encodeJsonFile(fileColumns(table.schema), rows, link.footer(facts)))
  return link.complete()
}

export async function receipt(
  ctx: LakeContext,
  table: Snapshot,
  partition: number,
  next: number,
  over: Partial<LinkFacts> = {},
): Promise<Receipt> {
  const outcome = await write(ctx, table, partition, next, over)
  if (outcome === 'again') throw new Error('nothing stands there')
  return receiptOf(outcome.link, outcome.adopted, ctx.clock())
}

export function scanned(table: Snapshot, partition: number, next: number): Receipt {
  const { base, day } = positionOf(table, partition)
  return {
    epoch: table.epoch,
    partition,
    base,
    next: String(next),
    nextDay: day,
    link: null,
    growth: null,
    adopted: false,
    writtenAtMs: now,
  }
}

/** The actions of a log entry, as they lie in the store. */
export function entryOf(ctx: { memory: MemoryStore; root: string }, version: number): Record<string, Record<string, unknown>>[] {
  const bytes = ctx.memory.objects.get(`${ctx.root}/_delta_log/${String(version).padStart(20, '0')}.json`)
  if (!bytes) throw new Error(`no entry ${version}`)
  const lines = new TextDecoder().decode(bytes).trimEnd().split('\n')
  return lines.map((line) => JSON.parse(line) as Record<string, Record<string, unknown>>)
}

export function filesOf(ctx: { memory: MemoryStore }): string[] {
  return [...ctx.memory.objects.keys()].filter((key) => key.includes('/data/')).sort()
}
