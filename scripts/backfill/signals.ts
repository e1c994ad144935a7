/** The topic of the signal table: what the connector does about a signal shows there. */
import { CdcFailure, code } from '../../src/core/failures.ts'
import type { KafkaDoor } from '../../src/kafka/door.ts'
import { recordsOf } from '../topics/records.ts'
import { signalTable } from './database.ts'

export interface Signals {
  /** What came about the signal since the last call: anything at all, and the signal itself, read as the last row of all. */
  next(id: string): Promise<{ readonly heard: boolean; readonly done: boolean }>
}

/** From here on. The topic may not be there yet: its first record makes it. */
export async function signalsFromHere(kafka: KafkaDoor, topicPrefix: string): Promise<Signals> {
  const topic = `${topicPrefix}.${signalTable}`
  const places = new Map((await lookAt(kafka, topic))?.partitions.map(({ partition, stable }) => [partition, stable]))
  return {
    async next(id) {
      let [heard, done] = [false, false]
      const state = await lookAt(kafka, topic)
      if (state === null) return { heard, done }
      for await (const { value } of recordsOf(kafka, state, AbortSignal.timeout(30_000), places)) {
        if (!value?.includes(id)) continue
        const record = JSON.parse(value.toString()) as Change & { readonly payload?: Change }
        const { op, after } = record.payload ?? record
        heard = true
        done ||= op === 'r' && after?.id === id
      }
      for (const { partition, stable } of state.partitions) places.set(partition, stable)
      return { heard, done }
    },
  }
}

interface Change {
  readonly op: string
  readonly after: { readonly id: string } | null
}

async function lookAt(kafka: KafkaDoor, topic: string) {
  try {
    return await kafka.describe(topic)
  } catch (error) {
    if (error instanceof CdcFailure && error.code === code.TopicMissing) return null
    throw error
  }
}
