/** Spark Structured Streaming at the same work: the job of the project that Sluice grew out of, on the same topic and store. */
import type { WorkerStack } from '../scripts/stack/worker.ts'
import { filesBelow } from './bucket.ts'
import { bookings } from './messages.ts'
import { meter } from './meter.ts'
import type { Contender } from './part.ts'
import type { SparkVersion } from './spark/install.ts'
import { startJob } from './spark/job.ts'

/** Each run has a JVM of its own; that the session is up is awaited before the clock starts. */
export function sparkContender(stack: WorkerStack, version: SparkVersion): Contender {
  return {
    name: `Spark ${version}`,
    async run({ topic, messages }) {
      const job = await startJob(stack, version, { topic, columns: sparkColumns, follow: false })
      try {
        const cost = meter(job.pid)
        await job.begin()
        const { records } = await job.end()
        const usage = cost.stop()
        if (records !== messages) throw new Error(`Spark ${version} read ${records} records of ${messages}`)
        return { ...usage, ...(await filesBelow(stack.s3, job.prefix)) }
      } finally {
        await job.close()
      }
    },
  }
}

/** What from_json makes of Debezium's values: times and decimals stay text, as nobody parses them there. */
const sparkTypes: Readonly<Record<string, string>> = {
  bigint: 'bigint',
  integer: 'int',
  boolean: 'boolean',
  'double precision': 'double',
}

export const sparkColumns = Object.entries(bookings.columns)
  .map(([name, type]) => `${name}: ${sparkTypes[type] ?? 'string'}`)
  .join(', ')
