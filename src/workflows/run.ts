/** One run of a table: its state and the wishes of the people who sent messages. Handlers set wishes, the loop obeys. */
import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow'
import { defineSearchAttributeKey, type SearchAttributeUpdatePair } from '@temporalio/common'
import type { BatchLimits, PartitionEnd } from '../core/batchPlan.ts'
import type { Barrier } from '../core/growth.ts'
import type { OpenedTable, ResumeDecision } from '../core/jobs.ts'
import { changed, healthOf, newState, statusOf, type TableState, type TableStatus } from '../core/tableState.ts'

export interface Flush {
  /** The first poll that began after the call tells what was readable; until then null. */
  ends: readonly PartitionEnd[] | null
}

export interface Resume {
  readonly decision: ResumeDecision | null
  /** The table was opened with it: it stands in the log, or the table is parked since it was refused. */
  taken: boolean
}

export interface Run {
  /** As the user wrote it. */
  readonly table: string
  state: TableState
  opened: OpenedTable | null
  /** Where old partitions have to be before new ones are admitted; read anew where it is not known. */
  barrier: Barrier | null
  readonly flushes: Set<Flush>
  stopWished: boolean
  resumeWished: Resume | null
  /** Paused, with nothing in flight. */
  resting: boolean
  shownHealth: string | null
  shownLagSeconds: number | null
}

export function newRun(table: string, state: TableState | undefined): Run {
  return {
    table,
    state: state ?? newState(now()),
    opened: null,
    barrier: null,
    flushes: new Set(),
    stopWished: false,
    resumeWished: null,
    resting: false,
    shownHealth: null,
    shownLagSeconds: null,
  }
}

export function now(): string {
  return new Date().toISOString()
}

export function change(run: Run, part: Partial<TableState>): void {
  run.state = changed(run.state, part, now())
  show(run)
}

/** The config's limits, with `setLimits` over them. */
export function limitsOf(run: Run): BatchLimits | null {
  return run.opened ? { ...run.opened.limits, ...run.state.limits } : null
}

export function status(run: Run): TableStatus {
  return statusOf(run.opened?.table ?? run.table, run.state, limitsOf(run))
}

const cdcTable = defineSearchAttributeKey('CdcTable', 'KEYWORD')
const cdcHealth = defineSearchAttributeKey('CdcHealth', 'KEYWORD')
const cdcLagSeconds = defineSearchAttributeKey('CdcLagSeconds', 'INT')

/** Details cost no history; attributes cost an event, so only a change is sent, and of the lag only one that matters. */
export function show(run: Run, lagSeconds: number | null = null): void {
  setCurrentDetails(details(status(run)))
  if (!run.opened?.searchAttributes) return
  const updates: SearchAttributeUpdatePair[] = []
  const health = healthOf(run.state)
  if (run.shownHealth !== health) {
    if (run.shownHealth === null) updates.push({ key: cdcTable, value: run.opened.table })
    updates.push({ key: cdcHealth, value: health })
    run.shownHealth = health
  }
  if (lagSeconds !== null && (run.shownLagSeconds === null || Math.abs(lagSeconds - run.shownLagSeconds) >= 10)) {
    updates.push({ key: cdcLagSeconds, value: lagSeconds })
    run.shownLagSeconds = lagSeconds
  }
  if (updates.length > 0) upsertSearchAttributes(updates)
}

function details(at: TableStatus): string {
  const lines = [`**${at.table}** is **${at.health}** since ${at.since}`]
  if (at.block) lines.push(`\`${at.block.code}\` ${at.block.message}`, `What to do: ${at.block.hint}`)
  const commit = at.lastCommit ? `version ${at.lastCommit.version} at ${at.lastCommit.at}` : 'none yet'
  lines.push(
    `- last commit: ${commit}`,
    `- carried: ${at.rows} rows in ${at.batches} batches, ${at.bytes} bytes`,
    `- behind: ${at.lag.records} records`,
  )
  if (at.quarantined > 0) lines.push(`- in quarantine: ${at.quarantined} records`)
  if (at.lag.held > 0) lines.push(`- held back by an open transaction: ${at.lag.held} records since ${at.lag.heldSince}`)
  const ends = at.positions.map((p) => `${p.partition}: ${p.base}${p.seen === p.base ? '' : ` (seen ${p.seen})`}`)
  if (ends.length > 0) lines.push(`- positions: ${ends.join(', ')}`)
  return lines.join('\n\n').replaceAll('\n\n- ', '\n- ')
}
