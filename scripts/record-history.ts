/**
 * Records the histories that test/unit/workflows/replay.test.ts replays, one file a story, with rooms made of memory:
 * `npx tsx scripts/record-history.ts <folder>`. To be run from the release whose histories shall be kept, never from a
 * branch whose changes they are to judge. Needs a Temporal server: one is started, or TEMPORAL_ADDRESS is used.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { failing } from '../test/fakes/rooms.ts'
import { fakeTables, statusOf, until, type FakeTables } from '../test/fakes/tables.ts'
import { projectRoot } from './stack/places.ts'
import { startStack } from './stack/start.ts'

type Story = (tables: FakeTables) => Promise<string>

const stories: Readonly<Record<string, Story>> = {
  /** Batches, a pause, a flush, a stop. */
  async messages(tables) {
    const { workflowId, handle, append, rows } = await begin(tables, 'messages')
    append(3)
    await rows(3)
    await handle.executeUpdate('pause')
    append(4)
    await handle.executeUpdate('resume')
    await handle.executeUpdate('setLimits', { args: [{ maxRows: 2 }] })
    await handle.executeUpdate('flush')
    await handle.executeUpdate('stop')
    return workflowId
  },

  /** Columns that are new, a range that ends early, the next batch written while one is being committed. */
  async growth(tables) {
    const growth = { columns: [{ name: 'gate', type: 'string' as const }], key: ['id'] }
    tables.rooms.onWrite = (job) => Promise.resolve(job.from === '0' ? { next: 3n, growth } : undefined)
    tables.rooms.onCommit = () => new Promise((resolve) => setTimeout(resolve, 200))
    const { workflowId, handle, append, rows } = await begin(tables, 'growth')
    for (let n = 1; n <= 5; n++) {
      append(10)
      await until(async () => (await statusOf(handle)).rows > (n - 1) * 10 - 5)
    }
    await rows(50)
    await handle.executeUpdate('stop')
    return workflowId
  },

  /** A range that ends early while the next plan is made already. */
  async early(tables) {
    const { workflowId, handle, append, rows } = await begin(tables, 'early')
    await handle.executeUpdate('pause')
    await handle.executeUpdate('setLimits', { args: [{ maxRows: 10 }] })
    tables.rooms.onWrite = async (job) => {
      if (job.from !== '0') return
      await new Promise((resolve) => setTimeout(resolve, 1000))
      append(8)
      return { next: 8n }
    }
    append(12)
    await handle.executeUpdate('resume')
    await rows(20)
    await handle.executeUpdate('stop')
    return workflowId
  },

  /** Parked, resumed with a decision. */
  async parked(tables) {
    let mended = false
    tables.rooms.onWrite = () => (mended ? Promise.resolve() : failing('TypeChanged', 'column price')())
    const { workflowId, handle, append, rows } = await begin(tables, 'parked')
    append(3)
    await until(async () => (await statusOf(handle)).health === 'blocked')
    mended = true
    await handle.executeUpdate('resume', { args: [{ columns: { price: { ignore: true } } }] })
    await rows(3)
    await handle.executeUpdate('stop')
    return workflowId
  },

  /** Takes a decision between two batches. */
  async decided(tables) {
    const { workflowId, handle, append, rows } = await begin(tables, 'decided')
    append(3)
    await rows(3)
    await handle.executeUpdate('resume', { args: [{ columns: { note: { as: 'note' } } }] })
    append(2)
    await rows(5)
    await handle.executeUpdate('stop')
    return workflowId
  },

  /** Cancelled in the middle of a commit. */
  async cancelled(tables) {
    tables.rooms.onCommit = () => new Promise((resolve) => setTimeout(resolve, 1000))
    const { workflowId, handle, append, memory } = await begin(tables, 'cancelled')
    append(3)
    await until(() => memory.events.includes('wrote 0:[0,3)'))
    await handle.cancel()
    await handle.result().catch(() => undefined)
    return workflowId
  },
}

async function begin(tables: FakeTables, table: string) {
  const topic = `air.public.${table}`
  const memory = tables.rooms.table(topic)
  const handle = await tables.start({ table }, `tableCdc/recorded/${table}`)
  await until(async () => (await statusOf(handle)).positions.length > 0)
  return {
    workflowId: handle.workflowId,
    handle,
    memory,
    append: (records: number) => tables.rooms.append(topic, 0, records),
    rows: (expected: number) => until(async () => (await statusOf(handle)).rows === expected),
  }
}

async function main(): Promise<void> {
  const folder = process.argv[2] ?? 'test/replay'
  mkdirSync(folder, { recursive: true })
  const address = process.env['TEMPORAL_ADDRESS']
  const stack = address ? null : await startStack({ name: 'record-history', parts: ['temporal'], progress: () => {} })
  try {
    for (const [name, tell] of Object.entries(stories)) {
      const tables = await fakeTables(stack?.facts.temporal ?? { address: address!, namespace: 'default' })
      try {
        const workflowId = await tell(tables)
        const events = await tables.history(workflowId)
        // Who recorded it, on which machine and where there, is nobody's business.
        const text = JSON.stringify({ workflowId, events })
          .replaceAll(`${process.pid}@${hostname()}`, 'recorded')
          .replaceAll(projectRoot.replace(/\/$/, ''), '/sluice')
        writeFileSync(join(folder, `${name}.json`), `${text}\n`)
        console.log(`${name}: ${events.length} events`)
      } finally {
        await tables.stop()
      }
    }
  } finally {
    await stack?.stop()
  }
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error)
    process.exit(1)
  },
)
