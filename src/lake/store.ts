/**
 * The few calls that the commit protocol makes on an object store. Keys are relative to the lake's URL.
 * Whatever is not one of the outcomes named here (a lost answer, 409, 5xx, a time-out) throws CDC5001 StoreUnavailable:
 * nobody knows then whether the write took place, and the protocol reads again.
 */
import { CdcFailure, code } from '../core/failures.ts'

/** `created`: these very bytes stand there now. `exists`: something stood there before; it was not touched. */
export type PutOutcome = 'created' | 'exists'

export interface StoredObject {
  readonly key: string
  readonly size: number
}

export interface ObjectStore {
  /** Large uploads go up in parts; else each is one put, held in memory until then. */
  readonly multipart: boolean
  /** The whole object; null where the store says that there is none. */
  get(key: string): Promise<Uint8Array | null>
  head(key: string): Promise<{ readonly size: number } | null>
  /** One atomic write under `If-None-Match: *`, never repeated by the adapter itself. */
  putIfAbsent(key: string, bytes: Uint8Array): Promise<PutOutcome>
  /** A streamed write, conditional at its completion. `multipart` asks for parts even where one put would do (the probe). */
  upload(key: string, options?: { readonly multipart?: boolean }): Upload
  /** Ascending by key (by its UTF-8 bytes), beginning behind `after`. */
  list(prefix: string, after?: string): AsyncIterable<StoredObject>
  /** For the probe's own objects only. */
  delete(key: string): Promise<void>
  /** The same store, whose calls end when `signal` aborts. */
  bound(signal: AbortSignal): ObjectStore
}

export interface Upload {
  /** Takes the bytes over: they must not be changed afterwards. Waits while too many parts are under way. */
  write(bytes: Uint8Array): Promise<void>
  complete(): Promise<PutOutcome>
  /** Gives up and cleans up, best effort; never throws. Harmless after `complete`. */
  abort(): Promise<void>
}

export function isUnknownOutcome(error: unknown): error is CdcFailure {
  return error instanceof CdcFailure && error.code === code.StoreUnavailable
}

/** A conditional write whose lost answer is an outcome of its own. */
export async function outcomeOf(write: Promise<PutOutcome>): Promise<PutOutcome | CdcFailure> {
  try {
    return await write
  } catch (error) {
    if (isUnknownOutcome(error)) return error
    throw error
  }
}
