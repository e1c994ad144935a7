/**
 * The loop that one writes first, of the same packages: eachMessage, JSON.parse, appendRow, PutObject. Its plan is the one argument, as
 * JSON; it says `ready`, waits for a line, carries all and says `done`. It keeps no promise of what happens when it dies.
 */
import { once } from 'node:events'
import { PutObjectCommand, S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import { ParquetSchema, ParquetWriter } from '@dsnp/parquetjs'
import kafkajs from 'kafkajs'
import lz4 from 'lz4-napi'

const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = kafkajs

export interface NaivePlan {
  readonly brokers: string[]
  readonly topic: string
  readonly messages: number
  readonly s3: S3ClientConfig
  readonly bucket: string
  readonly key: string
}

interface Change {
  readonly before: Readonly<Record<string, unknown>> | null
  readonly after: Readonly<Record<string, unknown>> | null
  readonly op: string
  readonly source: { readonly ts_us: number }
}

const optional = true
const compression = 'SNAPPY'
const schema = new ParquetSchema({
  booking_id: { type: 'INT64', compression },
  customer_id: { type: 'INT64', optional, compression },
  flight_id: { type: 'INT32', optional, compression },
  price: { type: 'UTF8', optional, compression },
  seat: { type: 'UTF8', optional, compression },
  booked_at: { type: 'UTF8', optional, compression },
  status: { type: 'UTF8', optional, compression },
  departs_at: { type: 'UTF8', optional, compression },
  operates_on: { type: 'UTF8', optional, compression },
  paid: { type: 'BOOLEAN', optional, compression },
  weight: { type: 'DOUBLE', optional, compression },
  note: { type: 'UTF8', optional, compression },
  __op: { type: 'UTF8', compression },
  __source_ts: { type: 'INT64', compression },
})

async function carry({ brokers, topic, messages, s3, bucket, key }: NaivePlan): Promise<void> {
  CompressionCodecs[CompressionTypes.LZ4] = () => ({
    compress: ({ buffer }: { buffer: Buffer }) => Promise.resolve(lz4.compressFrameSync(buffer)),
    decompress: (bytes: Buffer) => Promise.resolve(lz4.decompressFrameSync(bytes)),
  })
  const consumer = new Kafka({ brokers, logLevel: logLevel.NOTHING }).consumer({ groupId: `naive-${key}` })
  const chunks: Buffer[] = []
  const sink = {
    write: (bytes: Buffer, done: (error?: Error | null) => void) => (chunks.push(bytes), done()),
    end: (done: (error?: Error | null) => void) => done(),
  }
  const writer = await ParquetWriter.openStream(schema, sink as never)
  let seen = 0
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await new Promise<void>((resolve, reject) => {
    consumer
      .run({
        partitionsConsumedConcurrently: 1,
        eachMessage: async ({ message: { value } }) => {
          if (value !== null) {
            const { before, after, op, source } = JSON.parse(value.toString()) as Change
            const row = Object.entries((after ?? before)!).filter(([, field]) => field !== null)
            await writer.appendRow({ ...Object.fromEntries(row), __op: op, __source_ts: source.ts_us })
          }
          if (++seen === messages) resolve()
        },
      })
      .catch(reject)
  })
  await writer.close()
  const store = new S3Client(s3)
  await store.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: Buffer.concat(chunks) }))
  store.destroy()
  await consumer.disconnect()
}

console.log('ready')
await once(process.stdin, 'data')
await carry(JSON.parse(process.argv[2]!) as NaivePlan)
console.log('done')
// Until it has been measured.
await once(process.stdin, 'end')
