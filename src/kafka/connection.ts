/**
 * Connections to brokers: kafkajs carries the bytes (sockets, TLS, SASL, framing, throttling) through its private cluster
 * builder, so its version is pinned exactly. What is asked and what the answer means is this room's own.
 *
 * A connection that failed is never used again: kafkajs keeps the half of an answer that it had received, and would put the
 * next connection's bytes behind it. Each broker has one connection a lane, because a connection answers in order.
 */
import { CdcFailure, code } from '../core/failures.ts'
import { abortable } from './abortable.ts'
import { unavailable } from './brokerErrors.ts'
import { createCluster, keepNoEmptyRests, type RawConnection } from './cluster.ts'
import type { KafkaSettings } from './settings.ts'

export interface BrokerAddress {
  readonly host: string
  readonly port: number
}

export interface WireRequest {
  readonly apiKey: number
  readonly apiVersion: number
  readonly apiName: string
  /** Flexible versions only: the body begins with the request header's empty tag section. */
  readonly body: Buffer
  /** Where the answer's throttle time stands, after the tag byte. null: it has none. */
  readonly throttleAt: 1 | null
}

/** `read` is for fetches of ranges, `control` for everything else: a watcher never waits behind megabytes. */
export type Lane = 'read' | 'control'

export interface Connections {
  /** The answer's body from the tag section on. Throws CDC2001; an abort of `signal` ends the wait at once. */
  send(to: BrokerAddress, lane: Lane, request: WireRequest, signal?: AbortSignal): Promise<Buffer>
  /** To whichever broker answers first: one that is connected, one that is known, the configured ones in turn. */
  sendToAny(request: WireRequest, signal?: AbortSignal): Promise<Buffer>
  /** Brokers that metadata named. */
  learn(brokers: readonly BrokerAddress[]): void
  close(): Promise<void>
}

export function openConnections(settings: KafkaSettings): Connections {
  const cluster = createCluster(settings)
  const open = new Map<string, Promise<RawConnection>>()
  const known = new Map<string, BrokerAddress>()
  const seeds = settings.brokers.map(parseAddress)
  let turn = 0
  let closed = false

  async function connect(address: BrokerAddress): Promise<RawConnection> {
    const pool = await cluster.connectionPoolBuilder.build(address)
    keepNoEmptyRests(pool.pool[0])
    const broker = cluster.brokerPool.createBroker({ connectionPool: pool, logger: cluster.rootLogger })
    try {
      await broker.connect()
      const fetch = broker.versions[1]
      if (fetch && fetch.maxVersion < 13) {
        throw new CdcFailure(code.InvalidConfig, `the broker at ${text(address)} is older than Kafka 3.1: it knows no topic ids`)
      }
    } catch (error) {
      discard(pool.pool[0])
      throw error
    }
    return pool.pool[0]
  }

  /** The lane's connection; a closed one, or one whose SASL session runs out, is replaced before it is asked. */
  async function connection(address: BrokerAddress, lane: Lane): Promise<{ key: string; opening: Promise<RawConnection> }> {
    const key = `${lane} ${text(address)}`
    for (let tries = 0; tries < 3; tries++) {
      if (closed) throw unavailable('the connection to Kafka is closed')
      let opening = open.get(key)
      if (!opening) {
        opening = connect(address)
        opening.catch(() => forget(key, opening!))
        open.set(key, opening)
      }
      const raw = await opening
      const usable = raw.isConnected() && (!settings.sasl || raw.isAuthenticated())
      if (usable) return { key, opening }
      if (open.get(key) === opening) open.delete(key)
      raw.disconnect().catch(() => {}) // ends once its last answer is in
    }
    throw unavailable(`connections to ${text(address)} do not last`)
  }

  function forget(key: string, opening: Promise<RawConnection>): void {
    if (open.get(key) === opening) open.delete(key)
    opening.then(discard, () => {})
  }

  async function exchange(address: BrokerAddress, lane: Lane, request: WireRequest): Promise<Buffer> {
    const { key, opening } = await connection(address, lane)
    try {
      const raw = await opening
      return await raw.send({
        request: { ...request, encode: () => Promise.resolve({ buf: request.body, buffer: request.body }) },
        response: {
          decode: (payload) => Promise.resolve({ payload, clientSideThrottleTime: throttleTime(payload, request) }),
          parse: ({ payload }) => Promise.resolve(payload),
        },
        logResponseError: false,
      })
    } catch (error) {
      forget(key, opening)
      throw error
    }
  }

  async function send(to: BrokerAddress, lane: Lane, request: WireRequest, signal?: AbortSignal): Promise<Buffer> {
    try {
      return await abortable(exchange(to, lane, request), signal)
    } catch (error) {
      if (signal?.aborted || error instanceof CdcFailure) throw error
      throw unreachable(`${request.apiName} to ${text(to)}`, error as Error)
    }
  }

  return {
    send,

    async sendToAny(request, signal) {
      const connected = [...open.keys()].filter((key) => key.startsWith('control ')).map((key) => key.slice(8))
      const rotated = [...seeds.slice(turn), ...seeds.slice(0, turn)]
      turn = (turn + 1) % Math.max(seeds.length, 1)
      const candidates = new Map<string, BrokerAddress>()
      for (const key of connected) if (known.has(key)) candidates.set(key, known.get(key)!)
      for (const address of [...rotated, ...known.values()]) candidates.set(text(address), address)
      let last: unknown = unavailable('no broker is configured')
      for (const address of candidates.values()) {
        try {
          return await send(address, 'control', request, signal)
        } catch (error) {
          if (signal?.aborted) throw error
          last = error
        }
      }
      throw last
    },

    learn(brokers) {
      known.clear()
      for (const address of brokers) known.set(text(address), address)
    },

    async close() {
      closed = true
      const opened = await Promise.allSettled(open.values())
      open.clear()
      for (const each of opened) if (each.status === 'fulfilled') discard(each.value)
    },
  }
}

function throttleTime(payload: Buffer, request: WireRequest): number {
  return request.throttleAt === null || payload.length < request.throttleAt + 4 ? 0 : payload.readInt32BE(request.throttleAt)
}

/** Refused credentials are tried again too: secrets are rotated on a running system. */
function unreachable(what: string, error: Error): CdcFailure {
  const hint = error.name === 'KafkaJSSASLAuthenticationError' ? { hint: 'Check the SASL mechanism and credentials.' } : {}
  return new CdcFailure(code.KafkaUnavailable, `${what}: ${error.message}`, { cause: error, ...hint })
}

function discard(connection: RawConnection): void {
  connection.rejectRequests(new Error('the connection was given up'))
  connection.disconnect().catch(() => {})
  connection.socket?.destroy()
}

function parseAddress(broker: string): BrokerAddress {
  const colon = broker.lastIndexOf(':')
  const port = Number(broker.slice(colon + 1))
  if (colon < 1 || !Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new CdcFailure(code.InvalidConfig, `not a broker address: ${JSON.stringify(broker)} (host:port)`)
  }
  return { host: broker.slice(0, colon).replace(/^\[|\]$/g, ''), port }
}

function text({ host, port }: BrokerAddress): string {
  return `${host}:${port}`
}
