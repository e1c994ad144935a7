/** The one place that constructs adapters and joins the rooms: config in, what the activities need out. */
import { randomUUID } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { NativeConnection } from '@temporalio/worker'
import type { Logger } from 'pino'
import type { ActivityDeps } from '../activities/deps.ts'
import { recordAt } from '../carry/recordAt.ts'
import { startDay } from '../carry/startDay.ts'
import type { Config } from '../config/config.ts'
import { fenced } from '../core/verdict.ts'
import { openKafka } from '../kafka/door.ts'
import { budget } from './budget.ts'
import { temporalClaims } from './claims.ts'
import { decoderOf, fetchBytes, kafkaSettings, openStore } from './doors.ts'
import { armFailpoints } from './failpoints.ts'
import { rangeCarrier } from './rangeCarrier.ts'
import { defaultThreads, rangeThreads } from './rangeThreads.ts'
import { tableLake } from './tableLake.ts'
import { startRangeThread } from './threadStart.ts'
import { version } from './version.ts'

/** Some stores take seconds to decide the probe's races; one that hangs shall not keep the worker from being ready. */
const probePatienceMs = 10_000

export interface Composed {
  readonly deps: ActivityDeps
  /** What the first table would have to wait for. Never throws: where the store does not answer, or not as it should, opening a table says so. */
  readonly warmUp: () => Promise<void>
  readonly close: () => Promise<void>
}

export function composeDeps(
  config: Config,
  temporal: { readonly connection: NativeConnection; readonly namespace: string },
  logger: Logger,
): Composed {
  const reach = armFailpoints(config.failpoints)
  const memory = budget(config.memoryBudget)
  const store = openStore(config.lake)
  const log = (level: 'debug' | 'warn' | 'error') => (message: string, details: Record<string, unknown>) =>
    logger[level](details, message)
  const logs = { debug: log('debug'), warn: log('warn'), error: log('error') }
  const kafka = openKafka(kafkaSettings(config, logs))
  const lake = tableLake({
    store,
    clock: Date.now,
    random: randomUUID,
    reach,
    writer: `sluice/${version}`,
    startDay: (table, topic, marks, signal) =>
      startDay({ reader: kafka, decoder: decoderOf(config, table), signal }, topic, marks, Date.now()),
    recordAt: (topic, partition, offset, signal) => recordAt(kafka, topic, partition, offset, signal),
  })
  const most = config.threads ?? defaultThreads(availableParallelism())
  const threads = rangeThreads({ most, start: () => startRangeThread(config), reach, logs })
  const carryHere = rangeCarrier(config, { reader: kafka, store, reach })
  const carry = most === 0 ? carryHere : threads.carry
  return {
    deps: {
      config,
      kafka,
      lake,
      claims: temporalClaims(temporal.connection, temporal.namespace, config.temporal.taskQueue),
      reach,
      carry: (job, attempt, signal) =>
        // A range holds its raw bytes once as columns and once as a file, at most, beside two fetches.
        memory.hold(2 * (job.limits.maxBytes + fetchBytes), signal, async () => {
          const snapshot = await lake.newest(job.table, signal)
          if (snapshot.epoch !== job.epoch) throw fenced(job.epoch, snapshot.epoch)
          return carry({ job, snapshot, attempt }, signal)
        }),
    },
    async warmUp() {
      threads.warmUp()
      const probed = lake
        .probe()
        .catch((err: unknown) => logger.warn({ err }, 'the store is not ready; it is probed again when a table is opened'))
      await Promise.race([probed, sleep(probePatienceMs, undefined, { ref: false })])
    },
    async close() {
      await threads.close()
      await kafka.close()
    },
  }
}
