/** What stands in the stack's store. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { StoreFacts } from '../scripts/stack/store.ts'
import { s3Store, type S3Store } from '../src/lake/s3.ts'
import type { ObjectStore, StoredObject } from '../src/lake/store.ts'

/** Keys are relative to the bucket. To be closed. */
export function openBucket({ bucket, endpoint, region, accessKeyId, secretAccessKey }: StoreFacts): S3Store {
  const credentials = { accessKeyId, secretAccessKey }
  return s3Store({ bucket, prefix: '', endpoint, region, credentials, forcePathStyle: true })
}

/** The Parquet files below a folder. */
export async function filesBelow(facts: StoreFacts, prefix: string): Promise<{ files: number; bytes: number }> {
  const store = openBucket(facts)
  let [files, bytes] = [0, 0]
  try {
    for await (const { key, size } of store.list(`${prefix}/`)) {
      if (!key.endsWith('.parquet')) continue
      files++
      bytes += size
    }
  } finally {
    store.close()
  }
  return { files, bytes }
}

export interface Seen {
  /** When it was first listed, ms since 1970. */
  readonly atMs: number
  readonly size: number
}

export interface FolderWatch {
  /** By key. */
  readonly seen: ReadonlyMap<string, Seen>
  /** Resolves when it has looked once more. */
  stop(): Promise<void>
}

const lookEveryMs = 50

/** Lists a folder again and again, as a reader that globs would see it. */
export function watchFolder(store: ObjectStore, prefix: string): FolderWatch {
  const seen = new Map<string, Seen>()
  let over = false
  const watching = (async () => {
    for (let last = false; !last;) {
      last = over
      const listed: StoredObject[] = []
      for await (const object of store.list(`${prefix}/`)) listed.push(object)
      const atMs = Date.now()
      for (const { key, size } of listed) if (!seen.has(key)) seen.set(key, { atMs, size })
      await sleep(lookEveryMs)
    }
  })()
  watching.catch(() => undefined)
  return {
    seen,
    async stop() {
      over = true
      await watching
    },
  }
}
