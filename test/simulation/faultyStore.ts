/** A store as the network shows it: every call waits its turn twice, and a fault may take the question or the answer. */
import { CdcFailure, code } from '../../src/core/failures.ts'
import type { ObjectStore, PutOutcome } from '../../src/lake/store.ts'
import type { MemoryStore } from '../unit/lake/memoryStore.ts'
import type { Scheduler, Task } from './scheduler.ts'

export interface Faults {
  /** Chance of a fault at each call, 0 to 1; may be changed while the simulation runs. */
  rate: number
}

export function faultyStore(memory: MemoryStore, scheduler: Scheduler, task: Task, faults: Faults): ObjectStore {
  /** Thousands a second, and nobody reads where they came from. */
  const lost = (what: string): CdcFailure => {
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 0
    try {
      return new CdcFailure(code.StoreUnavailable, what)
    } finally {
      Error.stackTraceLimit = stackTraceLimit
    }
  }

  async function read<T>(look: () => T): Promise<T> {
    await scheduler.turn(task)
    const seen = look()
    if (scheduler.random() < faults.rate) throw lost('no answer to a read')
    return seen
  }

  async function write(put: () => PutOutcome): Promise<PutOutcome> {
    await scheduler.turn(task)
    if (scheduler.random() < faults.rate) {
      const fate = scheduler.random()
      if (fate < 0.3) throw lost('the question was lost, or 409')
      if (fate < 0.5) {
        scheduler.later(() => void put())
        throw lost('timed out while the question was still on its way')
      }
      put()
      await scheduler.turn(task)
      throw lost('the answer was lost')
    }
    const outcome = put()
    await scheduler.turn(task)
    return outcome
  }

  const putNow = (key: string, bytes: Uint8Array): PutOutcome => {
    if (memory.objects.has(key)) return 'exists'
    memory.objects.set(key, bytes)
    return 'created'
  }

  const store: ObjectStore = {
    multipart: true,
    get: (key) => read(() => memory.objects.get(key) ?? null),
    head: (key) => read(() => (memory.objects.has(key) ? { size: memory.objects.get(key)!.length } : null)),
    putIfAbsent: (key, bytes) => write(() => putNow(key, bytes)),
    upload(key) {
      const chunks: Uint8Array[] = []
      return {
        write: (bytes) => Promise.resolve(void chunks.push(bytes)),
        complete: () => write(() => putNow(key, new Uint8Array(Buffer.concat(chunks)))),
        abort: () => Promise.resolve(),
      }
    },
    async *list(prefix, after = '') {
      const keys = await read(() => [...memory.objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort())
      for (const key of keys) yield { key, size: memory.objects.get(key)!.length }
    },
    delete: () => Promise.reject(new Error('the protocol deletes nothing')),
    bound: () => store,
  }
  return store
}
