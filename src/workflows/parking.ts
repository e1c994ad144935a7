/** What becomes of a failed activity: the table is parked, or the execution closes with the failure itself. */
import { ActivityFailure, ApplicationFailure } from '@temporalio/workflow'
import { CdcFailure, failureRules, isFailureCode } from '../core/failures.ts'
import type { Block } from '../core/tableState.ts'

/** The block to wait in, or null where parking is not the answer (cancelled, policy `fail`, a bug of the workflow's own). */
export function blockOf(error: unknown, since: string): Block | null {
  if (!(error instanceof ActivityFailure) || !(error.cause instanceof ApplicationFailure)) return null
  const { type, message, details } = error.cause
  if (!isFailureCode(type)) {
    const hint = 'This failure has no code of its own: mend what the message names, then resume.'
    return { code: 'unknown', message, hint, details: {}, since }
  }
  const rule = failureRules[type]
  if (rule.policy !== 'park') return null
  const { hint, ...rest } = (details?.[0] ?? {}) as { hint?: string }
  return { code: type, message, hint: hint ?? rule.hint, details: rest, since }
}

/** The failure to close with: the cause, since Temporal's tools print only "Activity task failed" for its wrapper. */
export function causeOf(error: unknown): unknown {
  if (error instanceof ActivityFailure && error.cause instanceof ApplicationFailure) return error.cause
  if (error instanceof CdcFailure) {
    return ApplicationFailure.nonRetryable(error.message, error.code, { hint: error.hint, ...error.details })
  }
  return error
}
