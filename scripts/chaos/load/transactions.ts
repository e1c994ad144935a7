/** What a writer does in one transaction. It changes rows of its own, but for accounts, which are locked in their order. */
import { setTimeout as sleep } from 'node:timers/promises'
import { pick, whole, type Random } from '../../random.ts'
import { accountCount, canary } from './tables.ts'

/** A transaction under way. */
export interface Open {
  readonly writer: number
  readonly random: Random
  /** Will be rolled back, and says so in its rows. */
  readonly doomed: boolean
  /** Runs a statement; the rows that it changed. */
  readonly run: (sql: string, values?: readonly unknown[]) => Promise<number>
  /** Takes so many of the writer's numbers; the first one. */
  readonly take: (count: number) => number
}

/** Resolves with the number of changed rows. */
type Work = (open: Open) => Promise<number>

/** Of a hundred transactions, about so many. */
const works: readonly (readonly [share: number, work: Work])[] = [
  [25, changeItems],
  [15, changeWholeRows],
  [16, changeDocuments],
  [28, transfer],
  [12, fillAndEmpty],
  [2.4, copy],
  [1, takeLong],
  [0.6, changeOneRowOften],
]
/** Only these, which change rows that no other writer does, may follow another work: so nobody waits for one who waits for him. */
const own = works.slice(0, 3)

/** Resolves with the number of changed rows. Leaves a number at least. */
export async function transact(open: Open): Promise<number> {
  const { random } = open
  let rows = await insertNumbers(open, whole(random, 1, 4))
  rows += await chosen(random, works)(open)
  if (random() < 0.3) rows += await chosen(random, own)(open)
  return rows
}

/** Up to a savepoint nothing has happened. */
export async function thinkBetter(open: Open): Promise<void> {
  await open.run('SAVEPOINT doubt')
  await insertNumbers({ ...open, take: () => 0 }, 1)
  await chosen(open.random, own)(open)
  await open.run('ROLLBACK TO SAVEPOINT doubt')
}

function chosen(random: Random, from: typeof works): Work {
  let left = random() * from.reduce((sum, [share]) => sum + share, 0)
  return from.find(([share]) => (left -= share) < 0)![1]
}

async function insertNumbers({ writer, doomed, run, take }: Open, count: number): Promise<number> {
  const first = take(count)
  const numbers = 'SELECT $1, n, $4 FROM generate_series($2::bigint, $3) n'
  return run(`INSERT INTO numbered (writer, number, doomed) ${numbers}`, [writer, first, first + count - 1, doomed])
}

async function copy({ writer, random, doomed, run, take }: Open): Promise<number> {
  const count = whole(random, 50, 600)
  const first = take(count)
  const rows = `seq -f '${writer},%.0f,${doomed}' ${first} ${first + count - 1}`
  return run(`COPY numbered (writer, number, doomed) FROM PROGRAM $$${rows}$$ WITH (FORMAT csv)`)
}

async function transfer({ random, run }: Open): Promise<number> {
  const [one, other] = [whole(random, 1, accountCount), whole(random, 1, accountCount - 1)]
  const [low, high] = other < one ? [other, one] : [one, other + 1]
  const amount = whole(random, -90, 90)
  const rows = await run('UPDATE accounts SET balance = balance - $2 WHERE account = $1', [low, amount])
  return rows + (await run('UPDATE accounts SET balance = balance + $2 WHERE account = $1', [high, amount]))
}

async function changeItems(open: Open): Promise<number> {
  return several(open, 8, async ({ random, run }) => {
    const item = keyOf(open, 12)
    const change = pick(random, ['set', 'set', 'delete', 'move'])
    if (change === 'delete') return run('DELETE FROM items WHERE item = $1', [item])
    if (change === 'move') {
      const free = 'NOT EXISTS (SELECT FROM items WHERE item = $2)'
      return run(`UPDATE items SET item = $2, n = n + 1 WHERE item = $1 AND ${free}`, [item, keyOf(open, 12)])
    }
    const again = 'ON CONFLICT (item) DO UPDATE SET n = items.n + 1, said = EXCLUDED.said'
    return run(`INSERT INTO items VALUES ($1, 0, $2) ${again}`, [item, canary])
  })
}

async function changeOneRowOften({ writer, random, run }: Open): Promise<number> {
  const item = writer * keysOfWriter
  const often = whole(random, 2_000, 4_000)
  const made = await run('INSERT INTO items VALUES ($1, 0) ON CONFLICT DO NOTHING', [item])
  await run(`DO $$ BEGIN FOR i IN 1..${often} LOOP UPDATE items SET n = n + 1 WHERE item = ${item}; END LOOP; END $$`)
  return made + often
}

async function changeWholeRows(open: Open): Promise<number> {
  return several(open, 6, async ({ random, run }) => {
    const id = keyOf(open, 40)
    if (random() < 0.3) return run('DELETE FROM whole_rows WHERE id = $1', [id])
    const again = 'ON CONFLICT (id) DO UPDATE SET n = whole_rows.n + 1, said = EXCLUDED.said'
    return run(`INSERT INTO whole_rows VALUES ($1, 0, $2) ${again}`, [id, random() < 0.2 ? null : canary])
  })
}

async function changeDocuments(open: Open): Promise<number> {
  return several(open, 4, async ({ random, run }) => {
    const document = keyOf(open, 20)
    const change = pick(random, ['write', 'touch', 'touch', 'touch', 'delete'])
    if (change === 'touch') return run('UPDATE documents SET n = n + 1 WHERE document = $1', [document])
    if (change === 'delete') return run('DELETE FROM documents WHERE document = $1', [document])
    const body = `'${canary}' || (SELECT string_agg(md5(i::text || $2), '') FROM generate_series(1, $3::int) i)`
    const again = 'ON CONFLICT (document) DO UPDATE SET n = documents.n + 1, body = EXCLUDED.body'
    return run(`INSERT INTO documents VALUES ($1, 0, ${body}) ${again}`, [document, String(random()), whole(random, 80, 200)])
  })
}

/** One writer empties the table for all, and goes on with some rows in the same transaction. */
async function fillAndEmpty(open: Open): Promise<number> {
  if (open.writer === 1 && open.random() < 0.2) await open.run('TRUNCATE emptied')
  const first = keyOf(open, 90)
  const again = 'ON CONFLICT (id) DO UPDATE SET n = emptied.n + 1'
  const values = [first, first + whole(open.random, 0, 9)]
  return open.run(`INSERT INTO emptied SELECT id, 0 FROM generate_series($1::bigint, $2) id ${again}`, values)
}

/** Seconds, while others commit. */
async function takeLong(open: Open): Promise<number> {
  return several(open, 6, async () => {
    await sleep(whole(open.random, 300, 900))
    return (await insertNumbers(open, whole(open.random, 1, 20))) + (await changeItems(open))
  })
}

const keysOfWriter = 1_000

function keyOf({ writer, random }: Open, keys: number): number {
  return writer * keysOfWriter + whole(random, 1, keys)
}

async function several(open: Open, most: number, work: Work): Promise<number> {
  let rows = 0
  for (let left = whole(open.random, 1, most); left > 0; left--) rows += await work(open)
  return rows
}
