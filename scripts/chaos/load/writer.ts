/**
 * A writer with a memory: it knows which of its numbers are committed. When PostgreSQL goes away under it, it comes back; where
 * the answer to a COMMIT was lost, the database is asked whether that took place.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { randomOf, type Random } from '../../random.ts'
import { thinkBetter, transact } from './transactions.ts'

export interface Memory {
  rows: number
  transactions: number
  rolledBack: number
  unknown: number
  /** The writer's last number that is committed, and the last one that it tried. */
  committed: number
  tried: number
}

export interface WriterOptions {
  readonly writer: number
  readonly seed: number
  /** Rows a second, on average; a large transaction is rested from for some seconds at most. */
  readonly pace: number
  /** Ends the writer after its transaction. */
  readonly stopping: AbortSignal
  /** Ends it at once. */
  readonly signal: AbortSignal
}

/** A transaction whose COMMIT was sent and not answered. */
interface Unanswered {
  readonly number: number
  readonly rows: number
}

const longestRestMs = 3_000

/** Throws where PostgreSQL refuses a statement for another reason than that it goes away or has no room. */
export async function write(url: string, options: WriterOptions): Promise<Memory> {
  const { writer, seed, stopping, signal } = options
  const memory: Memory = { rows: 0, transactions: 0, rolledBack: 0, unknown: 0, committed: 0, tried: 0 }
  const random = randomOf(seed * 1_000 + writer)
  let unanswered: Unanswered | null = null
  while (!signal.aborted && (!stopping.aborted || unanswered)) {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
    client.on('error', () => undefined)
    const end = () => void client.end().catch(() => undefined)
    signal.addEventListener('abort', end)
    try {
      await client.connect()
      // Whoever held it was this writer's last session: with it gone, its transaction is decided.
      await client.query('SELECT pg_advisory_lock($1)', [writer])
      if (unanswered) {
        if (await tookPlace(client, writer, unanswered.number)) remember(memory, unanswered)
        unanswered = null
      }
      while (!signal.aborted && !stopping.aborted) {
        const began = Date.now()
        const done = await work(client, writer, random, memory)
        unanswered = done
        if (done) {
          await client.query('COMMIT')
          unanswered = null
          remember(memory, done)
        }
        const restMs = Math.min(((done?.rows ?? 0) / options.pace) * 1000 - (Date.now() - began), longestRestMs)
        await sleep(Math.max(restMs, 0), undefined, { signal: AbortSignal.any([stopping, signal]) }).catch(() => undefined)
      }
    } catch (error) {
      if (!signal.aborted && !passes(error)) throw error
      if (unanswered) memory.unknown++
      await sleep(200)
    } finally {
      signal.removeEventListener('abort', end)
      await client.end().catch(() => undefined)
    }
  }
  return memory
}

/** One transaction up to its COMMIT; null where it was rolled back. */
async function work(client: pg.Client, writer: number, random: Random, memory: Memory): Promise<Unanswered | null> {
  const doomed = random() < 0.1
  let number = memory.committed
  const open = {
    writer,
    random,
    doomed,
    run: async (sql: string, values: readonly unknown[] = []) => (await client.query(sql, [...values])).rowCount ?? 0,
    take(count: number) {
      const first = number + 1
      number += count
      memory.tried = Math.max(memory.tried, number)
      return first
    },
  }
  await client.query('BEGIN')
  const thinks = random()
  if (thinks < 0.08) await thinkBetter(open)
  const rows = await transact(open)
  if (thinks < 0.16) await thinkBetter(open)
  if (thinks < 0.16) memory.rolledBack++
  if (!doomed) return { number, rows }
  await client.query('ROLLBACK')
  memory.rolledBack++
  return null
}

async function tookPlace(client: pg.Client, writer: number, number: number): Promise<boolean> {
  return ((await client.query('SELECT FROM numbered WHERE writer = $1 AND number = $2', [writer, number])).rowCount ?? 0) > 0
}

function remember(memory: Memory, { number, rows }: Unanswered): void {
  memory.committed = number
  memory.rows += rows
  memory.transactions++
}

/** Lost and refused connections (no code of SQL, 08, 57) and a full disk (53, 58) pass by themselves. */
function passes(error: unknown): boolean {
  const { code } = error as { code?: string }
  return !/^[0-9A-Z]{5}$/.test(code ?? '') || /^(08|53|57|58)/.test(code!)
}
