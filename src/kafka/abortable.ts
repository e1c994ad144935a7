/** Waiting that ends: with the caller's signal, at once, or after a while. */
import { CdcFailure, code } from '../core/failures.ts'

/** `promise`, or the signal's reason as soon as it is aborted; what `promise` does later is no longer looked at. */
export function abortable<T>(promise: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (!signal) return promise
  return new Promise<T>((resolve, reject) => {
    const stop = (): void => reject(reasonOf(signal))
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}

export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const elapsed = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  return abortable(elapsed, signal).finally(() => clearTimeout(timer))
}

export interface Patience {
  /** How long to go on trying, ms. */
  readonly patienceMs: number
  readonly signal?: AbortSignal | undefined
}

/** Tries again, ever more slowly, for as long as Kafka is merely unavailable (CDC2001); then lets the last failure through. */
export async function persist<T>(attempt: (tries: number) => Promise<T>, { patienceMs, signal }: Patience): Promise<T> {
  const deadline = Date.now() + patienceMs
  for (let tries = 0; ; tries++) {
    try {
      return await attempt(tries)
    } catch (error) {
      const delay = Math.min(2_000, 50 * 2 ** tries)
      if (signal?.aborted || !isUnavailable(error) || Date.now() + delay > deadline) throw error
      await pause(delay, signal)
    }
  }
}

export function isUnavailable(error: unknown): boolean {
  return error instanceof CdcFailure && error.code === code.KafkaUnavailable
}

function reasonOf(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error('aborted', { cause: signal.reason })
}
