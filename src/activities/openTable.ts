import { resolveTable } from '../config/tables.ts'
import { columnDecision } from '../core/decisions.ts'
import { CdcFailure, code } from '../core/failures.ts'
import type { OpenedTable, OpenJob } from '../core/jobs.ts'
import { attended, provenance } from './attending.ts'
import type { ActivityDeps } from './deps.ts'
import { mirror } from './mirror.ts'

/** Begins a run: the position is the log's, after links that were written and never committed; limits are the config's. */
export function openTable(deps: ActivityDeps) {
  const { config, kafka, lake, reach } = deps
  return (job: OpenJob): Promise<OpenedTable> =>
    attended(async (signal) => {
      await reach('open.before')
      const table = resolveTable(config, job.table)
      const look = () => kafka.describe(table.topic, signal)
      const topic = await look()
      await requireWholeLog(kafka, table.topic, signal)
      const opened = await lake.open(table, topic, { decision: job.decision, look }, provenance(), signal)
      const columns = columnDecision(job.decision)
      const decided = columns === null ? opened : await lake.decide(table, columns, provenance(), signal)
      const { version, epoch, topic: bound, positions } = decided
      mirror(deps, table, positions)
      await reach('open.after')
      return {
        table: table.name,
        topic: bound,
        epoch,
        version,
        positions,
        limits: table.limits,
        batchesPerRun: config.temporal.batchesPerRun,
        searchAttributes: config.temporal.searchAttributes,
      }
    })
}

/** Compaction takes away changes that were not carried yet, and with them deletes (SEMANTICS R1.25). */
async function requireWholeLog(kafka: ActivityDeps['kafka'], topic: string, signal: AbortSignal): Promise<void> {
  const policy = await kafka.cleanupPolicy(topic, signal)
  if (policy === 'delete') return
  throw new CdcFailure(code.CompactedTopic, `topic ${topic} has cleanup.policy=${policy}`, { details: { topic, policy } })
}
