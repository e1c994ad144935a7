import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type mvn from 'mvn-artifact-download'
import lock from './jars.lock.json' with { type: 'json' }
import { cacheDir } from './places.ts'

// A CommonJS package whose default export is wrapped once more when it is imported, but not by every loader: required, it is
// the same for Node, tsx and vitest.
const { default: download } = createRequire(import.meta.url)('mvn-artifact-download') as typeof mvn

/**
 * The class path of the broker, Connect and the Debezium connector: one flat list of jars in a fixed order (the class
 * archives need an explicit list).
 */
export async function classPath(): Promise<string> {
  return (await lockedJars(lock)).join(':')
}

/** The files of jars, in the order of the lock. Missing ones are downloaded, eight at a time; each must have the hash in the lock. */
export async function lockedJars(wanted: Readonly<Record<string, string>>): Promise<string[]> {
  const dir = join(cacheDir(), 'jars')
  await mkdir(dir, { recursive: true })
  const missing = Object.entries(wanted).filter(([coordinates]) => !existsSync(jarPath(dir, coordinates)))
  const fetchers = Array.from({ length: 8 }, async () => {
    for (let next = missing.pop(); next; next = missing.pop()) await fetchJar(dir, ...next)
  })
  await Promise.all(fetchers)
  return Object.keys(wanted).map((coordinates) => jarPath(dir, coordinates))
}

/** Coordinates are `group:artifact:version`; the group is part of the name because two groups may use one artifact name. */
function jarPath(dir: string, coordinates: string): string {
  return join(dir, `${coordinates.replaceAll(':', '-')}.jar`)
}

async function fetchJar(dir: string, coordinates: string, sha256: string): Promise<void> {
  const path = jarPath(dir, coordinates)
  const temporary = `.${coordinates.replaceAll(':', '-')}.${process.pid}`
  for (let attempt = 1; ; attempt++) {
    try {
      await download(coordinates, dir, undefined, temporary)
      const hash = createHash('sha256')
        .update(await readFile(join(dir, temporary)))
        .digest('hex')
      if (hash !== sha256) throw new Error(`its hash is ${hash}, the lock says ${sha256}`)
      await rename(join(dir, temporary), path)
      return
    } catch (error) {
      await rm(join(dir, temporary), { force: true })
      if (attempt === 3) throw new Error(`cannot download ${coordinates}: ${(error as Error).message}`, { cause: error })
      await sleep(500 * attempt)
    }
  }
}
