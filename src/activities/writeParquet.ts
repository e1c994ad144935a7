import { activityInfo } from '@temporalio/activity'
import { resolveTable } from '../config/tables.ts'
import type { WriteJob } from '../core/jobs.ts'
import type { Receipt } from '../core/receipts.ts'
import { withChoices } from '../core/verdict.ts'
import { attended } from './attending.ts'
import type { ActivityDeps } from './deps.ts'

/** Carries one range; may stop early, so `next <= to`. */
export function writeParquet({ config, carry, reach }: ActivityDeps) {
  return (job: WriteJob): Promise<Receipt> =>
    attended(async (signal) => {
      await reach('write.before')
      try {
        return await carry({ ...job, table: resolveTable(config, job.table) }, activityInfo().attempt, signal)
      } catch (error) {
        throw withChoices(error, { ...job, topicId: job.topic.id })
      }
    })
}
