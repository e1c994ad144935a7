/** Each step alone: the least that it can cost, and what Sluice's own stage takes. */
import { randomUUID } from 'node:crypto'
import type { ColumnBuilder } from '../src/core/columns.ts'
import type { RecordBlock, TopicState } from '../src/core/records.ts'
import { emptySchema, fileColumns, type TableSchema } from '../src/core/schema.ts'
import { scanRange } from '../src/carry/rangeScan.ts'
import { createDecoder } from '../src/debezium/decoder.ts'
import { openKafka, type KafkaDoor } from '../src/kafka/door.ts'
import { openParquet } from '../src/lake/parquet.ts'
import type { ObjectStore } from '../src/lake/store.ts'
import { createRowBatch } from '../src/rows/rowBatch.ts'
import { fetchBytes } from '../src/workers/doors.ts'
import { count } from '../scripts/demo/screen.ts'
import { openBucket } from './bucket.ts'
import { decompressAll, fetchAll, scanAll } from './floor.ts'
import { median } from './median.ts'
import { bookings } from './messages.ts'
import type { Bench, Part } from './part.ts'

const rowsARange = 100_000
/** Rows that are kept in memory for what comes after fetching. */
const keptRows = 200_000

export const stages: Part = async (bench) => {
  const { topic, messages, partitions } = await bench.topic()
  const kafka = openKafka({
    brokers: bench.stack.kafka.brokers,
    clientId: 'bench-stages',
    maxBatchBytes: 64 * 1024 ** 2,
    fetchBytes,
  })
  const bucket = openBucket(bench.stack.s3)
  const costs = costsOf(bench)
  try {
    const state = await kafka.describe(topic)
    const [broker] = bench.stack.kafka.brokers
    const fetchFloor = await costs('fetch through a plain socket', messages, () => fetchAll(broker!, state, false))
    const fetch = await costs('fetch, check, decompress and walk', messages, () => readAll(kafka, state))
    const sections = await fetchAll(broker!, state, true)
    const decompress = await costs('decompress', messages, () => decompressAll(sections))

    const kept = await firstRanges(kafka, state, Math.min(rowsARange, Math.ceil(keptRows / partitions)))
    const rows = kept.reduce((sum, blocks) => sum + blocks.reduce((all, block) => all + block.count, 0), 0)
    const scanFloor = await costs('look at each byte', rows, () => kept.map(scanAll))
    const schema = schemaOf(kept[0]!)
    const decode = await costs('decode into columns', rows, () => kept.map((blocks) => columnsOf(blocks, schema)))
    const ready = kept.map((blocks) => columnsOf(blocks, schema))
    const encode = await costs('encode ready columns', rows, () => Promise.all(ready.map((columns) => encoded(columns, schema))))
    const files = await Promise.all(ready.map((columns) => encoded(columns, schema)))
    const put = await costs('put the files', rows, () => putAll(bucket, files))

    const floor = fetchFloor + decompress + scanFloor + encode + put
    const own = fetch + decode + encode + put
    const us = (n: number) => n.toFixed(2)
    return {
      title: 'Each step alone, and the floor',
      text: [
        `CPU us a row in one process without Temporal, medians of ${bench.rounds} passes after one that warms the code; fetching over the whole topic, the rest over ${count(rows)} rows in memory. The floor does the least that can be done with the bytes in this runtime: a socket that is read and nothing kept; lz4 as Sluice takes it; a loop that looks at each byte of each value once; and, as nothing cheaper makes the same files, Sluice's own encoding and put of columns that are ready.`,
      ],
      tables: [
        [
          ['step', 'floor', 'Sluice'],
          ['fetch', us(fetchFloor), ''],
          ['decompress', us(decompress), ''],
          ['fetch, checksum, decompress, records', us(fetchFloor + decompress), us(fetch)],
          ['bytes of messages into columns', us(scanFloor), us(decode)],
          ['columns into Parquet', us(encode), us(encode)],
          ['put', us(put), us(put)],
          ['together', us(floor), us(own)],
        ],
      ],
      figures: { floorCpuUs: floor },
    }
  } finally {
    bucket.close()
    await kafka.close()
  }
}

