/** The topic of the signal table: what the connector does about a signal shows there. */
import { Buffer } from 'node:buffer'
import { CdcFailure, code } from '../../src/core/failures.ts'
import type { KafkaDoor } from '../../src/kafka/door.ts'
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
      for (const { partition, low, stable } of state?.partitions ?? []) {
        const range = { topic: state!.identity, partition, from: places.get(partition) ?? low, to: stable }
        for await (const { blocks } of kafka.read({ ...range, signal: AbortSignal.timeout(30_000) })) {
          for (const { bytes, count, valueStart, valueEnd } of blocks) {
            for (let i = 0; i < count; i++) {
              if (valueStart[i]! < 0) continue
              const value = Buffer.from(bytes.subarray(valueStart[i], valueEnd[i])).toString()
              if (!value.includes(id)) continue
              const record = JSON.parse(value) as Change & { readonly payload?: Change }
              const { op, after } = record.payload ?? record
              heard = true
              done ||= op === 'r' && after?.id === id
            }
          }
        }
        places.set(partition, stable)
      }
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
