/**
 * The consumer group's offsets, a mirror for lag tools and never the truth (DESIGN §4.11). Committed without joining the
 * group: no rebalance, no waiting.
 */
import { brokerError, refused } from './brokerErrors.ts'
import type { BrokerAddress, Connections, WireRequest } from './connection.ts'
import { WireReader, WireWriter } from './wire.ts'

export type GroupOffsets = ReadonlyMap<number, bigint>

export interface OffsetMirror {
  /** Throws CDC2001; whoever calls goes on without it. */
  mirrorOffsets(group: string, topic: string, offsets: GroupOffsets, signal?: AbortSignal): Promise<void>
  /** Partitions for which the group has none are left out. */
  groupOffsets(group: string, topic: string, partitions: readonly number[], signal?: AbortSignal): Promise<GroupOffsets>
}

export function offsetMirror(connections: Connections): OffsetMirror {
  const coordinators = new Map<string, BrokerAddress>()

  async function coordinator(group: string, signal?: AbortSignal): Promise<BrokerAddress> {
    const cached = coordinators.get(group)
    if (cached) return cached
    const found = readFindCoordinator(await connections.sendToAny(findCoordinatorRequest(group), signal))
    if (found.error !== brokerError.none) throw refused(`the coordinator of group ${group}`, found.error)
    coordinators.set(group, found.address)
    return found.address
  }

  async function ask(group: string, request: WireRequest, signal?: AbortSignal): Promise<Buffer> {
    try {
      return await connections.send(await coordinator(group, signal), 'control', request, signal)
    } catch (error) {
      coordinators.delete(group)
      throw error
    }
  }

  function check(group: string, error: number): void {
    if (error === brokerError.none) return
    coordinators.delete(group)
    throw refused(`offsets of group ${group}`, error)
  }

  return {
    async mirrorOffsets(group, topic, offsets, signal) {
      const answer = await ask(group, offsetCommitRequest(group, topic, offsets), signal)
      for (const error of readOffsetCommit(answer)) check(group, error)
    },

    async groupOffsets(group, topic, partitions, signal) {
      const { error, offsets } = readOffsetFetch(await ask(group, offsetFetchRequest(group, topic, partitions), signal))
      check(group, error)
      return offsets
    },
  }
}

export function findCoordinatorRequest(group: string): WireRequest {
  const body = new WireWriter().tags().string(group).int8(0).tags().end()
  return { apiKey: 10, apiVersion: 3, apiName: 'FindCoordinator', body, throttleAt: 1 }
}

export function readFindCoordinator(answer: Buffer): { error: number; address: BrokerAddress } {
  const reader = new WireReader(answer)
  reader.tags()
  reader.int32()
  const error = reader.int16()
  reader.nullableString()
  reader.int32()
  return { error, address: { host: reader.string(), port: reader.int32() } }
}

export function offsetCommitRequest(group: string, topic: string, offsets: GroupOffsets): WireRequest {
  const body = new WireWriter()
    .tags()
    .string(group)
    .int32(-1)
    .string('')
    .string(null)
    .array([topic], (name, writer) =>
      writer
        .string(name)
        .array([...offsets], ([partition, offset], w) => w.int32(partition).int64(offset).int32(-1).string('').tags())
        .tags(),
    )
    .tags()
    .end()
  return { apiKey: 8, apiVersion: 8, apiName: 'OffsetCommit', body, throttleAt: 1 }
}

/** One error code a partition. */
export function readOffsetCommit(answer: Buffer): number[] {
  const reader = new WireReader(answer)
  reader.tags()
  reader.int32()
  const topics = reader.array((r) => {
    r.string()
    const errors = r.array((p) => {
      p.int32()
      const error = p.int16()
      p.tags()
      return error
    })
    r.tags()
    return errors
  })
  return topics.flat()
}

export function offsetFetchRequest(group: string, topic: string, partitions: readonly number[]): WireRequest {
  const body = new WireWriter()
    .tags()
    .string(group)
    .array([topic], (name, writer) =>
      writer
        .string(name)
        .array(partitions, (partition, w) => w.int32(partition))
        .tags(),
    )
    .boolean(false)
    .tags()
    .end()
  return { apiKey: 9, apiVersion: 7, apiName: 'OffsetFetch', body, throttleAt: 1 }
}

export function readOffsetFetch(answer: Buffer): { error: number; offsets: Map<number, bigint> } {
  const reader = new WireReader(answer)
  reader.tags()
  reader.int32()
  const offsets = new Map<number, bigint>()
  let worst = 0
  reader.array((r) => {
    r.string()
    r.array((p) => {
      const partition = p.int32()
      const offset = p.int64()
      p.int32()
      p.nullableString()
      worst ||= p.int16()
      p.tags()
      if (offset >= 0n) offsets.set(partition, offset)
    })
    r.tags()
  })
  return { error: reader.int16() || worst, offsets }
}
