/** The command line as a person would call it, with the surroundings of a lane's worker and the way to the source database. */
import { execFile } from 'node:child_process'
import { projectRoot } from '../../scripts/stack/places.ts'
import { workerEnv } from '../../scripts/stack/worker.ts'
import { stackFacts, type TestDatabase } from './harness.ts'
import type { Lane } from './lane.ts'

export interface Ended {
  readonly exit: number
  readonly stdout: string
  readonly stderr: string
}

export interface CommandLine {
  /** `sluice backfill flights` */
  readonly text: (...args: readonly string[]) => Promise<Ended>
  /** With `--json`: its one document, and the exit code. */
  readonly json: (...args: readonly string[]) => Promise<Record<string, unknown> & { readonly exit: number }>
}

export function commandLine({ topicPrefix, database, bucketPrefix, url }: TestDatabase, { id }: Lane): CommandLine {
  const own = { CDC_PIPELINE: id, CDC_TASK_QUEUE: id, DATABASE_URL: url }
  const env = {
    ...process.env,
    ...workerEnv(stackFacts(), { topicPrefix, database, lakePrefix: `${bucketPrefix}/${id}`, env: own }),
  }
  const text = (...args: readonly string[]): Promise<Ended> =>
    new Promise((resolve, reject) => {
      const command = ['--import', 'tsx', 'scripts/sluice.ts', ...args]
      execFile(process.execPath, command, { env, maxBuffer: 64 << 20, cwd: projectRoot }, (error, stdout, stderr) => {
        if (error && typeof error.code !== 'number') reject(new Error(`no answer: ${stderr}`, { cause: error }))
        else resolve({ exit: error ? Number(error.code) : 0, stdout, stderr })
      })
    })
  return {
    text,
    async json(...args) {
      const { exit, stdout, stderr } = await text(...args, '--json')
      if (stdout === '') throw new Error(`no answer: ${stderr}`)
      return { ...(JSON.parse(stdout) as Record<string, unknown>), exit }
    },
  }
}
