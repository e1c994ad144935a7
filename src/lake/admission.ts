/** New partitions of a topic: each begins where the entry says that admits it (DESIGN §4.9, SEMANTICS R1.26). */
import { planFrom } from '../core/batchPlan.ts'
import type { TopicDecision } from '../core/topicDecisions.ts'
import { isDrained, type Barrier } from '../core/growth.ts'
import { append, commitInfo } from './commit.ts'
import type { LakeContext, Provenance } from './context.ts'
import type { Action } from './entries.ts'
import { catchUp, highsOf, txnsOf, type Snapshot } from './snapshot.ts'
import { beginning, type Start } from './start.ts'

/**
 * Admits those of `starts` that the table has not got, if it stands at the barrier: what follows in them is then behind all that
 * was written to old partitions before. Without a barrier it is by a person's consent. Else the table as it is.
 */
export async function admitPartitions(
  ctx: LakeContext,
  known: Snapshot,
  starts: readonly Start[],
  leave: { readonly barrier: Barrier } | { readonly decision: TopicDecision },
  provenance: Provenance,
): Promise<Snapshot> {
  return append(ctx, await catchUp(ctx, known), (at) => {
    const missing = starts.filter(({ partition }) => !at.positions.some((position) => position.partition === partition))
    const waits = 'barrier' in leave && !isDrained(planFrom(at.positions), leave.barrier)
    const nothingToDo = at.epoch !== known.epoch || missing.length === 0 || waits
    return Promise.resolve(nothingToDo ? null : admittingEntry(ctx, at, missing, leave, provenance))
  })
}

function admittingEntry(
  ctx: LakeContext,
  at: Snapshot,
  starts: readonly Start[],
  leave: { readonly barrier: Barrier } | { readonly decision: TopicDecision },
  provenance: Provenance,
): readonly Action[] {
  const partitions = starts.map(({ partition }) => partition).join(',')
  const info = {
    ...commitInfo(ctx, 'ADMIT PARTITIONS', { partitions }, at.metaDataVersion, provenance),
    ...('barrier' in leave ? { 'cdc.barrier': leave.barrier.ends } : { 'cdc.decision': leave.decision }),
    ...highsOf(at.positions),
    'cdc.anchors': at.anchors,
  }
  const positions = [...at.positions, ...starts.map(beginning)].sort((a, b) => a.partition - b.partition)
  return [{ commitInfo: info }, ...txnsOf(at.epoch, positions).map((txn) => ({ txn }))]
}
