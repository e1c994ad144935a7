/** The airline at work: customers book, change seats, cancel; planes are late; some transactions are rolled back. */
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { randomOf } from '../random.ts'

export interface LoadCount {
  inserts: number
  updates: number
  deletes: number
  /** Transactions that were rolled back, and savepoints: nothing of them may be in the lake. */
  rolledBack: number
}

/** Writers with connections of their own; each works in transactions of one to a dozen changes. */
export async function runLoad(
  url: string,
  { writers, untilMs, signal }: { writers: number; untilMs: number; signal: AbortSignal },
  progress: (count: LoadCount) => void,
): Promise<LoadCount> {
  const count: LoadCount = { inserts: 0, updates: 0, deletes: 0, rolledBack: 0 }
  const ticker = setInterval(() => progress(count), 1000)
  try {
    await Promise.all(Array.from({ length: writers }, (_, writer) => write(url, writer, untilMs, signal, count)))
  } finally {
    clearInterval(ticker)
  }
  return count
}

async function write(url: string, writer: number, untilMs: number, signal: AbortSignal, total: LoadCount): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  const random = randomOf(writer + 1)
  // Each writer books under ids of its own, and changes rows of its own: no deadlocks to wait for.
  let nextBooking = 1_000_000 * (writer + 1)
  try {
    while (Date.now() < untilMs && !signal.aborted) {
      const done: LoadCount = { inserts: 0, updates: 0, deletes: 0, rolledBack: 0 }
      await client.query('BEGIN')
      const changes = 1 + Math.floor(random() * 12)
      for (let i = 0; i < changes; i++) {
        const dice = random()
        if (dice < 0.45) {
          await insertBooking(client, nextBooking++, random)
          done.inserts++
        } else if (dice < 0.7) {
          done.updates += await changed(client, `UPDATE bookings SET seat = $2, status = 'CHECKED IN' WHERE booking_id = $1`, [
            1_000_000 * (writer + 1) + Math.floor(random() * (nextBooking % 1_000_000 || 1)),
            `${1 + Math.floor(random() * 40)}${'ABCDEF'[Math.floor(random() * 6)]!}`,
          ])
        } else if (dice < 0.8) {
          done.updates += await changed(client, 'UPDATE customers SET miles = miles + $2 WHERE customer_id = $1', [
            writer + 1 + 10 * Math.floor(random() * 150),
            Math.floor(random() * 9_007_199_254),
          ])
        } else if (dice < 0.9) {
          done.updates += await changed(
            client,
            'UPDATE flights SET departs_at = departs_at + $2::interval, seats_sold = seats_sold + 1 WHERE flight_id = $1',
            [writer + 1 + 10 * Math.floor(random() * 40), `${Math.floor(random() * 5_000_000)} microseconds`],
          )
        } else {
          done.deletes += await changed(client, 'DELETE FROM bookings WHERE booking_id = $1', [
            1_000_000 * (writer + 1) + Math.floor(random() * (nextBooking % 1_000_000 || 1)),
          ])
        }
      }
      if (random() < 0.1) {
        await client.query('SAVEPOINT doubt')
        await client.query('UPDATE customers SET newsletter = NOT newsletter WHERE customer_id = $1', [writer + 1])
        await client.query('ROLLBACK TO SAVEPOINT doubt')
        done.rolledBack++
      }
      if (random() < 0.15) {
        await client.query('ROLLBACK')
        total.rolledBack++
      } else {
        await client.query('COMMIT')
        for (const kind of ['inserts', 'updates', 'deletes', 'rolledBack'] as const) total[kind] += done[kind]
      }
      await sleep(5)
    }
  } finally {
    await client.end()
  }
}

async function insertBooking(client: pg.Client, id: number, random: () => number): Promise<void> {
  await client.query(
    `INSERT INTO bookings (booking_id, customer_id, flight_id, price, seat, booked_at)
     SELECT $1, (SELECT min(customer_id) FROM customers WHERE customer_id >= $2), (SELECT min(flight_id) FROM flights WHERE flight_id >= $3),
       $4, NULL, clock_timestamp()`,
    [id, 1 + Math.floor(random() * 1000), 1 + Math.floor(random() * 300), (random() * 2000).toFixed(2)],
  )
}

async function changed(client: pg.Client, sql: string, values: readonly unknown[]): Promise<number> {
  return (await client.query(sql, [...values])).rowCount ?? 0
}
