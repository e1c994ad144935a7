import { fileURLToPath } from 'node:url'
import { join, resolve } from 'node:path'

/** The project's root folder. */
export const projectRoot = fileURLToPath(new URL('../..', import.meta.url))

/** Where downloads are kept between runs: SLUICE_CACHE, else `.stack/cache` in the project. */
export function cacheDir(): string {
  return resolve(process.env['SLUICE_CACHE'] || join(projectRoot, '.stack', 'cache'))
}

/** The folder of the run with this name: data, logs and the run file of one stack. */
export function runDir(name: string): string {
  return join(projectRoot, '.stack', 'run', name)
}
