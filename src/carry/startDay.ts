/** The folder in which a partition's first link will stand (DESIGN §4.1): asked once, when a table is bound. */
import { dayOfMs } from '../core/days.ts'
import { CdcFailure } from '../core/failures.ts'
import { minOffset } from '../core/offsets.ts'
import type { RangeReader, TopicIdentity, Watermarks } from '../core/records.ts'
import type { Decoder } from '../debezium/decoder.ts'
import { dayOfEvent } from '../rows/day.ts'

/** How far the first event is looked for: behind these records the day of today will do, for entry 0 decides once. */
const lookahead = 1000n

/** Days since 1970 of the first change event that stands in the partition now, else of `nowMs`. */
export async function startDay(
  tools: { readonly reader: RangeReader; readonly decoder: Decoder; readonly signal: AbortSignal },
  topic: TopicIdentity,
  { partition, low, stable }: Watermarks,
  nowMs: number,
): Promise<number> {
  const today = dayOfMs(nowMs)
  const to = minOffset(stable, low + lookahead)
  if (to <= low) return today
  try {
    for await (const { blocks } of tools.reader.read({ topic, partition, from: low, to, signal: tools.signal })) {
      for (const block of blocks) {
        for (let i = 0; i < block.count; i++) {
          const event = tools.decoder.decode(block, i)
          if (event !== null) return dayOfEvent(event, block.timestamp[i]!) ?? today
        }
      }
    }
  } catch (error) {
    // A record that cannot be decoded parks the table when it is carried; it needs no day.
    if (!(error instanceof CdcFailure) || error.policy !== 'park') throw error
  }
  return today
}
