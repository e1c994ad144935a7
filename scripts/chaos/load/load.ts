/** Writers at work, each with rows of its own, in step with a seed. */
import type { StartLoad } from '../story.ts'
import { loadTables, pastNumbers } from './tables.ts'
import { write } from './writer.ts'

export { prepareLoad } from './tables.ts'

const writers = [1, 2, 3, 4]
/** Rows a second, all writers together. */
const pace = 300

export const startLoad: StartLoad = (databaseUrl, { seed, signal }) => {
  const stop = new AbortController()
  const working = writers.map((writer) =>
    write(databaseUrl, { writer, seed, pace: pace / writers.length, stopping: stop.signal, signal }),
  )
  for (const one of working) one.catch(() => stop.abort())
  return {
    tables: loadTables,
    async settled() {
      stop.abort()
      const memories = await Promise.all(working)
      const total = (of: 'rows' | 'transactions' | 'rolledBack' | 'unknown') => memories.reduce((sum, each) => sum + each[of], 0)
      return {
        rows: total('rows'),
        transactions: total('transactions'),
        rolledBack: total('rolledBack'),
        unknown: total('unknown'),
        writers: [
          { writer: 0, committed: pastNumbers, tried: pastNumbers },
          ...memories.map(({ committed, tried }, i) => ({ writer: writers[i]!, committed, tried })),
        ],
      }
    },
  }
}
