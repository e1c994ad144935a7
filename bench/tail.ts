/** A table that is written to all the time: how soon a change can be read in the lake, at what cost, in how many files. */
import { setTimeout as sleep } from 'node:timers/promises'
import { count } from '../scripts/demo/screen.ts'
import { arrivalsOf, type Arrivals, type WatchedTable } from './arrivals.ts'
import { openBucket, watchFolder } from './bucket.ts'
import { bookings } from './messages.ts'
import { meter, type Usage } from './meter.ts'
import type { Bench, Part } from './part.ts'
import { startSluice } from './sluiceWorker.ts'
import { sparkColumns } from './spark.ts'
import { sparkVersions, type SparkVersion } from './spark/install.ts'
import { startJob } from './spark/job.ts'
import { startTraffic } from './traffic.ts'

const rate = 2000
const partitions = 3
const database = 'airline'
/** Code warms up, and what stood there before the contender began is caught up with. */
const warmUpMs = 20_000

export const tail: Part = async (bench) => {
  const seconds = bench.quick ? 30 : 90
  const versions = bench.quick ? sparkVersions.slice(0, 1) : sparkVersions
  const measured: Measured[] = []
  for (const open of [followWithSluice, ...versions.map(followWithSpark)]) measured.push(await follow(bench, open, seconds))
  const text = (value: number, digits = 2) => value.toFixed(digits)
  return {
    title: 'From a change to the lake',
    text: [
      `${count(rate)} messages a second into ${partitions} partitions for ${seconds} s, after ${warmUpMs / 1000} s to warm up; one contender after another, each with a topic of its own. Sluice with its defaults, Spark with its default trigger (a batch as soon as the one before is done). Times run from the change's own time to the moment at which a listing of the folder, asked every 50 ms, first shows the file (glob), or the entry of the table's log that names it (log: Delta's, and Spark's _spark_metadata).`,
    ],
    tables: [
      [
        ['', 'glob p50 s', 'p99', 'log p50 s', 'p99', 'files a minute', 'median kB', 'cores', 'peak MiB', 'rows'],
        ...measured.map(({ name, glob, log, files, medianBytes, usage, rows }) => [
          name,
          ...[...glob, ...log].map((each) => text(each)),
          text((files / usage.wallS) * 60, 0),
          text(medianBytes / 1000, 0),
          text(usage.cpuS / usage.wallS),
          text(usage.peakRssMib, 0),
          count(rows),
        ]),
      ],
    ],
  }
}

interface Follower extends WatchedTable {
  readonly name: string
  readonly pid: number
  /** Resolves when all changes are in the lake. */
  drain(): Promise<unknown>
  close(): Promise<void>
}

type Open = (bench: Bench, topicPrefix: string) => Promise<Follower>

const followWithSluice: Open = async ({ stack }, topicPrefix) => {
  const sluice = await startSluice(stack, { topicPrefix, database })
  await sluice.start(bookings.name)
  const root = sluice.prefixOf(bookings.name)
  return {
    ...{ name: 'Sluice', pid: sluice.pid, root, log: '_delta_log', changedUs: 'epoch_us(__source_ts)' },
    drain: () => sluice.flush(bookings.name),
    close: () => sluice.stop(),
  }
}

function followWithSpark(version: SparkVersion): Open {
  return async ({ stack }, topicPrefix) => {
    const plan = { topic: `${topicPrefix}.${bookings.name}`, columns: sparkColumns, follow: true }
    const job = await startJob(stack, version, plan)
    await job.begin()
    return {
      ...{ name: `Spark ${version}`, pid: job.pid, root: job.prefix, log: '_spark_metadata', changedUs: 'ts_us' },
      drain: () => job.end(),
      close: () => job.close(),
    }
  }
}

interface Measured extends Arrivals {
  readonly name: string
  readonly usage: Usage
}

let followers = 0

async function follow(bench: Bench, open: Open, seconds: number): Promise<Measured> {
  const { kafka, s3 } = bench.stack
  const topicPrefix = `bench-tail-${++followers}`
  const traffic = await startTraffic({ brokers: kafka.brokers, topicPrefix, partitions, rate })
  const store = openBucket(s3)
  try {
    const follower = await open(bench, topicPrefix)
    try {
      bench.step(`${follower.name} follows ${count(rate)} messages a second for ${seconds} s`)
      const watch = watchFolder(store, follower.root)
      await sleep(warmUpMs)
      const cost = meter(follower.pid)
      const fromMs = Date.now()
      await sleep(seconds * 1000)
      const span = [fromMs, Date.now()] as const
      const usage = cost.stop()
      await traffic.stop()
      await follower.drain()
      await watch.stop()
      return { name: follower.name, usage, ...(await arrivalsOf(s3, follower, watch.seen, span)) }
    } finally {
      await follower.close()
    }
  } finally {
    await traffic.stop()
    store.close()
  }
}
