/** Stands between a worker and the store, and loses answers: the write takes place, and nobody is told. */
import { createServer, request, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface LossyProxy {
  readonly endpoint: string
  /** Keys whose answers were lost. */
  readonly lost: string[]
  close(): Promise<void>
}

/** Loses the answer of every write for which `loses` says so; everything else passes through unchanged. */
export async function lossyProxy(endpoint: string, loses: (method: string, path: string) => boolean): Promise<LossyProxy> {
  const target = new URL(endpoint)
  const lost: string[] = []
  const server = createServer((incoming, outgoing) => {
    const { method = 'GET', url = '/', headers } = incoming
    const onward = request(
      { host: target.hostname, port: target.port, method, path: url, headers },
      (answer: IncomingMessage) => {
        if (loses(method, url)) {
          answer.resume().on('end', () => {
            lost.push(url)
            incoming.socket.destroy()
          })
          return
        }
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(outgoing)
      },
    )
    onward.on('error', () => incoming.socket.destroy())
    incoming.pipe(onward)
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lost,
    close: () => {
      server.closeAllConnections()
      return new Promise((closed) => server.close(() => closed()))
    },
  }
}
