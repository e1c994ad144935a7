/** How the S3 adapter takes the answers that an honest server hardly ever gives. */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { code } from '../../../src/core/failures.ts'
import { takeMemory } from '../../../src/core/keptMemory.ts'
import { s3Store, type S3Store } from '../../../src/lake/s3.ts'

interface Answer {
  readonly status: number
  readonly body?: string
  readonly headers?: Record<string, string>
}

const partBytes = 1000
const unavailable = { code: code.StoreUnavailable }
const error = (status: number, name: string): Answer => ({
  status,
  body: `<Error><Code>${name}</Code><Message>no</Message></Error>`,
})

describe('the S3 adapter', () => {
  let server: Server
  let store: S3Store
  let storeWith: (partBytes: number) => S3Store
  let asked: string[]
  /** Bytes of the parts that wait for their answer right now, and the most that ever did. */
  let underWay: { now: number; most: number }
  let answers: Record<string, Answer | 'silence'>
  /** What came with each put or part. */
  let bodies: Buffer[]

  /** What kind of request it is, as S3 tells them apart. */
  function kindOf({ method, url }: IncomingMessage): string {
    const { searchParams } = new URL(url!, 'http://x')
    if (searchParams.has('uploads')) return 'begin'
    if (searchParams.has('partNumber')) return `part ${searchParams.get('partNumber')}`
    if (searchParams.has('uploadId')) return method === 'DELETE' ? 'abort' : 'complete'
    return searchParams.has('list-type') ? 'list' : method!.toLowerCase()
  }

  const usual: Record<string, Answer> = {
    begin: { status: 200, body: '<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>' },
    complete: { status: 200, body: '<CompleteMultipartUploadResult><ETag>"e"</ETag></CompleteMultipartUploadResult>' },
    abort: { status: 204 },
    put: { status: 200, headers: { etag: '"e"' } },
    part: { status: 200, headers: { etag: '"e"' } },
  }

  beforeAll(async () => {
    server = createServer((incoming, outgoing) => {
      const kind = kindOf(incoming)
      asked.push(`${kind}${incoming.headers['if-none-match'] === '*' ? ' if none' : ''}`)
      const part = kind.startsWith('part')
      if (part) underWay.most = Math.max(underWay.most, ++underWay.now)
      const pieces: Buffer[] = []
      incoming.on('data', (piece: Buffer) => pieces.push(piece))
      incoming.on('end', () => {
        if (incoming.method === 'PUT') bodies.push(Buffer.concat(pieces))
        const answer = answers[kind] ?? usual[part ? 'part' : kind] ?? error(404, 'NoSuchKey')
        if (answer === 'silence') return
        setImmediate(() => {
          if (part) underWay.now--
          outgoing.writeHead(answer.status, { 'content-type': 'application/xml', ...answer.headers })
          outgoing.end(incoming.method === 'HEAD' ? undefined : answer.body)
        })
      })
    })
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
    storeWith = (partBytes) =>
      s3Store({
        bucket: 'lake',
        prefix: 'deep/down',
        region: 'us-east-1',
        endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        forcePathStyle: true,
        credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
        partBytes,
        requestTimeoutMs: 200,
      })
    store = storeWith(partBytes)
  })

  beforeEach(() => {
    asked = []
    bodies = []
    answers = {}
    underWay = { now: 0, most: 0 }
  })

  afterAll(() => {
    store.close()
    server.closeAllConnections()
    server.close()
  })

  async function upload(bytes: number, multipart = false): Promise<string> {
    const upload = store.upload('x', { multipart })
    try {
      await upload.write(new Uint8Array(bytes))
      return await upload.complete()
    } finally {
      await upload.abort()
    }
  }

  it('makes one conditional put of what stays below a part', async () => {
    expect(await upload(partBytes - 1)).toBe('created')
    expect(asked).toEqual(['put if none'])
  })

  it('makes parts of what is larger, two under way at most, conditional at the completion', async () => {
    expect(await upload(partBytes * 7 + 1)).toBe('created')
    expect(asked[0]).toBe('begin')
    expect(asked.filter((kind) => kind.startsWith('part'))).toHaveLength(8)
    expect(asked.at(-1)).toBe('complete if none')
    expect(underWay.most).toBeLessThanOrEqual(2)
  })

  it('sends each upload its own bytes, though their memory is that of uploads before', async () => {
    const large = storeWith(300_000)
    try {
      const sent = await Promise.all(
        [1, 2, 3, 1, 2, 3].map(async (size, i) => {
          await new Promise((resolve) => setTimeout(resolve, (i % 3) * 5))
          const bytes = Buffer.from(Array.from({ length: size * 70_000 }, (_, at) => at * (i + 1) + i))
          const upload = large.upload(`x${i}`)
          for (let at = 0; at < bytes.length; at += 33_333) await upload.write(bytes.subarray(at, at + 33_333))
          expect(await upload.complete()).toBe('created')
          return bytes
        }),
      )
      const sums = (all: readonly Uint8Array[]) => all.map((bytes) => createHash('sha256').update(bytes).digest('hex')).sort()
      expect(sums(bodies)).toEqual(sums(sent))
    } finally {
      large.close()
    }
  })

  it.each([
    ['created', { status: 200 }, true],
    ['exists', error(412, 'PreconditionFailed'), false],
  ] as const)('after %s, its memory is used again: %3$s', async (outcome, answer, again) => {
    for (let i = 0; i < 20; i++) takeMemory(100_000)
    const large = storeWith(300_000)
    try {
      answers['put'] = answer
      const upload = large.upload('x')
      await upload.write(Buffer.alloc(100_000, 0x77))
      expect(await upload.complete()).toBe(outcome)
      expect(takeMemory(100_000).every((byte) => byte === 0x77)).toBe(again)
    } finally {
      large.close()
    }
  })

  it.each([409, 500, 503, 403])('takes %i to a put for unknown, and does not try it again by itself', async (status) => {
    answers['put'] = error(status, 'Whatever')
    await expect(store.putIfAbsent('x', new Uint8Array(1))).rejects.toMatchObject(unavailable)
    expect(asked).toEqual(['put if none'])
  })

  it('takes silence for unknown, after one try only', async () => {
    answers['put'] = 'silence'
    await expect(store.putIfAbsent('x', new Uint8Array(1))).rejects.toMatchObject(unavailable)
    expect(asked).toEqual(['put if none'])
  })

  it('takes 412 for exists', async () => {
    answers['put'] = error(412, 'PreconditionFailed')
    expect(await store.putIfAbsent('x', new Uint8Array(1))).toBe('exists')
  })

  it('takes 412 to a completion for exists, and gives its parts up', async () => {
    answers['complete'] = error(412, 'PreconditionFailed')
    expect(await upload(10, true)).toBe('exists')
    expect(asked).toEqual(['begin', 'part 1', 'complete if none', 'abort'])
  })

  it('takes 409 to a completion for unknown: that upload is dead', async () => {
    answers['complete'] = error(409, 'ConditionalRequestConflict')
    await expect(upload(10, true)).rejects.toMatchObject(unavailable)
    expect(asked).toEqual(['begin', 'part 1', 'complete if none', 'abort'])
  })

  it('takes an error inside of a 200 to a completion for unknown', async () => {
    answers['complete'] = { ...error(200, 'InternalError') }
    await expect(upload(10, true)).rejects.toMatchObject(unavailable)
    expect(asked.filter((kind) => kind.startsWith('complete'))).toHaveLength(1)
  })

  it('tries a part again, as that is harmless', async () => {
    answers['part 1'] = error(503, 'SlowDown')
    await expect(upload(10, true)).rejects.toMatchObject(unavailable)
    expect(asked.filter((kind) => kind === 'part 1')).toHaveLength(3)
    expect(asked.at(-1)).toBe('abort')
  })

  it('tells a missing object from a missing bucket', async () => {
    expect(await store.get('x')).toBeNull()
    expect(await store.head('x')).toBeNull()
    answers['get'] = error(404, 'NoSuchBucket')
    await expect(store.get('x')).rejects.toMatchObject(unavailable)
  })

  it('does not take half an object for the whole', async () => {
    answers['get'] = { status: 200, body: 'half', headers: { 'content-length': '8' } }
    await expect(store.get('x')).rejects.toMatchObject(unavailable)
  })

  it('lists page by page, with keys relative to its prefix', async () => {
    const page = (keys: string[], next?: string): string =>
      `<ListBucketResult><IsTruncated>${next !== undefined}</IsTruncated>${next ? `<NextContinuationToken>${next}</NextContinuationToken>` : ''}${keys
        .map((key) => `<Contents><Key>deep/down/${key}</Key><Size>3</Size></Contents>`)
        .join('')}</ListBucketResult>`
    answers['list'] = { status: 200, body: page(['a', 'b'], 'more') }
    const listed: string[] = []
    for await (const { key, size } of store.list('')) {
      listed.push(`${key} ${size}`)
      answers['list'] = { status: 200, body: page(['c']) }
    }
    expect(listed).toEqual(['a 3', 'b 3', 'c 3'])
  })

  it('tells in its failures what it asked for and what came, and no secret', async () => {
    answers['put'] = error(403, 'AccessDenied')
    await expect(store.putIfAbsent('x', new Uint8Array(1))).rejects.toThrow('CDC5001 PUT deep/down/x: AccessDenied (403)')
  })
})
