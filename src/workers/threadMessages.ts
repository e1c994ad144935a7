/** What the main thread and those that carry ranges say to each other: plain values, never rows. */
import type { Failpoint } from '../core/failpoints.ts'
import { CdcFailure, isFailureCode } from '../core/failures.ts'
import type { Receipt } from '../core/receipts.ts'
import type { Range } from './rangeCarrier.ts'

export type ToThread =
  | { readonly kind: 'carry'; readonly id: number; readonly range: Range }
  | { readonly kind: 'cancel'; readonly id: number }
  /** The answer to `reach`. */
  | { readonly kind: 'reached'; readonly id: number; readonly failure?: PlainFailure }

export type FromThread =
  | { readonly kind: 'carried'; readonly id: number; readonly receipt: Receipt }
  | { readonly kind: 'failed'; readonly id: number; readonly failure: PlainFailure }
  /** Asks what an armed failpoint does: the main thread counts for the whole process. */
  | { readonly kind: 'reach'; readonly id: number; readonly point: Failpoint }
  | {
      readonly kind: 'log'
      readonly level: 'debug' | 'warn'
      readonly message: string
      readonly details: Record<string, unknown>
    }
  | { readonly kind: 'alive' }

/** An error as it crosses the border: a structured clone would keep neither code nor hint. */
export interface PlainFailure {
  readonly name: string
  readonly message: string
  readonly stack: string | undefined
  /** Ours, or that of Node and the libraries. */
  readonly code: string | undefined
  readonly hint?: string
  readonly details?: Readonly<Record<string, unknown>>
  readonly cause?: PlainFailure
}

export function plainFailure(error: unknown): PlainFailure {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), stack: undefined, code: undefined }
  const { name, message, stack, cause } = error
  const code = (error as { code?: unknown }).code
  return {
    name,
    message,
    stack,
    code: typeof code === 'string' ? code : undefined,
    ...(error instanceof CdcFailure ? { hint: error.hint, details: error.details } : {}),
    ...(cause instanceof Error ? { cause: plainFailure(cause) } : {}),
  }
}

/** The failure with the stack of where it happened. */
export function failureOf(plain: PlainFailure): Error {
  const { name, message, stack, code, hint, details } = plain
  const options = plain.cause && { cause: failureOf(plain.cause) }
  if (hint !== undefined && isFailureCode(code)) {
    const failure = new CdcFailure(code, message.slice(code.length + 1), { hint, details: { ...details }, ...options })
    return Object.assign(failure, stack === undefined ? {} : { stack })
  }
  return Object.assign(new Error(message, options), { name, stack }, code === undefined ? {} : { code })
}
