import { resolveTable } from '../config/tables.ts'
import { code } from '../core/failures.ts'
import type { ClaimJob } from '../core/jobs.ts'
import { attended } from './attending.ts'
import { claimId, holdClaim } from './claim.ts'
import type { ActivityDeps } from './deps.ts'

/** CDC1003 where another workflow that runs carries this table. */
export function claimTable({ config, claims, reach }: ActivityDeps) {
  return (job: ClaimJob): Promise<void> =>
    attended(async () => {
      await reach('claim.before')
      const { name } = resolveTable(config, job.table)
      await holdClaim(claims, claimId(config.pipeline.name, name), job.carrier, name, code.CarrierExists)
      await reach('claim.after')
    })
}
