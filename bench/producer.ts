/** Writes record batches to Kafka as fast as one process can: kafkajs' own producer makes an object or two of every record. */
import { setTimeout as sleep } from 'node:timers/promises'
import { crc32c } from '@node-rs/crc32'
import { Kafka, logLevel } from 'kafkajs'
import lz4 from 'lz4-napi'
import { type BrokerAddress, openConnections, type WireRequest } from '../src/kafka/connection.ts'
import { metadataCache } from '../src/kafka/metadata.ts'
import { WireReader, WireWriter } from '../src/kafka/wire.ts'

export interface OutRecord {
  readonly partition: number
  readonly timestampMs: number
  readonly key: string
  /** null: a tombstone. */
  readonly value: string | null
}

export interface Produced {
  readonly records: number
  /** Of keys and values, before compression. */
  readonly bytes: number
}

export interface Producer {
  /** Makes a topic whose records stay, whatever their age. */
  createTopic(topic: string, partitions: number): Promise<void>
  /** Resolves when the broker has all of them. lz4, as the connector profile has it. */
  produce(topic: string, records: Iterable<OutRecord>): Promise<Produced>
  close(): Promise<void>
}

/** About what Debezium's producer sends in one batch while it is behind. */
const recordsABatch = 1000
const batchesUnderWay = 6
/** The broker's errors while it takes up a partition that was just made. */
const notYet = new Set([3, 5, 6])

export function openProducer(brokers: readonly string[]): Producer {
  const settings = { brokers, clientId: 'bench-producer', maxBatchBytes: 1 << 26, fetchBytes: 1 << 22 }
  const connections = openConnections(settings)
  const metadata = metadataCache(connections)

  async function send(topic: string, leader: BrokerAddress, partition: number, batch: Buffer): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const error = readProduce(await connections.send(leader, 'read', produceRequest(topic, partition, batch)))
      if (error === 0) return
      if (!notYet.has(error) || attempt === 50) {
        throw new Error(`the broker refuses records of ${topic}/${partition} with error ${error}`)
      }
      await sleep(100)
    }
  }

  return {
    async createTopic(topic, partitions) {
      const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin()
      await admin.connect()
      try {
        const configEntries = [
          { name: 'retention.ms', value: '-1' },
          { name: 'max.message.bytes', value: '16777216' },
        ]
        await admin.createTopics({ topics: [{ topic, numPartitions: partitions, configEntries }], waitForLeaders: true })
      } finally {
        await admin.disconnect()
      }
    },

    async produce(topic, records) {
      const { partitions } = await metadata.topic(topic)
      const batches = partitions.map(() => new Batch())
      const underWay = new Set<Promise<void>>()
      let failure: unknown
      let sent = 0
      let bytes = 0
      const ship = (partition: number): void => {
        const { leader } = partitions[partition]!
        if (!leader) throw new Error(`${topic}/${partition} has no leader`)
        const sending = send(topic, leader, partition, batches[partition]!.take())
          .catch((error: unknown) => void (failure ??= error))
          .finally(() => underWay.delete(sending))
        underWay.add(sending)
      }
      for (const record of records) {
        const batch = batches[record.partition]!
        bytes += batch.add(record)
        sent++
        if (batch.count < recordsABatch) continue
        ship(record.partition)
        if (underWay.size >= batchesUnderWay) await Promise.race(underWay)
        if (failure) throw failure as Error
      }
      batches.forEach((batch, partition) => batch.count > 0 && ship(partition))
      await Promise.all(underWay)
      if (failure) throw failure as Error
      return { records: sent, bytes }
    },

    close: () => connections.close(),
  }
}

/** Produce v9 of one batch, to be acknowledged. */
function produceRequest(topic: string, partition: number, batch: Buffer): WireRequest {
  const head = new WireWriter().tags().string(null).int16(-1).int32(30_000)
  head
    .uvarint(2)
    .string(topic)
    .uvarint(2)
    .int32(partition)
    .uvarint(batch.length + 1)
  const tags = Buffer.alloc(3)
  return { apiKey: 0, apiVersion: 9, apiName: 'Produce', body: Buffer.concat([head.end(), batch, tags]), throttleAt: null }
}

