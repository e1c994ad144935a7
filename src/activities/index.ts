import { claimTable } from './claimTable.ts'
import { commitOffsets } from './commitOffsets.ts'
import type { ActivityDeps } from './deps.ts'
import { openTable } from './openTable.ts'
import { pollBatch } from './pollBatch.ts'
import { releaseClaim } from './releaseClaim.ts'
import { writeParquet } from './writeParquet.ts'

export function createActivities(deps: ActivityDeps) {
  return {
    claimTable: claimTable(deps),
    releaseClaim: releaseClaim(deps),
    openTable: openTable(deps),
    pollBatch: pollBatch(deps),
    writeParquet: writeParquet(deps),
    commitOffsets: commitOffsets(deps),
  }
}

export type Activities = ReturnType<typeof createActivities>
