/**
 * Stands between a worker and the object store and ill-treats requests: answers itself, loses or cuts answers, turns a byte over.
 * Whatever it is not told to touch passes through unchanged.
 */
import { createServer, request, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Fate =
  /** The store never hears of it; the client is told this status with this S3 error code. */
  | { readonly kind: 'refuse'; readonly status: number; readonly code: string }
  /** The store does it, and the client is told this status. */
  | { readonly kind: 'deny'; readonly status: number; readonly code: string }
  /** The store does it, and nobody is told. */
  | { readonly kind: 'lose' }
  /** The connection breaks in the middle of the answer's body. */
  | { readonly kind: 'cut' }
  /** One byte of the request's body, or of the answer's where the request has none, arrives with a bit turned over. */
  | { readonly kind: 'flip' }

export interface Asked {
  readonly method: string
  /** Path and query. */
  readonly path: string
}

export interface StoreProxy {
  readonly endpoint: string
  /** What was done to whom. */
  readonly struck: readonly (Asked & { readonly kind: Fate['kind'] })[]
  /** From now on; null lets everything pass. */
  decide(by: ((asked: Asked) => Fate | null) | null): void
  close(): Promise<void>
}

/** Asked once for each request, in the order in which they come. */
export async function storeProxy(endpoint: string, first: ((asked: Asked) => Fate | null) | null = null): Promise<StoreProxy> {
  const target = new URL(endpoint)
  const struck: (Asked & { kind: Fate['kind'] })[] = []
  let fateOf = first

  const server = createServer((incoming, outgoing) => {
    const asked = { method: incoming.method ?? 'GET', path: incoming.url ?? '/' }
    const fate = fateOf?.(asked) ?? null
    const strike = (kind: Fate['kind']) => void struck.push({ ...asked, kind })
    const hangUp = () => void incoming.socket.destroy()
    // A client that gives up is no news.
    incoming.on('error', hangUp)
    outgoing.on('error', hangUp)
    whole(incoming).then((body) => {
      if (fate?.kind === 'refuse') {
        strike(fate.kind)
        return told(outgoing, asked.method, fate.status, fate.code)
      }
      const spoiled = fate?.kind === 'flip' && body.length > 0
      if (spoiled) strike('flip')
      const { host, port } = { host: target.hostname, port: target.port }
      const onward = request(
        { host, port, method: asked.method, path: asked.path, headers: incoming.headers, agent: false },
        (answer) => {
          if (fate === null || spoiled) return pass(answer, outgoing)
          whole(answer).then((bytes) => {
            if (fate.kind === 'deny') {
              strike('deny')
              return told(outgoing, asked.method, fate.status, fate.code)
            }
            if (fate.kind === 'lose') {
              strike('lose')
              return hangUp()
            }
            // An answer without a body has nothing to cut or to turn over.
            if (bytes.length < 2) return send(outgoing, answer, bytes)
            strike(fate.kind)
            if (fate.kind === 'flip') return send(outgoing, answer, flipped(bytes))
            outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
            outgoing.write(bytes.subarray(0, bytes.length >> 1), hangUp)
          }, hangUp)
        },
      )
      onward.on('error', hangUp)
      onward.end(spoiled ? flipped(body) : body)
    }, hangUp)
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    struck,
    decide: (by) => (fateOf = by),
    close: () => {
      server.closeAllConnections()
      return new Promise((closed) => server.close(() => closed()))
    },
  }
}

async function whole(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

function pass(answer: IncomingMessage, outgoing: ServerResponse): void {
  outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
  answer.on('error', () => outgoing.destroy())
  answer.pipe(outgoing)
}

function send(outgoing: ServerResponse, answer: IncomingMessage, bytes: Buffer): void {
  outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
  outgoing.end(bytes)
}

/** As S3 tells errors. */
function told(outgoing: ServerResponse, method: string, status: number, code: string): void {
  const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>by the proxy</Message></Error>`
  const headers: OutgoingHttpHeaders = { 'content-type': 'application/xml', 'content-length': Buffer.byteLength(body) }
  outgoing.writeHead(status, headers)
  outgoing.end(method === 'HEAD' ? undefined : body)
}

function flipped(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes)
  copy[copy.length >> 1]! ^= 1
  return copy
}
