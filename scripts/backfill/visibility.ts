/**
 * What readers of the source database see. A transaction stands in the write-ahead log, and is streamed, a moment before others
 * see it, or much later where it waits for a synchronous standby. A chunk that Debezium reads in between shows the row as it was,
 * and comes after the change.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'pg'

/** Transactions from `next` on and those that are `open` are not seen yet; numbers of 64 bits, as pg_current_snapshot() has them. */
export interface Visibility {
  readonly next: bigint
  readonly open: readonly bigint[]
}

export async function visibleNow(database: Client): Promise<Visibility> {
  const { rows } = await database.query<{ next: string; open: string[] }>(
    `SELECT pg_snapshot_xmax(s)::text AS next, ARRAY(SELECT pg_snapshot_xip(s)::text) AS open FROM pg_current_snapshot() AS s`,
  )
  const { next, open } = rows[0]!
  return { next: BigInt(next), open: open.map(BigInt) }
}

/** True once readers see these transactions, which have all been streamed; false where they do not within `patienceMs`. */
export async function untilVisible(database: Client, transactions: readonly bigint[], patienceMs: number): Promise<boolean> {
  const waiting = new Set(transactions.map((tx) => tx % 2n ** 32n))
  for (const untilMs = Date.now() + patienceMs; ; await sleep(200)) {
    const { open } = await visibleNow(database)
    if (!open.some((tx) => waiting.has(tx % 2n ** 32n))) return true
    if (Date.now() > untilMs) return false
  }
}
