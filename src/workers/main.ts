/** `npm start`: one worker. SIGTERM and SIGINT drain it: activities stop within 10 seconds, then the doors are closed. */
import process from 'node:process'
import { createActivities } from '../activities/index.ts'
import { redacted } from '../config/config.ts'
import { configOfProcess } from '../config/process.ts'
import { CdcFailure } from '../core/failures.ts'
import { connectTemporal, TemporalUnreachable } from './connection.ts'
import { composeDeps } from './deps.ts'
import { installRuntime, pinoLogger } from './runtime.ts'
import { builtBundle, tableWorker } from './tableWorker.ts'

async function main(): Promise<void> {
  const config = configOfProcess()
  const logger = pinoLogger(config.logLevel)
  installRuntime(logger)
  const { connection, address, namespace } = await connectTemporal()
  logger.debug({ config: redacted(config) }, 'configuration')
  const composed = composeDeps(config, { connection, namespace }, logger)
  const { taskQueue, workflowBundle: codePath } = config.temporal
  try {
    const warm = composed.warmUp()
    const worker = await tableWorker({
      connection,
      namespace,
      taskQueue,
      activities: createActivities(composed.deps),
      bundle: codePath === undefined ? builtBundle() : { codePath },
    })
    await warm
    logger.info({ address, namespace, taskQueue, pipeline: config.pipeline.name }, 'worker is ready')
    await worker.run()
    logger.info('worker has drained')
  } finally {
    await composed.close()
    await connection.close()
  }
}

main().catch((error: unknown) => {
  const known = error instanceof TemporalUnreachable || error instanceof CdcFailure
  process.stderr.write(`${known ? error.message : error instanceof Error ? error.stack : String(error)}\n`)
  if (error instanceof CdcFailure) process.stderr.write(`${error.hint}\n`)
  process.exit(error instanceof CdcFailure ? 2 : 1)
})
