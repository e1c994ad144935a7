/** The side of a thread: carries what it is told to, one range beside another, and gives a sign of life while it does. */
import type { MessagePort } from 'node:worker_threads'
import type { Reach } from '../core/failpoints.ts'
import type { KafkaLog } from '../kafka/door.ts'
import type { CarryRange } from './rangeCarrier.ts'
import { failureOf, plainFailure, type FromThread, type ToThread } from './threadMessages.ts'

/** Much more often than the main thread looks. */
const aliveMs = 1_000

/** What a thread may ask of the main one. */
export interface MainThread {
  readonly reach: Reach
  readonly log: KafkaLog
}

export function serveRanges(port: MessagePort, carrierWith: (main: MainThread) => CarryRange): void {
  const cancels = new Map<number, AbortController>()
  const reaching = new Map<number, { resolve: () => void; reject: (error: Error) => void }>()
  let reached = 0
  let signs: NodeJS.Timeout | undefined
  const tell = (message: FromThread): void => port.postMessage(message)
  const say = (level: 'debug' | 'warn') => (message: string, details: Record<string, unknown>) =>
    tell({ kind: 'log', level, message, details })

  const carry = carrierWith({
    reach: (point) =>
      new Promise<void>((resolve, reject) => {
        const id = ++reached
        reaching.set(id, { resolve, reject })
        tell({ kind: 'reach', id, point })
      }),
    log: { debug: say('debug'), warn: say('warn') },
  })

  async function take({ id, range }: ToThread & { kind: 'carry' }): Promise<void> {
    const cancel = new AbortController()
    cancels.set(id, cancel)
    signs ??= setInterval(() => tell({ kind: 'alive' }), aliveMs)
    try {
      tell({ kind: 'carried', id, receipt: await carry(range, cancel.signal) })
    } catch (error) {
      tell({ kind: 'failed', id, failure: plainFailure(error) })
    } finally {
      cancels.delete(id)
      if (cancels.size === 0) {
        clearInterval(signs)
        signs = undefined
      }
    }
  }

  port.on('message', (message: ToThread) => {
    if (message.kind === 'carry') void take(message)
    else if (message.kind === 'cancel') cancels.get(message.id)?.abort(new Error('cancelled'))
    else {
      const { resolve, reject } = reaching.get(message.id)!
      reaching.delete(message.id)
      if (message.failure) reject(failureOf(message.failure))
      else resolve()
    }
  })
}
