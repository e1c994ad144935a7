import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker'
import { workflowsPath } from '../../src/workers/tableWorker.ts'
import { cacheDir, projectRoot } from './places.ts'

/** The workflow code as one file, made once for the same sources: a worker then starts in a second, not in five. */
export async function workflowBundle(): Promise<string> {
  const hash = createHash('sha256').update(readFileSync(join(projectRoot, 'package-lock.json')))
  for (const room of ['core', 'workflows']) {
    const folder = join(projectRoot, 'src', room)
    for (const name of readdirSync(folder).sort()) hash.update(`\0${name}\0`).update(readFileSync(join(folder, name)))
  }
  const path = join(cacheDir(), `workflows-${hash.digest('hex').slice(0, 16)}.js`)
  if (existsSync(path)) return path
  const { code } = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') })
  mkdirSync(cacheDir(), { recursive: true })
  writeFileSync(`${path}.${process.pid}`, code)
  renameSync(`${path}.${process.pid}`, path)
  return path
}
