/** What an answer of S3 means to the protocol: an outcome, or CDC5001 where nobody knows (store.ts). */
import { CdcFailure, code } from '../core/failures.ts'
import type { PutOutcome } from './store.ts'

export async function created(signal: AbortSignal | undefined, what: string, write: Promise<unknown>): Promise<PutOutcome> {
  try {
    await write
    return 'created'
  } catch (error) {
    if (statusOf(error) === 412) return 'exists'
    return unavailable(signal, what, error)
  }
}

export async function asking<T>(signal: AbortSignal | undefined, what: string, call: Promise<T>): Promise<T> {
  return await call.catch((error: unknown) => unavailable(signal, what, error))
}

/** A missing bucket is not a missing object: only the latter is an answer. */
export async function orNull<T>(signal: AbortSignal | undefined, what: string, call: () => Promise<T>): Promise<T | null> {
  try {
    return await call()
  } catch (error) {
    if (statusOf(error) === 404 && nameOf(error) !== 'NoSuchBucket') return null
    return unavailable(signal, what, error)
  }
}

function unavailable(signal: AbortSignal | undefined, what: string, error: unknown): never {
  if (signal?.aborted) throw signal.reason
  const status = statusOf(error)
  throw new CdcFailure(
    code.StoreUnavailable,
    `${what}: ${nameOf(error)}${status === undefined ? ` (${messageOf(error)})` : ` (${status})`}`,
    {
      cause: error,
    },
  )
}

function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode
}

/** Connection refused and the like; an answer's own message stays in the cause. */
function messageOf(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'unknown'
}
