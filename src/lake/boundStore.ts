import type { ObjectStore, PutOutcome } from './store.ts'

/** Calls refuse once the signal has aborted; what is under way then goes on to its end: for stores that answer at once. */
export function boundStore(store: ObjectStore, signal: AbortSignal): ObjectStore {
  const live = <T>(call: () => T): T => {
    signal.throwIfAborted()
    return call()
  }
  return {
    multipart: store.multipart,
    get: async (key) => live(() => store.get(key)),
    head: async (key) => live(() => store.head(key)),
    putIfAbsent: async (key, bytes): Promise<PutOutcome> => live(() => store.putIfAbsent(key, bytes)),
    upload(key, options) {
      const upload = store.upload(key, options)
      return {
        write: async (bytes) => live(() => upload.write(bytes)),
        complete: async () => live(() => upload.complete()),
        abort: () => upload.abort(),
      }
    },
    list: (prefix, after) => live(() => store.list(prefix, after)),
    delete: async (key) => live(() => store.delete(key)),
    bound: (other) => boundStore(store, AbortSignal.any([signal, other])),
  }
}
