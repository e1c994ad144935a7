/** Metadata v12: cluster id, topic id, partitions with leader and leader epoch. */
import { CdcFailure, code } from '../core/failures.ts'
import type { TopicIdentity } from '../core/records.ts'
import { brokerError, refused, unavailable } from './brokerErrors.ts'
import type { BrokerAddress, Connections, WireRequest } from './connection.ts'
import { WireReader, WireWriter } from './wire.ts'

export interface PartitionLeader {
  readonly partition: number
  /** null while there is none. */
  readonly leader: BrokerAddress | null
  readonly leaderEpoch: number
}

export interface TopicMetadata {
  readonly identity: TopicIdentity
  /** In order of partition. */
  readonly partitions: readonly PartitionLeader[]
}

const nilId = Buffer.alloc(16).toString('base64url')

export function metadataRequest(topic: string): WireRequest {
  const body = new WireWriter()
    .tags()
    .array([topic], (name, writer) => writer.uuid(nilId).string(name).tags())
    .boolean(false)
    .boolean(false)
    .tags()
    .end()
  return { apiKey: 3, apiVersion: 12, apiName: 'Metadata', body, throttleAt: 1 }
}

export interface MetadataAnswer {
  readonly brokers: ReadonlyMap<number, BrokerAddress>
  readonly error: number
  readonly topic: TopicMetadata
}

export function readMetadata(answer: Buffer): MetadataAnswer {
  const reader = new WireReader(answer)
  reader.tags()
  reader.int32()
  const brokers = new Map<number, BrokerAddress>()
  reader.array((r) => {
    const id = r.int32()
    brokers.set(id, { host: r.string(), port: r.int32() })
    r.nullableString()
    r.tags()
  })
  const clusterId = reader.string()
  reader.int32()
  const topics = reader.array((r) => {
    const error = r.int16()
    const topic = r.string()
    const id = r.uuid()
    r.boolean()
    const partitions = r.array((p) => readPartition(p, brokers))
    r.int32()
    r.tags()
    partitions.sort((a, b) => a.partition - b.partition)
    return { error, topic: { identity: { clusterId, topic, id }, partitions } }
  })
  const [first] = topics
  if (!first) throw unavailable('Metadata names no topic')
  return { brokers, ...first }
}

function readPartition(reader: WireReader, brokers: ReadonlyMap<number, BrokerAddress>): PartitionLeader {
  reader.int16()
  const partition = reader.int32()
  const leader = brokers.get(reader.int32()) ?? null
  const leaderEpoch = reader.int32()
  for (let lists = 0; lists < 3; lists++) reader.array((r) => r.int32())
  reader.tags()
  return { partition, leader, leaderEpoch }
}

export interface MetadataCache {
  /** Throws CDC2002 where the topic does not exist, CDC2001 otherwise. */
  topic(topic: string, options?: { fresh?: boolean; signal?: AbortSignal | undefined }): Promise<TopicMetadata>
  /** The next `topic()` asks the brokers. */
  forget(topic: string): void
}

export function metadataCache(connections: Connections): MetadataCache {
  const cached = new Map<string, TopicMetadata>()
  return {
    async topic(topic, { fresh = false, signal } = {}) {
      const hit = fresh ? undefined : cached.get(topic)
      if (hit) return hit
      const answer = readMetadata(await connections.sendToAny(metadataRequest(topic), signal))
      if (answer.error === brokerError.unknownTopicOrPartition) {
        cached.delete(topic)
        throw new CdcFailure(code.TopicMissing, `topic ${topic} does not exist`)
      }
      if (answer.error !== brokerError.none) throw refused(`metadata of ${topic}`, answer.error)
      connections.learn([...answer.brokers.values()])
      cached.set(topic, answer.topic)
      return answer.topic
    },
    forget(topic) {
      cached.delete(topic)
    },
  }
}
