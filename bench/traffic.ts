/** Changes at a steady rate, each with the moment at which it was made. */
import { setTimeout as sleep } from 'node:timers/promises'
import { bookings, changesOfBookings } from './messages.ts'
import { openProducer, type OutRecord } from './producer.ts'
import { seed } from './topic.ts'

export interface TrafficPlan {
  readonly brokers: readonly string[]
  readonly topicPrefix: string
  readonly partitions: number
  /** Messages a second, tombstones included. */
  readonly rate: number
}

export interface Traffic {
  readonly topic: string
  /** Resolves when the broker has all that was made; fails where it did not take it. */
  stop(): Promise<void>
}

const tickMs = 50

/** Makes the topic and begins. */
export async function startTraffic({ brokers, topicPrefix, partitions, rate }: TrafficPlan): Promise<Traffic> {
  const topic = `${topicPrefix}.${bookings.name}`
  const producer = openProducer(brokers)
  await producer.createTopic(topic, partitions)
  const clock = () => Math.floor((performance.timeOrigin + performance.now()) * 1000)
  const changes = changesOfBookings({ messages: Infinity, topicPrefix, partitions, schemas: false, seed, clock })
  const startedAt = Date.now()
  let over = false
  const flowing = (async () => {
    for (let sent = 0; !over;) {
      const due = Math.floor(((Date.now() - startedAt) / 1000) * rate)
      sent += (await producer.produce(topic, next(changes, due - sent))).records
      await sleep(tickMs)
    }
  })().finally(() => producer.close())
  flowing.catch(() => undefined)
  return {
    topic,
    async stop() {
      over = true
      await flowing
    },
  }
}

/** The next ones; the generator stays open for those behind them. */
function* next(changes: Generator<OutRecord>, count: number): Generator<OutRecord> {
  for (let i = 0; i < count; i++) yield changes.next().value as OutRecord
}
