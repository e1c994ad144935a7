import { join } from 'node:path'
import { startPart } from './parts.ts'
import { projectRoot } from './places.ts'
import type { PartRecord } from './runfile.ts'
import { workflowBundle } from './bundle.ts'
import type { StackFacts } from './start.ts'

export interface WorkerPlan {
  /** Names the process and its log: `worker`, `worker-2`. */
  name: string
  topicPrefix: string
  database: string
  /** Below the bucket; tables stand under `<lake>/<database>/...`. */
  lakePrefix: string
  /** More of the environment: CDC_FAILPOINTS, CDC_TASK_QUEUE, an endpoint with a proxy in between. */
  env?: Record<string, string>
  /** What Node is to run, its own options in front; the sources unless given. */
  program?: readonly string[]
}

/** The parts that a worker needs. */
export type WorkerStack = Pick<StackFacts, 'dir' | 'kafka' | 's3' | 'temporal'>

/** The environment that a worker needs to find the stack's parts. */
export function workerEnv(stack: Omit<WorkerStack, 'dir'>, plan: Omit<WorkerPlan, 'name'>): Record<string, string> {
  const { kafka, s3, temporal } = stack
  return {
    CDC_PIPELINE: plan.topicPrefix,
    CDC_TOPIC_PREFIX: plan.topicPrefix,
    CDC_DATABASE: plan.database,
    CDC_KAFKA_BROKERS: kafka.brokers.join(','),
    CDC_LAKE_URL: `s3://${s3.bucket}/${plan.lakePrefix}`,
    CDC_LAKE_ENDPOINT: s3.endpoint,
    CDC_LAKE_REGION: s3.region,
    CDC_LAKE_ACCESS_KEY_ID: s3.accessKeyId,
    CDC_LAKE_SECRET_ACCESS_KEY: s3.secretAccessKey,
    CDC_SEARCH_ATTRIBUTES: 'true',
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    ...plan.env,
  }
}

const source = ['--import', 'tsx', 'src/workers/main.ts']

/** Starts a worker as a process of the stack: it is stopped with it, before everything else. */
export async function startWorker(stack: WorkerStack, plan: WorkerPlan): Promise<PartRecord> {
  const mark = join(stack.dir, plan.name)
  return startPart(stack.dir, {
    part: plan.name,
    command: process.execPath,
    args: [...(plan.program ?? source), `--mark=${mark}`],
    env: {
      ...(plan.program ? {} : { CDC_WORKFLOW_BUNDLE: await workflowBundle() }),
      ...workerEnv(stack, plan),
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    },
    cwd: projectRoot,
    mark,
    log: join(stack.dir, 'logs', `${plan.name}.log`),
    ready: { text: 'worker is ready' },
    readyWithinMs: 60_000,
    stopSignal: 'SIGTERM',
    graceMs: 15_000,
    stopOrder: 0,
  })
}
