import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import pg from 'pg'

/** When a part counts as ready, as plain data. */
export type Ready =
  /** The port takes connections. */
  | { tcp: number }
  /** The address answers with this status (200 unless given). */
  | { http: string; status?: number }
  /** This text stands in the log, after what was there before the start. */
  | { text: string }
  /** The database at this address answers a query. */
  | { postgres: string }

/** Asks once. `log` and `logFrom` (bytes) say where the part's own output begins. */
export async function isReady(ready: Ready, log: string, logFrom: number): Promise<boolean> {
  try {
    if ('tcp' in ready) return await takesConnections(ready.tcp)
    if ('http' in ready) {
      const response = await fetch(ready.http, { signal: AbortSignal.timeout(2000) })
      await response.arrayBuffer()
      return response.status === (ready.status ?? 200)
    }
    if ('text' in ready) return (await readFile(log)).subarray(logFrom).includes(ready.text)
    return await answersQuery(ready.postgres)
  } catch {
    return false
  }
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    const answer = (yes: boolean) => {
      socket.destroy()
      resolve(yes)
    }
    socket.setTimeout(2000, () => answer(false))
    socket.once('connect', () => answer(true))
    socket.once('error', () => answer(false))
  })
}

async function answersQuery(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.query('SELECT 1')
    return true
  } finally {
    await client.end().catch(() => undefined)
  }
}
