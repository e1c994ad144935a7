/** Going on without records that Kafka deleted before they were carried (DESIGN §4.8). */
import type { TopicDecision, Gap } from '../core/topicDecisions.ts'
import { offsetText, parseOffset } from '../core/offsets.ts'
import { commitReceipts, receiptOf } from './commit.ts'
import type { LakeContext, Provenance } from './context.ts'
import { putEmptyLink } from './emptyLink.ts'
import { requireOpen } from './link.ts'
import { positionOf, startOf, type Snapshot } from './snapshot.ts'

/**
 * An empty link leads over the gap. Where another carrier still had the records and put its link first, that one is committed
 * and only what is missing behind it is left out. Doing it twice changes nothing.
 */
export async function acceptGap(
  ctx: LakeContext,
  known: Snapshot,
  { partition, to }: Gap,
  provenance: Provenance,
  decision: TopicDecision,
): Promise<Snapshot> {
  for (let at = known; ;) {
    const position = positionOf(at, partition)
    if (at.epoch !== known.epoch || startOf(position) >= parseOffset(to)) return at
    const gap = { from: offsetText(startOf(position)), to }
    const link = await putEmptyLink(ctx, at, position, { next: to, gap })
    requireOpen(link)
    const told = link.gap ? { 'cdc.decision': decision } : {}
    at = await commitReceipts(ctx, at, [receiptOf(link, true, ctx.clock())], provenance, told)
  }
}
