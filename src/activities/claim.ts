/**
 * One carrier a table (DESIGN §3). The claim is a workflow of a known id whose memo names its holder; only one start of an id
 * can win. A claim whose holder no longer runs is ended, exactly that run of it, and taken.
 */
import { CdcFailure, type FailureCode } from '../core/failures.ts'
import type { Carrier } from '../core/jobs.ts'
import type { Claims } from './deps.ts'

export function claimId(pipeline: string, table: string): string {
  return `tableClaim/${pipeline}/${table}`
}

/** Holds the claim afterwards, or throws `lost` naming the holder. Safe to call again: finding one's own claim is success. */
export async function holdClaim(claims: Claims, id: string, me: Carrier, table: string, lost: FailureCode): Promise<void> {
  for (let attempt = 1; attempt <= 20; attempt++) {
    const claim = await claims.describe(id)
    if (!claim?.running) {
      if (await claims.start(id, me)) return
      continue
    }
    const { holder, runId } = claim
    if (holder && isSame(holder, me)) return
    if (holder && (await claims.runningFirstRunId(holder.workflowId)) === holder.firstRunId) {
      throw new CdcFailure(lost, `${table} is carried by workflow ${holder.workflowId} (first run ${holder.firstRunId})`, {
        details: { holder },
      })
    }
    await claims.terminate(id, runId, `its holder ${holder?.workflowId ?? '(unnamed)'} no longer runs; taken by ${me.workflowId}`)
  }
  throw new Error('the claim changed hands twenty times')
}

export async function giveUpClaim(claims: Claims, id: string, me: Carrier): Promise<void> {
  const claim = await claims.describe(id)
  if (claim?.running && claim.holder && isSame(claim.holder, me)) {
    await claims.terminate(id, claim.runId, `released by ${me.workflowId}`)
  }
}

function isSame(a: Carrier, b: Carrier): boolean {
  return a.workflowId === b.workflowId && a.firstRunId === b.firstRunId
}
