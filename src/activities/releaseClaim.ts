import { resolveTable } from '../config/tables.ts'
import type { ClaimJob } from '../core/jobs.ts'
import { attended } from './attending.ts'
import { claimId, giveUpClaim } from './claim.ts'
import type { ActivityDeps } from './deps.ts'

/** Ends the claim if it is one's own; another's is left alone. */
export function releaseClaim({ config, claims }: ActivityDeps) {
  return (job: ClaimJob): Promise<void> =>
    attended(() => giveUpClaim(claims, claimId(config.pipeline.name, resolveTable(config, job.table).name), job.carrier))
}
