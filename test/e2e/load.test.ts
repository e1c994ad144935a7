/** The load of chaos remembers what PostgreSQL committed, also where that crashed before it could say so. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { prepareLoad, startLoad } from '../../scripts/chaos/load/load.ts'
import { sumOfBalances } from '../../scripts/chaos/load/tables.ts'
import { createDatabase } from '../../scripts/stack/airline.ts'
import { startStack } from '../../scripts/stack/start.ts'
import { withClient } from './harness.ts'

test('writers come back after each crash of PostgreSQL, and their numbers are those in the database, no more and no fewer', async () => {
  const stack = await startStack({ name: `load-${process.pid}`, parts: ['postgres'] })
  try {
    const url = await createDatabase(stack.postgres, 'remembered', 'template1')
    await prepareLoad(url)
    const load = startLoad(url, { seed: 3, signal: new AbortController().signal })
    for (let crashes = 0; crashes < 3; crashes++) {
      await sleep(2_500)
      await stack.kill('postgres')
      await stack.restart('postgres')
    }
    await sleep(1_500)
    const { writers, rolledBack, transactions } = await load.settled()
    const remembered = writers.map(({ writer, committed }) => ({ writer, count: committed, last: committed, doomed: false }))
    await withClient(url, async (client) => {
      const { rows } =
        await client.query(`SELECT writer, count(*)::int AS count, max(number)::int AS last, bool_or(doomed) AS doomed
        FROM numbered GROUP BY writer ORDER BY writer`)
      expect(rows).toEqual(remembered)
      const [sum] = (await client.query<{ sum: number }>('SELECT sum(balance)::int AS sum FROM accounts')).rows
      expect(sum).toEqual({ sum: sumOfBalances })
    })
    expect(Math.min(rolledBack, transactions, ...writers.map(({ committed }) => committed))).toBeGreaterThan(0)
  } finally {
    await stack.stop()
  }
}, 240_000)
