/** The parts of kafkajs' internals that are used, and how they are reached: its version is pinned exactly for their sake. */
import * as net from 'node:net'
import * as tls from 'node:tls'
import { Kafka, logLevel, type ISocketFactoryArgs } from 'kafkajs'
import { CdcFailure, code } from '../core/failures.ts'
import type { BrokerAddress } from './connection.ts'
import { frames } from './frames.ts'
import type { KafkaSettings } from './settings.ts'

export interface RawConnection {
  /** What came and is not read yet. */
  chunks: Buffer[]
  readonly socket?: net.Socket
  isConnected(): boolean
  isAuthenticated(): boolean
  rejectRequests(error: Error): void
  disconnect(): Promise<boolean>
  send(exchange: {
    request: { apiKey: number; apiVersion: number; apiName: string; encode: () => Promise<RawPayload> }
    response: { decode: (payload: Buffer) => Promise<RawAnswer>; parse: (answer: RawAnswer) => Promise<Buffer> }
    logResponseError: boolean
  }): Promise<Buffer>
}
export interface RawPayload {
  buf: Buffer
  buffer: Buffer
}
export interface RawAnswer {
  payload: Buffer
  clientSideThrottleTime: number
}
export interface RawPool {
  readonly pool: readonly [RawConnection, ...RawConnection[]]
}
export interface RawBroker {
  readonly versions: Readonly<Record<number, { minVersion: number; maxVersion: number }>>
  connect(): Promise<void>
}
export interface RawCluster {
  readonly rootLogger: unknown
  readonly connectionPoolBuilder: { build(address: BrokerAddress): Promise<RawPool> }
  readonly brokerPool: { createBroker(options: { connectionPool: RawPool; logger: unknown }): RawBroker }
}

export function createCluster(settings: KafkaSettings): RawCluster {
  const { log } = settings
  const kafka = new Kafka({
    clientId: settings.clientId,
    brokers: [...settings.brokers],
    ...(settings.ssl === undefined ? {} : { ssl: settings.ssl }),
    ...(settings.sasl === undefined ? {} : { sasl: settings.sasl }),
    connectionTimeout: settings.connectTimeoutMs ?? 5_000,
    requestTimeout: settings.requestTimeoutMs ?? 30_000,
    socketFactory: openSocket,
    logLevel: log ? logLevel.INFO : logLevel.NOTHING,
    logCreator:
      () =>
      ({ namespace, level, log: line }) => {
        const { message, timestamp: _, ...details } = line
        if (level <= logLevel.WARN) log?.warn(`kafkajs ${namespace}: ${message}`, details)
        else log?.debug(`kafkajs ${namespace}: ${message}`, details)
      },
  })
  const key = Object.getOwnPropertySymbols(kafka).find((symbol) => symbol.description === 'private:Kafka:createCluster')
  const create = key && (kafka as unknown as Record<symbol, (options: object) => RawCluster>)[key]
  if (!create) throw new CdcFailure(code.InvalidConfig, 'this is not the kafkajs version that Sluice is built for (2.2.4)')
  return create({ allowAutoTopicCreation: false })
}

/** As kafkajs' own, but for how answers are read; and a socket that closes without a farewell still ends its requests. */
function openSocket({ host, port, ssl, onConnect }: ISocketFactoryArgs): net.Socket {
  const name = net.isIP(host) ? {} : { servername: host }
  const onread = frames({
    deliver: (frame) => socket.emit('data', frame),
    fail: (error) => socket.destroy(error),
  })
  // Types of Node 20 leave out that TLS has it, too.
  const address = { host, port, onread }
  const socket: net.Socket = ssl ? tls.connect({ ...address, ...name, ...ssl }, onConnect) : net.connect(address, onConnect)
  socket.setKeepAlive(true, 30_000)
  socket.once('close', (failed) => {
    if (!failed && !socket.readableEnded) socket.emit('end')
  })
  return socket
}

/** kafkajs keeps what is left of an answer, though it be nothing, and joins it with the next one: a copy of every answer. */
export function keepNoEmptyRests(connection: RawConnection): void {
  let { chunks } = connection
  Object.defineProperty(connection, 'chunks', {
    get: () => chunks,
    set: (pieces: Buffer[]) => {
      chunks = pieces.filter(({ length }) => length > 0)
    },
  })
}
