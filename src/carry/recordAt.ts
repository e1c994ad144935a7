/** What Kafka holds at an offset now: a log that was cut back holds another record where the anchor was (SEMANTICS R1.24). */
import { CdcFailure, code } from '../core/failures.ts'
import type { Anchor } from '../core/receipts.ts'
import type { RangeReader, TopicIdentity } from '../core/records.ts'
import { anchorOf } from './rangeScan.ts'

/** Null where no record can be seen at `offset`, which must be below the high watermark; `gone` where retention took it. */
export async function recordAt(
  reader: RangeReader,
  topic: TopicIdentity,
  partition: number,
  offset: bigint,
  signal: AbortSignal,
): Promise<Anchor | null | 'gone'> {
  try {
    for await (const { blocks } of reader.read({ topic, partition, from: offset, to: offset + 1n, signal })) {
      for (const block of blocks) if (block.count > 0) return anchorOf(block, 0)
    }
    return null
  } catch (error) {
    if (error instanceof CdcFailure && error.code === code.DataLoss) return 'gone'
    throw error
  }
}
