/** One Temporal worker with its options: what `npm start` runs and tests run with fakes. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker, type NativeConnection, type WorkerOptions } from '@temporalio/worker'
import type { Activities } from '../activities/index.ts'

/** TypeScript under tsx and vitest, JavaScript when compiled. */
export const workflowsPath = fileURLToPath(
  new URL(`../workflows/index.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url),
)

/** What `npm run build` has made of it; null where nothing was built. */
export function builtBundle(): { readonly codePath: string } | null {
  const codePath = fileURLToPath(new URL('../workflows.js', import.meta.url))
  return existsSync(codePath) ? { codePath } : null
}

export interface TableWorkerOptions {
  readonly connection: NativeConnection
  readonly namespace: string
  readonly taskQueue: string
  readonly activities: Activities
  /** Left out: bundled now, which takes seconds and keeps a bundler in memory. */
  readonly bundle?: WorkerOptions['workflowBundle'] | null
}

/** Slots are plenty, since idle polls hold one each; memory is what bounds writes. */
export function tableWorker({ connection, namespace, taskQueue, activities, bundle }: TableWorkerOptions): Promise<Worker> {
  return Worker.create({
    connection,
    namespace,
    taskQueue,
    activities,
    ...(bundle ? { workflowBundle: bundle } : { workflowsPath }),
    maxConcurrentActivityTaskExecutions: 500,
    maxConcurrentWorkflowTaskExecutions: 40,
    // Cancellation travels on the answers to heartbeats: five seconds is how long a write goes on after it.
    maxHeartbeatThrottleInterval: '5 s',
    defaultHeartbeatThrottleInterval: '5 s',
    shutdownGraceTime: '1 s',
    shutdownForceTime: '10 s',
  })
}
