/**
 * How each activity is called. Retries are for ever, 1 s to 15 s apart so that what was away is soon used again, except for what
 * core/failures.ts says retrying cannot mend.
 */
import { ActivityCancellationType, proxyActivities, type ActivityOptions } from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'
import { failureRules } from '../core/failures.ts'

const retry = {
  initialInterval: '1 s',
  backoffCoefficient: 2,
  maximumInterval: '15 s',
  nonRetryableErrorTypes: Object.entries(failureRules)
    .filter(([, rule]) => rule.policy !== 'retry')
    .map(([code]) => code),
} satisfies ActivityOptions['retry']

/** How long a dead worker's work waits for another; activities beat every two seconds, and five at most are held back. */
const heartbeatTimeout = '10 s'

export const { claimTable } = proxyActivities<Activities>({ startToCloseTimeout: '30 s', heartbeatTimeout, retry })

/** Best effort: whoever starts next takes the claim of a holder that no longer runs. */
export const { releaseClaim } = proxyActivities<Activities>({
  startToCloseTimeout: '10 s',
  scheduleToCloseTimeout: '30 s',
  retry,
})

export const { openTable, writeParquet, commitOffsets } = proxyActivities<Activities>({
  startToCloseTimeout: '15 min',
  heartbeatTimeout,
  retry,
})

/** A poll only reads, so nobody waits until a cancelled one has stopped: pause, flush and stop answer at once. */
export const { pollBatch } = proxyActivities<Activities>({
  startToCloseTimeout: '10 min',
  heartbeatTimeout,
  cancellationType: ActivityCancellationType.TRY_CANCEL,
  retry,
})
