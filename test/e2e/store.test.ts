/** The object store's contract on a real S3 server, and what happens on the way to it. */
import { randomUUID } from 'node:crypto'
import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { code } from '../../src/core/failures.ts'
import { s3Store, type S3Store } from '../../src/lake/s3.ts'
import { storeContract } from '../unit/lake/storeContract.ts'

const partBytes = 5 << 20
const { endpoint, region, bucket, accessKeyId, secretAccessKey } = inject('stack').s3
const prefix = `store-test/${randomUUID()}`
const opened: S3Store[] = []

function storeAt(over: { endpoint?: string; bucket?: string; secretAccessKey?: string; multipart?: boolean } = {}): S3Store {
  const store = s3Store({
    endpoint: over.endpoint ?? endpoint,
    region,
    bucket: over.bucket ?? bucket,
    prefix,
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey: over.secretAccessKey ?? secretAccessKey },
    partBytes,
    multipart: over.multipart ?? false,
    requestTimeoutMs: 20_000,
  })
  opened.push(store)
  return store
}

afterAll(() => opened.forEach((store) => store.close()))

// As it is used here: SeaweedFS does not decide racing completions of parts (docs/decisions/0001).
storeContract('S3', () => storeAt(), { partBytes })

describe('the S3 store', () => {
  it('joins parts in order, and never completes over an object that stands', async () => {
    const store = storeAt({ multipart: true })
    const whole = new Uint8Array(partBytes * 2 + 12_345).map((_, i) => (i * 31 + (i >> 8)) & 255)
    const [key, outcomes] = [randomUUID(), [] as string[]]
    for (const bytes of [whole, new Uint8Array(partBytes + 1)]) {
      const upload = store.upload(key)
      await upload.write(bytes)
      outcomes.push(await upload.complete())
    }
    expect(outcomes).toEqual(['created', 'exists'])
    expect(Buffer.compare((await store.get(key))!, whole)).toBe(0)
  })

  it('takes a missing bucket for an unavailable store, not for a missing object', async () => {
    await expect(storeAt({ bucket: `none-${randomUUID()}` }).get('x')).rejects.toMatchObject({ code: code.StoreUnavailable })
  })

  it('takes wrong credentials for an unavailable store, and tells no secret', async () => {
    const refused = storeAt({ secretAccessKey: 'not-the-secret' }).putIfAbsent('x', new Uint8Array(1))
    await expect(refused).rejects.toMatchObject({ code: code.StoreUnavailable })
    await expect(refused).rejects.not.toThrow(/not-the-secret/)
  })

  it('takes a store that nobody listens for as unavailable', async () => {
    await expect(storeAt({ endpoint: 'http://127.0.0.1:1' }).get('x')).rejects.toMatchObject({ code: code.StoreUnavailable })
  })

  it('ends a call under way when its signal aborts', async () => {
    const silent = createServer(() => {})
    await new Promise<void>((listening) => silent.listen(0, '127.0.0.1', listening))
    try {
      const aborter = new AbortController()
      const reason = new Error('the activity was cancelled')
      const call = storeAt({ endpoint: `http://127.0.0.1:${(silent.address() as AddressInfo).port}` })
        .bound(aborter.signal)
        .putIfAbsent('x', new Uint8Array(1))
      setImmediate(() => aborter.abort(reason))
      await expect(call).rejects.toBe(reason)
    } finally {
      silent.closeAllConnections()
      silent.close()
    }
  })
})

describe('on the way to the store', () => {
  /** Hands everything on to the store, but for what `fault` does to the next write. */
  let fault: 'none' | 'flip a byte' | 'lose the answer' = 'none'
  let proxy: Server
  let through: S3Store

  beforeAll(async () => {
    const { hostname, port } = new URL(endpoint)
    proxy = createServer((incoming, outgoing) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('end', () => {
        const body = Buffer.concat(chunks)
        const hit = fault !== 'none' && incoming.method !== 'GET' && body.length > 0 ? fault : 'none'
        if (hit !== 'none') fault = 'none'
        if (hit === 'flip a byte') body[body.length - 1]! ^= 1
        // The headers as they came, Host among them: they are signed.
        const onward = request(
          { hostname, port, method: incoming.method, path: incoming.url, headers: incoming.headers },
          (answer) => {
            if (hit === 'lose the answer') {
              answer.resume()
              answer.on('end', () => incoming.socket.destroy())
              return
            }
            outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
            answer.pipe(outgoing)
          },
        )
        onward.on('error', () => incoming.socket.destroy())
        onward.end(body)
      })
    })
    await new Promise<void>((listening) => proxy.listen(0, '127.0.0.1', listening))
    through = storeAt({ endpoint: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` })
  })

  afterAll(() => {
    proxy.closeAllConnections()
    proxy.close()
  })

  it('a flipped byte is refused by checksum, and nothing stands there', async () => {
    const key = randomUUID()
    fault = 'flip a byte'
    await expect(through.putIfAbsent(key, new Uint8Array(1000).fill(7))).rejects.toMatchObject({ code: code.StoreUnavailable })
    expect(fault).toBe('none')
    expect(await through.get(key)).toBeNull()
    expect(await through.putIfAbsent(key, new Uint8Array(1000).fill(7))).toBe('created')
  })

  it('a flipped byte in a part is sent again or refused: what stands is what was written', async () => {
    const key = randomUUID()
    const bytes = new Uint8Array(100_000).fill(7)
    const upload = through.upload(key, { multipart: true })
    fault = 'flip a byte'
    await upload.write(bytes)
    const outcome = await upload.complete().catch((error: unknown) => error)
    await upload.abort()
    expect(fault).toBe('none')
    const standing = await through.get(key)
    if (outcome === 'created') expect(Buffer.compare(standing!, bytes)).toBe(0)
    else expect([outcome, standing]).toMatchObject([{ code: code.StoreUnavailable }, null])
  })

  it('an answer that is lost is unknown, not exists: the SDK does not try a conditional put again by itself', async () => {
    const key = randomUUID()
    fault = 'lose the answer'
    await expect(through.putIfAbsent(key, new Uint8Array([1, 2, 3]))).rejects.toMatchObject({ code: code.StoreUnavailable })
    expect(await through.get(key)).toEqual(new Uint8Array([1, 2, 3]))
  })
})
