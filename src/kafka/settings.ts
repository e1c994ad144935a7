/** What a pipeline says about its Kafka. */
import type { ConnectionOptions } from 'node:tls'
import type { SASLOptions } from 'kafkajs'

/** Where kafkajs' own lines go, and this room's. */
export interface KafkaLog {
  debug(message: string, details: Record<string, unknown>): void
  warn(message: string, details: Record<string, unknown>): void
}

export interface KafkaSettings {
  /** `host:port`, one is enough. */
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly ssl?: boolean | ConnectionOptions
  /** plain, scram-sha-256, scram-sha-512, oauthbearer: as kafkajs takes them. */
  readonly sasl?: SASLOptions
  /** What one record batch may decompress to. */
  readonly maxBatchBytes: number
  /** What one fetch of one partition may bring; a larger record batch still comes, alone. */
  readonly fetchBytes: number
  /** How long a read goes on trying when brokers are away, ms (default 30 s). */
  readonly patienceMs?: number
  /** Default 30 s. */
  readonly requestTimeoutMs?: number
  /** Default 5 s. */
  readonly connectTimeoutMs?: number
  readonly log?: KafkaLog
}
