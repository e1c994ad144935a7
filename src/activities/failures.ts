/** The one place where a failure becomes Temporal's: type = code, details = [{hint, ...}], no row values, no stack of causes. */
import { ApplicationFailure, CancelledFailure } from '@temporalio/common'
import { CdcFailure } from '../core/failures.ts'

export function toApplicationFailure(error: unknown): Error {
  if (error instanceof CancelledFailure || error instanceof ApplicationFailure) return error
  if (error instanceof CdcFailure) {
    return ApplicationFailure.create({
      message: error.message,
      type: error.code,
      nonRetryable: error.policy !== 'retry',
      details: [{ hint: error.hint, ...error.details }],
    })
  }
  // Messages of libraries may quote what they were given: only the kind of error is told, the log of the worker has the rest.
  const kind = error instanceof Error ? error.name : typeof error
  const errno = typeof (error as { code?: unknown } | null)?.code === 'string' ? ` (${(error as { code: string }).code})` : ''
  return ApplicationFailure.create({
    message: `unexpected ${kind}${errno}; CDC_LOG_LEVEL=debug tells more in the worker's log`,
    type: 'Unexpected',
  })
}
