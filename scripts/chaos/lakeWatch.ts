/**
 * Watches the log of each table from outside, past proxy and workers: when did a change that PostgreSQL committed after a given
 * moment stand in the lake? It asks only the store, so it measures the whole way.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { logKey } from '../../src/core/keys.ts'
import { decodeEntry } from '../../src/lake/entries.ts'
import type { ObjectStore } from '../../src/lake/store.ts'

const lookEveryMs = 250

interface Seen {
  readonly atMs: number
  /** Newest commit time in PostgreSQL, ms since 1970. */
  readonly newestMs: number
}

export interface LakeWatch {
  /** When each table had a change from after `sinceMs` in its log; null where it has none yet. */
  arrivals(sinceMs: number): ReadonlyMap<string, number | null>
  stop(): Promise<void>
}

/** `roots`: each table's folder in the store, by its name. */
export function watchLake(store: ObjectStore, roots: ReadonlyMap<string, string>): LakeWatch {
  const seen = new Map([...roots.keys()].map((table) => [table, [] as Seen[]]))
  const end = new AbortController()
  const watching = [...roots].map(([table, root]) => follow(store, root, seen.get(table)!, end.signal))
  return {
    arrivals: (sinceMs) =>
      new Map([...seen].map(([table, entries]) => [table, entries.find(({ newestMs }) => newestMs > sinceMs)?.atMs ?? null])),
    async stop() {
      end.abort()
      await Promise.all(watching)
    },
  }
}

async function follow(store: ObjectStore, root: string, seen: Seen[], signal: AbortSignal): Promise<void> {
  for (let version = 0; !signal.aborted;) {
    // While the store is away there is nothing to see.
    const entry = await store.get(`${root}/${logKey(version)}`).catch(() => null)
    if (entry === null) {
      await sleep(lookEveryMs)
      continue
    }
    const newest = decodeEntry(version++, entry).flatMap(({ add }) => {
      const { maxValues } = JSON.parse(add?.stats ?? '{}') as { maxValues?: { __source_ts?: string } }
      return maxValues?.__source_ts === undefined ? [] : [Date.parse(maxValues.__source_ts)]
    })
    if (newest.length > 0) seen.push({ atMs: Date.now(), newestMs: Math.max(...newest) })
  }
}
