/** Epoch n+1: the chains of epoch n are ended for everybody, then an entry binds the next topic (DESIGN §4.2). */
import type { TopicDecision } from '../core/topicDecisions.ts'
import { append, commitInfo, commitReceipts, receiptOf } from './commit.ts'
import type { LakeContext, Provenance } from './context.ts'
import { schemaString } from './deltaSchema.ts'
import { putEmptyLink } from './emptyLink.ts'
import type { Action } from './entries.ts'
import { positionOf, txnsOf, type Snapshot } from './snapshot.ts'
import { beginning, type Start } from './start.ts'

export interface NextEpoch {
  readonly epoch: number
  readonly topic: string
  readonly topicId: string
}

/**
 * The table in epoch `next.epoch`, opened here or by another carrier, whose topic id may then be another one. What stands in the
 * old chains is committed first. Doing it twice changes nothing.
 */
export async function openEpoch(
  ctx: LakeContext,
  known: Snapshot,
  next: NextEpoch,
  starts: readonly Start[],
  provenance: Provenance,
  decision: TopicDecision,
): Promise<Snapshot> {
  const closed = new Set<number>()
  let at = known
  while (at.epoch < next.epoch) {
    // Partitions may be admitted meanwhile: their chains have to end, too.
    for (const { partition } of at.positions) {
      if (closed.has(partition)) continue
      at = await closeChain(ctx, at, partition, next.epoch, provenance)
      closed.add(partition)
    }
    at = await append(ctx, at, (now) => {
      const open = now.epoch < next.epoch && now.positions.every(({ partition }) => closed.has(partition))
      return Promise.resolve(open ? epochEntry(ctx, now, next, starts, provenance, decision) : null)
    })
  }
  return at
}

/** Puts a closing link at the end of the chain; a link that stands there instead is committed, and the chain closed behind it. */
async function closeChain(
  ctx: LakeContext,
  known: Snapshot,
  partition: number,
  epoch: number,
  provenance: Provenance,
): Promise<Snapshot> {
  for (let at = known; ;) {
    if (at.epoch >= epoch) return at
    const position = positionOf(at, partition)
    const link = await putEmptyLink(ctx, at, position, { next: position.base, closed: epoch })
    if (link.closed !== null) return at
    at = await commitReceipts(ctx, at, [receiptOf(link, true, ctx.clock())], provenance)
  }
}

function epochEntry(
  ctx: LakeContext,
  at: Snapshot,
  next: NextEpoch,
  starts: readonly Start[],
  provenance: Provenance,
  decision: TopicDecision,
): readonly Action[] {
  const positions = starts.map(beginning)
  const operation = commitInfo(ctx, 'OPEN EPOCH', { epoch: String(next.epoch) }, at.version + 1, provenance)
  const { epoch, topic, topicId } = next
  return [
    { commitInfo: { ...operation, 'cdc.decision': decision } },
    {
      metaData: {
        ...at.metaData,
        schemaString: schemaString(at.schema),
        configuration: {
          ...at.metaData.configuration,
          'cdc.topic': topic,
          'cdc.epochs': JSON.stringify([...at.binding.epochs, { epoch, topic, topicId }]),
        },
      },
    },
    ...txnsOf(epoch, positions).map((txn) => ({ txn })),
  ]
}
