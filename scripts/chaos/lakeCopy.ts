/** The whole lake as files in a folder: the oracles read it many times over, and evidence outlives the store. */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ObjectStore } from '../../src/lake/store.ts'

const atATime = 8

export async function copyLake(store: ObjectStore, folder: string): Promise<void> {
  const objects = store.list('')[Symbol.asyncIterator]()
  const copyRest = async () => {
    for (let next = await objects.next(); !next.done; next = await objects.next()) {
      const { key } = next.value
      const bytes = await store.get(key)
      // Objects of a worker's probe come and go.
      if (bytes === null) continue
      await mkdir(dirname(join(folder, key)), { recursive: true })
      await writeFile(join(folder, key), bytes)
    }
  }
  await Promise.all(Array.from({ length: atATime }, copyRest))
}
