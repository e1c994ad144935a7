import { createServer } from 'node:net'

const LOW = 12_000
const HIGH = 21_999
const handedOut = new Set<number>()

/**
 * A free loopback port, picked at random below the range from which the system takes ports for outgoing connections, so
 * that it is still free when a part binds it a moment later. With `grpc`, port + 10,000 is free as well (SeaweedFS puts
 * its gRPC servers there).
 */
export async function freePort(grpc = false): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = LOW + Math.floor(Math.random() * (HIGH - LOW))
    if (handedOut.has(port)) continue
    if ((await isFree(port)) && (!grpc || (await isFree(port + 10_000)))) {
      handedOut.add(port)
      return port
    }
  }
  throw new Error(`no free port on 127.0.0.1 between ${LOW} and ${HIGH}`)
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)))
  })
}
