/** An object store in a local folder: for tests and `file://` lakes. One file an object; link(2) makes the write conditional. */
import { randomUUID } from 'node:crypto'
import { link, mkdir, open, readdir, readFile, rm, stat, unlink, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CdcFailure, code } from '../core/failures.ts'
import { boundStore } from './boundStore.ts'
import type { ObjectStore, StoredObject, Upload } from './store.ts'

/** Half-written files live here, outside of every listing. */
const workFolder = '.tmp'

export function folderStore(folder: string): ObjectStore {
  const pathOf = (key: string): string => {
    const parts = key.split('/')
    if (parts[0] === workFolder || parts.some((part) => part === '' || part === '.' || part === '..' || part.includes('\0'))) {
      throw new CdcFailure(code.InvalidInput, `not a key: ${JSON.stringify(key)}`)
    }
    return join(folder, ...parts)
  }

  const store: ObjectStore = {
    multipart: true,
    get: (key) => orNull(readFile(pathOf(key))),
    async head(key) {
      const found = await orNull(stat(pathOf(key)))
      return found?.isFile() ? { size: found.size } : null
    },
    async putIfAbsent(key, bytes) {
      const upload = store.upload(key)
      try {
        await upload.write(bytes)
        return await upload.complete()
      } finally {
        await upload.abort()
      }
    },
    upload: (key) => folderUpload(folder, pathOf(key)),
    async *list(prefix, after = '') {
      const under = prefix.slice(0, prefix.lastIndexOf('/') + 1)
      for await (const object of walk(folder, under)) {
        if (object.key.startsWith(prefix) && compareUtf8(object.key, after) > 0) yield object
      }
    },
    delete: (key) => rm(pathOf(key), { force: true }).catch(unavailable),
    bound: (signal) => boundStore(store, signal),
  }
  return store
}

function folderUpload(folder: string, target: string): Upload {
  const temporary = join(folder, workFolder, randomUUID())
  let handle: FileHandle | null = null
  const opened = async (): Promise<FileHandle> => {
    if (handle) return handle
    await mkdir(dirname(temporary), { recursive: true })
    return (handle = await open(temporary, 'wx'))
  }
  return {
    async write(bytes) {
      await opened().then((file) => file.writeFile(bytes), unavailable)
    },
    async complete() {
      try {
        const file = await opened()
        await file.sync()
        await mkdir(dirname(target), { recursive: true })
        await link(temporary, target)
        await syncFolder(dirname(target))
        return 'created'
      } catch (error) {
        if (errno(error) === 'EEXIST') return 'exists'
        return unavailable(error)
      } finally {
        await this.abort()
      }
    },
    async abort() {
      const open = handle
      handle = null
      await open?.close().catch(() => {})
      if (open) await unlink(temporary).catch(() => {})
    },
  }
}

/** Children before their parents' later siblings, by bytes: a folder sorts as its name with a slash. */
async function* walk(folder: string, under: string): AsyncGenerator<StoredObject> {
  const children = (await orNull(readdir(join(folder, under), { withFileTypes: true }))) ?? []
  const names = children.filter(({ name }) => under !== '' || name !== workFolder)
  const sorted = names.map((child) => ({ child, key: under + child.name + (child.isDirectory() ? '/' : '') }))
  for (const { child, key } of sorted.sort((a, b) => compareUtf8(a.key, b.key))) {
    if (child.isDirectory()) yield* walk(folder, key)
    else yield { key, size: (await stat(join(folder, key))).size }
  }
}

async function orNull<T>(call: Promise<T>): Promise<T | null> {
  return call.catch((error: unknown) => (['ENOENT', 'EISDIR', 'ENOTDIR'].includes(errno(error)) ? null : unavailable(error)))
}

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function errno(error: unknown): string {
  return (error as { code?: string }).code ?? ''
}

function unavailable(error: unknown): never {
  throw new CdcFailure(code.StoreUnavailable, `the folder of the lake does not answer (${errno(error)})`, { cause: error })
}

function compareUtf8(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
