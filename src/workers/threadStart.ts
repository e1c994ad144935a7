/** Starts a thread on code of this room: TypeScript under tsx and vitest, JavaScript when compiled. */
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { Worker, type WorkerOptions } from 'node:worker_threads'
import type { Config } from '../config/config.ts'

/** Rows lie outside V8's heap: what a thread has there are its code and a record or two at a time. */
const resourceLimits = { maxOldGenerationSizeMb: 1024 }

/** The config with its secrets stays in this process. */
export function startRangeThread(config: Config): Worker {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return startThread(new URL(`./rangeThread.${extension}`, import.meta.url), { workerData: config, resourceLimits })
}

export function startThread(entry: URL, options: WorkerOptions): Worker {
  if (!entry.pathname.endsWith('.ts')) return new Worker(entry, options)
  // Node hands loaders on to its threads from version 22 on only.
  const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx/esm/api')).href
  const [api, code] = [loader, entry.href].map((url) => JSON.stringify(url))
  return new Worker(`import(${api}).then((tsx) => (tsx.register(), import(${code})))`, { ...options, eval: true })
}