function readProduce(answer: Buffer): number {
  const reader = new WireReader(answer)
  reader.tags()
  const [error] = reader.array((topic) => {
    topic.string()
    return topic.array((partition) => {
      partition.int32()
      return partition.int16()
    })[0]
  })
  return error ?? 0
}

const blockBytes = 64 * 1024
const frameHead = lz4.compressFrameSync(Buffer.alloc(1)).subarray(0, 7)

/** An LZ4 frame as Java's producer makes it: blocks of 64 KiB, each by itself, no checksums. */
function frameOf(bytes: Buffer): Buffer {
  const parts = [frameHead]
  for (let at = 0; at < bytes.length; at += blockBytes) {
    // The block has its size before compression in front, where a frame has the one after it.
    const block = lz4.compressSync(bytes.subarray(at, at + blockBytes))
    block.writeUInt32LE(block.length - 4, 0)
    parts.push(block)
  }
  return Buffer.concat([...parts, Buffer.alloc(4)])
}

/** One record batch of magic 2 in the making (its layout: src/kafka/recordBatch.ts). */
class Batch {
  count = 0
  private records = Buffer.allocUnsafe(1 << 20)
  private at = 0
  private firstMs = 0
  private lastMs = 0

  /** Returns the bytes of key and value. */
  add({ key, value, timestampMs }: OutRecord): number {
    if (this.count === 0) this.firstMs = timestampMs
    this.lastMs = timestampMs
    const keyBytes = Buffer.byteLength(key)
    const valueBytes = value === null ? 0 : Buffer.byteLength(value)
    const delta = timestampMs - this.firstMs
    const length =
      2 +
      widthOf(delta) +
      widthOf(this.count) +
      widthOf(keyBytes) +
      keyBytes +
      widthOf(value === null ? -1 : valueBytes) +
      valueBytes
    this.reserve(length + 5)
    this.varint(length)
    this.records[this.at++] = 0
    this.varint(delta)
    this.varint(this.count++)
    this.varint(keyBytes)
    this.at += this.records.write(key, this.at)
    this.varint(value === null ? -1 : valueBytes)
    if (value !== null) this.at += this.records.write(value, this.at)
    this.records[this.at++] = 0
    return keyBytes + valueBytes
  }

  /** The whole batch; another one begins. */
  take(): Buffer {
    const section = frameOf(this.records.subarray(0, this.at))
    const batch = Buffer.alloc(61 + section.length)
    batch.writeInt32BE(49 + section.length, 8)
    batch.writeInt8(2, 16)
    batch.writeInt16BE(3, 21)
    batch.writeInt32BE(this.count - 1, 23)
    batch.writeBigInt64BE(BigInt(this.firstMs), 27)
    batch.writeBigInt64BE(BigInt(this.lastMs), 35)
    batch.writeBigInt64BE(-1n, 43)
    batch.writeInt16BE(-1, 51)
    batch.writeInt32BE(-1, 53)
    batch.writeInt32BE(this.count, 57)
    section.copy(batch, 61)
    batch.writeUInt32BE(crc32c(batch.subarray(21)), 17)
    this.count = this.at = 0
    return batch
  }

  private varint(value: number): void {
    let rest = ((value << 1) ^ (value >> 31)) >>> 0
    for (; rest > 0x7f; rest >>>= 7) this.records[this.at++] = (rest & 0x7f) | 0x80
    this.records[this.at++] = rest
  }

  private reserve(bytes: number): void {
    if (this.at + bytes <= this.records.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.records.length * 2, this.at + bytes))
    this.records.copy(larger, 0, 0, this.at)
    this.records = larger
  }
}

/** Bytes of a zigzag varint. */
function widthOf(value: number): number {
  const bits = 32 - Math.clz32(((value << 1) ^ (value >> 31)) >>> 0)
  return Math.max(1, Math.ceil(bits / 7))
}
