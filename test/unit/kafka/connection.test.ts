import { readFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { afterEach, describe, expect, it } from 'vitest'
import { code } from '../../../src/core/failures.ts'
import { openConnections, type Connections, type WireRequest } from '../../../src/kafka/connection.ts'
import type { KafkaLog, KafkaSettings } from '../../../src/kafka/settings.ts'

const open: { server?: Server; connections?: Connections } = {}
afterEach(async () => {
  await open.connections?.close()
  open.server?.close()
})

type Answer = (request: { apiKey: number; connection: number; socket: Socket }, body: (bytes: Buffer) => Buffer) => void

interface Given {
  readonly log?: KafkaLog
  readonly ssl?: KafkaSettings['ssl']
  readonly serve?: (listener: (socket: Socket) => void) => Server
}

/** Answers ApiVersions itself (version 2); everything else is the test's. */
async function fakeBroker(answer: Answer, { log, ssl, serve = createServer }: Given = {}) {
  let count = 0
  const server = serve((socket) => {
    const connection = ++count
    let pending = Buffer.alloc(0)
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      pending = Buffer.concat([pending, chunk])
      while (pending.length >= 4 && pending.length >= 4 + pending.readInt32BE(0)) {
        const request = pending.subarray(4, 4 + pending.readInt32BE(0))
        pending = pending.subarray(4 + request.length)
        const framed = (body: Buffer): Buffer => {
          const head = Buffer.alloc(8)
          head.writeInt32BE(4 + body.length, 0)
          request.copy(head, 4, 4, 8)
          return Buffer.concat([head, body])
        }
        const apiKey = request.readInt16BE(0)
        if (apiKey === 18) socket.write(framed(apiVersions))
        else answer({ apiKey, connection, socket }, framed)
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const settings = {
    brokers: [`127.0.0.1:${port}`],
    clientId: 'test',
    maxBatchBytes: 1,
    fetchBytes: 1,
    ...(log && { log }),
    ...(ssl && { ssl }),
  }
  Object.assign(open, { server, connections: openConnections(settings) })
  return { port, connections: open.connections! }
}

const apiVersions = Buffer.concat([
  Buffer.from([0, 0, 0, 0, 0, 2]),
  Buffer.from([0, 1, 0, 4, 0, 18]),
  Buffer.from([0, 18, 0, 0, 0, 4]),
  Buffer.alloc(4),
])
const request: WireRequest = { apiKey: 1, apiVersion: 13, apiName: 'Fetch', body: Buffer.from([0]), throttleAt: 1 }

const largeBody = Buffer.alloc(1_000_000, 7).fill(0, 0, 5)

async function expectHeldOnce(connections: Connections, port: number): Promise<void> {
  for (let i = 0; i < 2; i++) {
    const answer = await connections.send({ host: '127.0.0.1', port }, 'read', request)
    expect(answer.equals(largeBody)).toBe(true)
    // Behind length and correlation id, in a piece as takeMemory makes them: nobody copied it.
    expect([answer.byteOffset, answer.buffer.byteLength % (256 * 1024)]).toEqual([8, 0])
  }
}

describe('connections', () => {
  it('leave no failure unhandled where a request was given up before it was sent', async () => {
    const unhandled: unknown[] = []
    const listener = (error: unknown) => void unhandled.push(error)
    process.on('unhandledRejection', listener)
    try {
      const { connections, port } = await fakeBroker(() => void connections.close())
      const given = new Error('given up')
      await expect(connections.send({ host: '127.0.0.1', port }, 'read', request, AbortSignal.abort(given))).rejects.toBe(given)
      await expect(connections.send({ host: '127.0.0.1', port }, 'read', request)).rejects.toThrow(/CDC2001/)
      await new Promise((resolve) => setImmediate(resolve))
      expect(unhandled).toEqual([])
    } finally {
      process.off('unhandledRejection', listener)
    }
  })

  it('hand back the bytes of an answer untouched', async () => {
    const body = Buffer.from([0, 0, 0, 0, 0, 7, 8, 9])
    const { connections, port } = await fakeBroker(({ socket }, framed) => socket.write(framed(body)))
    expect(await connections.send({ host: '127.0.0.1', port }, 'read', request)).toEqual(body)
  })

  it('hold a large answer once, in memory that can be given back', async () => {
    const { connections, port } = await fakeBroker(({ socket }, framed) => socket.write(framed(largeBody)))
    await expectHeldOnce(connections, port)
  })

  it('read answers the same way through TLS', async () => {
    const [key, cert] = ['key', 'cert'].map((name) => readFileSync(new URL(`tls/${name}.pem`, import.meta.url), 'utf8'))
    const { connections, port } = await fakeBroker(({ socket }, framed) => socket.write(framed(largeBody)), {
      serve: (listener) => createTlsServer({ key: key!, cert: cert! }, listener),
      ssl: { ca: cert! },
    })
    await expectHeldOnce(connections, port)
  })

  it('are given up where somebody else answers than Kafka', async () => {
    const { connections, port } = await fakeBroker(({ socket }) => socket.write('HTTP/1.1 400 Bad Request'))
    const sent = connections.send({ host: '127.0.0.1', port }, 'read', request)
    await expect(sent).rejects.toThrow(/CDC2001 Fetch .*this is no Kafka broker/)
  })

  it('never put an answer together from two connections', async () => {
    const body = Buffer.from(Array.from({ length: 100 }, (_, i) => (i < 5 ? 0 : i)))
    const { connections, port } = await fakeBroker(({ connection, socket }, framed) => {
      if (connection > 1) socket.write(framed(body))
      else socket.end(framed(body).subarray(0, 60))
    })
    const to = { host: '127.0.0.1', port }
    await expect(connections.send(to, 'read', request)).rejects.toMatchObject({ code: code.KafkaUnavailable })
    expect(await connections.send(to, 'read', request)).toEqual(body)
  })

  it('keep reads and control apart, and a lane to one connection however many ask at once', async () => {
    const used = new Set<number>()
    const { connections, port } = await fakeBroker(({ connection, socket }, framed) => {
      used.add(connection)
      socket.write(framed(Buffer.alloc(5)))
    })
    const to = { host: '127.0.0.1', port }
    await Promise.all([1, 2, 3].map(() => connections.send(to, 'read', request)))
    expect(used.size).toBe(1)
    await connections.send(to, 'control', request)
    expect(used.size).toBe(2)
  })

  it('stop waiting for a silent broker at the signal, with its reason', async () => {
    const stop = new AbortController()
    const { connections, port } = await fakeBroker(() => stop.abort(new Error('no longer wanted')))
    const sent = connections.send({ host: '127.0.0.1', port }, 'read', request, stop.signal)
    await expect(sent).rejects.toThrow('no longer wanted')
  })

  it('say CDC2001 when nobody listens, and let kafkajs speak through the log only', async () => {
    const lines: string[] = []
    const log = { debug: () => {}, warn: (message: string) => lines.push(message) }
    const { connections, port } = await fakeBroker(() => {}, { log })
    await new Promise((resolve) => open.server!.close(resolve))
    await expect(connections.sendToAny(request)).rejects.toMatchObject({ code: code.KafkaUnavailable })
    expect(lines.some((line) => line.includes(`127.0.0.1:${port}`))).toBe(true)
  })

  it('refuse a broker address without a port', () => {
    const settings = { brokers: ['localhost'], clientId: 'test', maxBatchBytes: 1, fetchBytes: 1 }
    expect(() => openConnections(settings)).toThrow(expect.objectContaining({ code: code.InvalidConfig }) as Error)
  })
})
