import { log, activityInfo } from '@temporalio/activity'
import { resolveTable } from '../config/tables.ts'
import type { ResolvedTable } from '../config/config.ts'
import { rangesText } from '../core/batchPlan.ts'
import type { CommitJob, Committed } from '../core/jobs.ts'
import { parseOffset } from '../core/offsets.ts'
import type { Receipt } from '../core/receipts.ts'
import { fenced } from '../core/verdict.ts'
import { attended, provenance } from './attending.ts'
import type { ActivityDeps, LakeSnapshot } from './deps.ts'
import { mirror } from './mirror.ts'

/**
 * The commit point is the log entry that `lake.commit` puts. Schema entries follow it, before the next write may begin; what
 * comes after is best effort and never in the way (DESIGN §4.11).
 */
export function commitOffsets(deps: ActivityDeps) {
  return (job: CommitJob): Promise<Committed> =>
    attended(async (signal) => {
      const { lake, reach } = deps
      const table = resolveTable(deps.config, job.table)
      const started = Date.now()
      let snapshot = await lake.commit(table, job.epoch, job.receipts, provenance(), signal)
      if (snapshot.epoch !== job.epoch) throw fenced(job.epoch, snapshot.epoch)
      const { version } = snapshot
      for (const { growth } of job.receipts) {
        if (growth) snapshot = await lake.grow(table, growth, provenance(), signal)
      }
      const done = resultOf(job.receipts, version, snapshot)
      logCommit(table, job, done, Date.now() - started)
      await reach('commit.beforeMirror')
      mirror(deps, table, snapshot.positions)
      await reach('commit.afterMirror')
      return done
    })
}

/** Counts what the log now stands behind: receipts that another carrier's link had overtaken are not counted. */
function resultOf(receipts: readonly Receipt[], version: number, snapshot: LakeSnapshot): Committed {
  const at = new Map(snapshot.positions.map((p) => [p.partition, parseOffset(p.base)]))
  const links = receipts.flatMap((r) => (r.link && (at.get(r.partition) ?? 0n) >= parseOffset(r.next) ? [r.link] : []))
  const times = links.flatMap((l) => (l.stats?.maxSourceTs ? [BigInt(l.stats.maxSourceTs)] : []))
  return {
    version,
    positions: snapshot.positions,
    rows: links.reduce((sum, l) => sum + l.rows, 0),
    bytes: links.reduce((sum, l) => sum + l.bytes, 0),
    quarantined: links.reduce((sum, l) => sum + (l.quarantine?.records ?? 0), 0),
    newestSourceTs: times.length === 0 ? null : times.reduce((a, b) => (a > b ? a : b)).toString(),
  }
}

function logCommit(table: ResolvedTable, job: CommitJob, done: Committed, durationMs: number): void {
  const links = job.receipts.flatMap(({ link }) => (link ? [link] : []))
  const replayed = links.reduce((sum, { order }) => sum + (order?.replayed ?? 0), 0)
  const resnapshot = links.reduce((sum, { order }) => sum + (order?.resnapshot ?? 0), 0)
  log.info('committed', {
    table: table.name,
    ranges: rangesText(job.receipts.map((r) => ({ partition: r.partition, from: r.base, to: r.next }))),
    rows: done.rows,
    bytes: done.bytes,
    adopted: job.receipts.filter((r) => r.adopted).length,
    replayed,
    resnapshot,
    quarantined: done.quarantined,
    version: done.version,
    attempt: activityInfo().attempt,
    durationMs,
  })
  if (done.quarantined) {
    log.warn('records of which no row could be made went to quarantine: npm run quarantine lists them', {
      table: table.name,
      quarantined: done.quarantined,
    })
  }
  if (replayed > 0) {
    log.warn('changes came again, or the database went back: the connector has no exactly-once support, or was set back', {
      table: table.name,
      replayed,
    })
  }
  if (resnapshot > 0) {
    log.warn('a new snapshot came after streaming had begun: rows deleted in between have no delete (docs/events.md)', {
      table: table.name,
      resnapshot,
    })
  }
}
