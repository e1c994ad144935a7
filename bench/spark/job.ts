/** A Spark job as a process of its own (job.py), which waits for the order to begin. */
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { WorkerStack } from '../../scripts/stack/worker.ts'
import { installSpark, type SparkVersion } from './install.ts'

export interface JobPlan {
  readonly topic: string
  /** Columns of the table with Spark's types: `id: bigint, note: string`. */
  readonly columns: string
  /** From the end of the topic on, by the default trigger; else all that stands there now (availableNow). */
  readonly follow: boolean
}

export interface SparkJob {
  /** Of Python; the JVM runs below it. */
  readonly pid: number
  /** Folder of its data files, below the bucket. */
  readonly prefix: string
  /** Resolves once the first batch is over, where the job follows the topic: from then on nothing is missed. */
  begin(): Promise<void>
  /** Resolves when the query has ended, a job that follows upon the order to stop. */
  end(): Promise<JobDone>
  /** Ends the process, and waits for its end. */
  close(): Promise<void>
}

export interface JobDone {
  /** Those with records in them. */
  readonly batches: number
  readonly records: number
}

/** Resolves when the session is up. */
export async function startJob({ dir, kafka, s3 }: WorkerStack, version: SparkVersion, plan: JobPlan): Promise<SparkJob> {
  const env = await installSpark(version)
  const id = `spark-${version}-${randomUUID().slice(0, 8)}`
  const log = join(dir, 'logs', `${id}.log`)
  const python = spawn('python3', [fileURLToPath(new URL('job.py', import.meta.url))], { env: { ...process.env, ...env } })
  python.stderr.pipe(createWriteStream(log))
  const lines = createInterface({ input: python.stdout })[Symbol.asyncIterator]()
  const told = async <T>(): Promise<T> => {
    const { value, done } = (await lines.next()) as IteratorResult<string, undefined>
    if (done) throw new Error(`the job of Spark ${version} ended early; its log is ${log}`)
    return JSON.parse(value) as T
  }
  const order = (text: string) => void python.stdin.write(`${text}\n`)
  const closed = new Promise((resolve) => python.on('close', resolve).on('error', resolve))
  python.stdin.on('error', () => undefined)

  const { topic, columns, follow } = plan
  const prefix = `bench/${id}/data`
  order(
    JSON.stringify({
      ...{ topic, columns, follow, brokers: kafka.brokers.join(',') },
      ...{ path: `s3a://${s3.bucket}/${prefix}`, checkpoint: `s3a://${s3.bucket}/bench/${id}/checkpoint` },
      s3a: {
        endpoint: s3.endpoint,
        'connection.ssl.enabled': 'false',
        'path.style.access': 'true',
        'access.key': s3.accessKeyId,
        'secret.key': s3.secretAccessKey,
      },
    }),
  )
  await told<{ ready: true }>()
  return {
    pid: python.pid!,
    prefix,
    async begin() {
      order('go')
      if (follow) await told<{ running: true }>()
    },
    async end() {
      if (follow) order('stop')
      return told<JobDone>()
    },
    async close() {
      python.stdin.end()
      await closed
    },
  }
}
