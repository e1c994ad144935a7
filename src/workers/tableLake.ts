/**
 * The activities' door to the lake: the table's log through the protocol, with the newest snapshot of each table kept in memory.
 * Entries never change, so a kept snapshot is never wrong, at most behind; every call catches up before it decides.
 */
import type { Lake, LakeSnapshot, Provenance as By } from '../activities/deps.ts'
import type { ResolvedTable } from '../config/config.ts'
import type { Reach } from '../core/failpoints.ts'
import { parseOffset } from '../core/offsets.ts'
import type { Anchor } from '../core/receipts.ts'
import type { TopicIdentity, TopicState, Watermarks } from '../core/records.ts'
import { parquetLink } from '../lake/parquetLink.ts'
import { probeStore } from '../lake/probe.ts'
import {
  admitPartitions,
  catchUp,
  commitReceipts,
  decide,
  growSchema,
  openTable,
  readSnapshot,
  walkPending,
  type LakeContext,
  type ObjectStore,
  type Snapshot,
} from '../lake/table.ts'

export interface TableLakeOptions {
  readonly store: ObjectStore
  readonly clock: () => number
  readonly random: () => string
  readonly reach: Reach
  /** Name and version of this program. */
  readonly writer: string
  /** Days since 1970 of the folder where a partition's first link will stand. */
  startDay(table: ResolvedTable, topic: TopicIdentity, marks: Watermarks, signal: AbortSignal): Promise<number>
  /** The record that can be read at an offset; null where none can, `gone` where retention took it. */
  recordAt(topic: TopicIdentity, partition: number, offset: bigint, signal: AbortSignal): Promise<Anchor | null | 'gone'>
}

export interface TableLake extends Lake {
  /** Whether the store is one that the protocol may stand on; asked once a worker. Throws CDC5002, CDC5001. */
  probe(): Promise<void>
  /** As new as the log is now. */
  newest(table: ResolvedTable, signal: AbortSignal): Promise<Snapshot>
}

export function tableLake(options: TableLakeOptions): TableLake {
  const { store, clock, random, reach, writer } = options
  const kept = new Map<string, Snapshot>()
  let probed: Promise<void> | null = null

  /** Once a worker; a probe that failed is made again by the next table. */
  const probe = (): Promise<void> => (probed ??= probeStore(store, random).catch((error: unknown) => fail(error)))
  const fail = (error: unknown): never => {
    probed = null
    throw error
  }

  const context = (table: ResolvedTable, signal: AbortSignal): LakeContext => {
    return { store: store.bound(signal), root: table.root, clock, random, reach, format: parquetLink }
  }
  const by = ({ workflowId, runId }: By) => ({ writer, workflowId, runId })
  const keep = (table: ResolvedTable, snapshot: Snapshot): Snapshot => {
    kept.set(table.root, snapshot)
    return snapshot
  }
  const newest = async (table: ResolvedTable, signal: AbortSignal): Promise<Snapshot> => {
    const ctx = context(table, signal)
    const known = kept.get(table.root)
    const snapshot = known ? await catchUp(ctx, known) : await readSnapshot(ctx)
    if (snapshot === null) throw new Error(`table ${table.name} has no log; openTable comes first`)
    return keep(table, snapshot)
  }

  return {
    newest,
    probe,

    async open(table, topic, { decision, look }, who, signal) {
      await probe()
      const { clusterId, topic: name, id } = topic.identity
      const claimed = { clusterId, topic: name, topicId: id, deltaCompat: 'none' as const }
      const startsOf = (state: TopicState) =>
        Promise.all(state.partitions.map((marks) => startOf(options, table, state, marks, signal)))
      const recordAt = (partition: number, offset: bigint) => options.recordAt(topic.identity, partition, offset, signal)
      const asked = { decision, look, startsOf, recordAt }
      return told(keep(table, await openTable(context(table, signal), claimed, () => startsOf(topic), by(who), asked)))
    },
    async admit(table, topic, barrier, who, signal) {
      const waiting = topic.partitions.filter(({ partition }) => barrier.partitions.includes(partition))
      const starts = await Promise.all(waiting.map((marks) => startOf(options, table, topic, marks, signal)))
      // From their very beginning: what retention took of them since is a gap, which is asked about.
      const begin = starts.map((start) => ({ ...start, offset: 0n }))
      const known = await newest(table, signal)
      return told(keep(table, await admitPartitions(context(table, signal), known, begin, { barrier }, by(who))))
    },
    async refresh(table, who, signal) {
      return told(keep(table, await walkPending(context(table, signal), await newest(table, signal), by(who))))
    },
    async commit(table, _epoch, receipts, who, signal) {
      const known = kept.get(table.root) ?? (await newest(table, signal))
      return told(keep(table, await commitReceipts(context(table, signal), known, receipts, by(who))))
    },
    async grow(table, growth, who, signal) {
      const known = kept.get(table.root) ?? (await newest(table, signal))
      return told(keep(table, await growSchema(context(table, signal), known, growth, by(who))))
    },
    async decide(table, decision, who, signal) {
      return told(keep(table, await decide(context(table, signal), await newest(table, signal), decision, by(who))))
    },
  }
}

async function startOf(
  options: TableLakeOptions,
  table: ResolvedTable,
  topic: TopicState,
  marks: Watermarks,
  signal: AbortSignal,
): Promise<{ partition: number; offset: bigint; day: number }> {
  const day = await options.startDay(table, topic.identity, marks, signal)
  return { partition: marks.partition, offset: parseOffset(marks.low.toString()), day }
}

function told({ version, epoch, topic, topicId, binding, schema, positions }: Snapshot): LakeSnapshot {
  return { version, epoch, topic: { clusterId: binding.clusterId, topic, id: topicId }, schema, positions }
}
