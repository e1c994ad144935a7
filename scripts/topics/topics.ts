/** `npm run topics`: the topics of the pipeline, their partitions and what they hold now. */
import { Kafka, logLevel, type SASLOptions } from 'kafkajs'
import { topicsOfProcess } from '../../src/config/process.ts'
import type { Topics } from '../../src/config/sections.ts'
import { Finding } from '../table/finding.ts'
import { answered, misused, wordsOf, type Output } from '../table/output.ts'
import { grid } from '../table/screens.ts'

const usage = `usage: npm run topics [-- --json]

Lists the topics of the pipeline (CDC_TOPIC_PREFIX) at CDC_KAFKA_BROKERS: the offsets from which and up to which each partition
holds records. Offsets count the marks of transactions too, so they run ahead of the number of changes.

Exit codes: 0 fine, 1 a finding or a failure, 2 wrong use.`

export async function topics(args: readonly string[], json: boolean): Promise<Output> {
  const words = wordsOf(args, 'topics', usage, json)
  if ('exit' in words) return words
  if (words.length > 0) return misused(`unexpected: ${words.join(' ')}`, usage, json)
  const settings = topicsOfProcess()
  const found = await partitionsOf(settings)
  if (found.length === 0) {
    throw new Finding(`There are no topics ${settings.topicPrefix}.* at ${settings.kafka.brokers.join(', ')}.`, {
      hint: 'Register the connector: it makes them with the first rows.',
    })
  }
  const head = ['topic', 'partition', 'from', 'up to']
  const rows = found.map(({ topic, partition, low, high }) => [topic, String(partition), low, high])
  return answered(
    { exit: 0, text: grid([head, ...rows], ['partition', 'from', 'up to']), json: { partitions: found } },
    'topics',
    json,
  )
}

interface Partition {
  readonly topic: string
  readonly partition: number
  readonly low: string
  readonly high: string
}

async function partitionsOf({ topicPrefix, kafka }: Topics): Promise<Partition[]> {
  const { brokers, tls, sasl } = kafka
  const ssl = typeof tls === 'boolean' ? tls : { ca: tls.ca, cert: tls.cert, key: tls.key, servername: tls.serverName }
  const client = new Kafka({
    clientId: 'sluice-topics',
    brokers: [...brokers],
    ssl,
    ...(sasl ? { sasl: sasl as SASLOptions } : {}),
    logLevel: logLevel.NOTHING,
    retry: { retries: 1 },
  })
  const admin = client.admin()
  try {
    await admin.connect()
    const names = (await admin.listTopics()).filter((name) => name.startsWith(`${topicPrefix}.`)).sort()
    const each = names.map(async (topic) => {
      const offsets = await admin.fetchTopicOffsets(topic)
      return offsets
        .map(({ partition, low, high }) => ({ topic, partition, low, high }))
        .sort((a, b) => a.partition - b.partition)
    })
    return (await Promise.all(each)).flat()
  } catch (error) {
    throw new Finding(`Kafka cannot be asked at ${brokers.join(', ')}: ${(error as Error).message}`)
  } finally {
    await admin.disconnect().catch(() => undefined)
  }
}
