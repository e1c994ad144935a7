/** Which day of the lake an event opens (DESIGN §4.4). */
import type { ChangeEvent } from '../core/events.ts'
import { dayOfUs, usPerDay } from '../core/days.ts'

/**
 * The UTC day of the event's commit, in days since 1970; null where it has none, or one more than a day ahead of the record's
 * Kafka timestamp (a wrong clock): such events never turn the day. A link ends before the first event of a day later than its own.
 */
export function dayOfEvent(event: ChangeEvent, kafkaTsMs: number): number | null {
  const us = event.sourceTsUs
  if (us === null || us > kafkaTsMs * 1000 + usPerDay) return null
  return dayOfUs(us)
}