/** Median CPU of some passes in us a row; the first pass does not count. */
function costsOf({ rounds, step }: Bench) {
  return async (what: string, rows: number, pass: () => unknown): Promise<number> => {
    const costs: number[] = []
    for (let i = 0; i <= rounds; i++) {
      const from = process.cpuUsage()
      await pass()
      const { user, system } = process.cpuUsage(from)
      if (i > 0) costs.push((user + system) / rows)
    }
    step(`${what}: ${median(costs).toFixed(2)} us a row`)
    return median(costs)
  }
}

const signal = new AbortController().signal

async function readAll(kafka: KafkaDoor, { identity, partitions }: TopicState): Promise<number> {
  let records = 0
  for (const { partition, low, stable } of partitions) {
    for await (const { blocks } of kafka.read({ topic: identity, partition, from: low, to: stable, signal })) {
      for (const block of blocks) records += block.count
    }
  }
  return records
}

/** The first records of each partition, copied, for the reader may use its memory again. */
async function firstRanges(kafka: KafkaDoor, { identity, partitions }: TopicState, rows: number): Promise<RecordBlock[][]> {
  const ranges: RecordBlock[][] = []
  for (const { partition, low, stable } of partitions) {
    const to = low + BigInt(rows) < stable ? low + BigInt(rows) : stable
    const kept: RecordBlock[] = []
    for await (const { blocks } of kafka.read({ topic: identity, partition, from: low, to, signal })) {
      for (const block of blocks) kept.push(copyOf(block))
    }
    ranges.push(kept)
  }
  return ranges
}

function copyOf(block: RecordBlock): RecordBlock {
  const { offsetDelta, timestamp, keyStart, keyEnd, valueStart, valueEnd } = block
  // Not structuredClone: it would copy all of the memory that the bytes stand in.
  const spans = structuredClone({ offsetDelta, timestamp, keyStart, keyEnd, valueStart, valueEnd })
  return { ...block, ...spans, bytes: new Uint8Array(block.bytes) }
}

function decoderOf() {
  const columns = Object.entries(bookings.columns).map(([name, type]) => ({ name, type }))
  const declared = { columns, key: bookings.key }
  return createDecoder({ placeholder: 'none', table: { schema: 'public', table: 'bookings' }, declared })
}

/** What the first change asks for. */
function schemaOf([block]: readonly RecordBlock[]): TableSchema {
  const event = decoderOf().decode(block!, 0)!
  const { columns, key } = createRowBatch(emptySchema, { epoch: 0, partition: 0 }).need(event)!
  return { columns, key: key ?? [] }
}

/** A range as `carryRange` scans it. */
function columnsOf(blocks: readonly RecordBlock[], schema: TableSchema): readonly ColumnBuilder[] {
  const limits = { maxRows: Number.MAX_SAFE_INTEGER, maxBytes: Number.MAX_SAFE_INTEGER, maxAgeMs: 0, idleWaitMs: 0 }
  const topic = { clusterId: 'bench', topic: 'bench', id: 'bench' }
  // The first event's folder does not matter here: no day comes after this one.
  const job = { table: bookings.name, topic, epoch: 0, partition: 0, base: '0', day: 100_000, from: '0', to: '0', limits }
  const scan = scanRange(job, schema, decoderOf())
  if (scan.take({ blocks, next: 0n })) throw new Error('the range ended early')
  return scan.batch.columns
}

async function encoded(columns: readonly ColumnBuilder[], schema: TableSchema): Promise<Buffer> {
  const parts: Uint8Array[] = []
  const file = await openParquet(fileColumns(schema), (bytes) => Promise.resolve(void parts.push(bytes)))
  await file.writeRowGroup(columns)
  await file.finish({})
  return Buffer.concat(parts)
}

async function putAll(bucket: ObjectStore, files: readonly Buffer[]): Promise<void> {
  for (const file of files) {
    const outcome = await bucket.putIfAbsent(`bench/stages/${randomUUID()}.parquet`, file)
    if (outcome !== 'created') throw new Error('a file stood there already')
  }
}
