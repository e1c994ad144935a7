/** The smallest honest object store: a map. Tests look into it by `objects`. */
import { boundStore } from '../../../src/lake/boundStore.ts'
import type { ObjectStore } from '../../../src/lake/store.ts'

export interface MemoryStore extends ObjectStore {
  readonly objects: Map<string, Uint8Array>
}

export function memoryStore(): MemoryStore {
  const objects = new Map<string, Uint8Array>()
  const store: MemoryStore = {
    multipart: true,
    objects,
    get: (key) => Promise.resolve(objects.get(key) ?? null),
    head: (key) => Promise.resolve(objects.has(key) ? { size: objects.get(key)!.length } : null),
    putIfAbsent(key, bytes) {
      if (objects.has(key)) return Promise.resolve('exists')
      objects.set(key, bytes)
      return Promise.resolve('created')
    },
    upload(key) {
      const chunks: Uint8Array[] = []
      return {
        write: (bytes) => Promise.resolve(void chunks.push(bytes)),
        complete: () => store.putIfAbsent(key, new Uint8Array(Buffer.concat(chunks))),
        abort: () => Promise.resolve(),
      }
    },
    // eslint-disable-next-line @typescript-eslint/require-await
    async *list(prefix, after = '') {
      for (const key of [...objects.keys()].sort()) {
        if (key.startsWith(prefix) && key > after) yield { key, size: objects.get(key)!.length }
      }
    },
    delete: (key) => Promise.resolve(void objects.delete(key)),
    bound: (signal) => boundStore(store, signal),
  }
  return store
}
