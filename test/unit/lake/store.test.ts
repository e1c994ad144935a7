import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomUUID } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import { code } from '../../../src/core/failures.ts'
import { folderStore } from '../../../src/lake/folder.ts'
import { probeStore } from '../../../src/lake/probe.ts'
import type { ObjectStore } from '../../../src/lake/store.ts'
import { memoryStore } from './memoryStore.ts'
import { storeContract } from './storeContract.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-store-'))
afterAll(() => rm(folder, { recursive: true }))

storeContract('a folder', () => folderStore(folder), { partBytes: 64 << 10 })
storeContract('a map in memory', () => memoryStore(), { partBytes: 64 << 10 })

describe('the folder store', () => {
  it('stays inside its folder', async () => {
    for (const key of ['../x', 'a/../../x', '/etc/x', 'a//b', '.tmp/x', '']) {
      await expect(folderStore(folder).putIfAbsent(key, new Uint8Array())).rejects.toMatchObject({ code: code.InvalidInput })
    }
  })
})

describe('the start-up probe', () => {
  /** A store that answers, but takes every write for new. */
  function forgetful(which: 'put' | 'parts'): ObjectStore {
    const store = memoryStore()
    const put = store.putIfAbsent.bind(store)
    const overwrite = (key: string, bytes: Uint8Array): Promise<'created'> => {
      store.objects.set(key, bytes)
      return Promise.resolve('created')
    }
    if (which === 'put') return { ...store, putIfAbsent: overwrite }
    const upload = (key: string): ReturnType<ObjectStore['upload']> => {
      let held = new Uint8Array()
      return {
        write: (bytes) => Promise.resolve(void (held = new Uint8Array(bytes))),
        complete: () => overwrite(key, held),
        abort: () => Promise.resolve(),
      }
    }
    return { ...store, putIfAbsent: put, upload }
  }

  it('refuses a store that ignores If-None-Match on puts', async () => {
    await expect(probeStore(forgetful('put'), randomUUID)).rejects.toMatchObject({ code: code.StoreUnsafe })
  })

  it('refuses a store that ignores If-None-Match on completions', async () => {
    await expect(probeStore(forgetful('parts'), randomUUID)).rejects.toMatchObject({ code: code.StoreUnsafe })
  })

  it('refuses a store that acknowledges one writer and keeps the bytes of another', async () => {
    const store = memoryStore()
    const liar: ObjectStore = {
      ...store,
      putIfAbsent: async (key, bytes) => {
        const outcome = await store.putIfAbsent(key, bytes)
        store.objects.set(key, bytes)
        return outcome
      },
    }
    await expect(probeStore(liar, randomUUID)).rejects.toMatchObject({ code: code.StoreUnsafe })
  })

  it('refuses a store that shows a key which was never written', async () => {
    const store = memoryStore()
    const seer: ObjectStore = { ...store, get: async (key) => (await store.get(key)) ?? new Uint8Array() }
    await expect(probeStore(seer, randomUUID)).rejects.toMatchObject({ code: code.StoreUnsafe })
  })

  it('asks again where the winner was told that it had lost, as a request that was sent twice is', async () => {
    const store = memoryStore()
    const twice: ObjectStore = {
      ...store,
      putIfAbsent: async (key, bytes) => {
        await store.putIfAbsent(key, bytes)
        return 'exists'
      },
    }
    await expect(probeStore(twice, randomUUID)).rejects.toMatchObject({ code: code.StoreUnavailable })
  })

  it('refuses a store that takes no conditional write at all', async () => {
    const store: ObjectStore = { ...memoryStore(), putIfAbsent: () => Promise.resolve('exists') }
    await expect(probeStore(store, randomUUID)).rejects.toMatchObject({ code: code.StoreUnsafe })
  })

  it('leaves nothing behind', async () => {
    const store = memoryStore()
    await probeStore(store, randomUUID)
    expect([...store.objects.keys()]).toEqual([])
  })
})
