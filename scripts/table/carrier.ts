/** Finds the workflow that carries a table, by its claim: a table may have been started under any workflow id. */
import type { Control } from '../../src/config/sections.ts'
import { claimId } from '../../src/activities/claim.ts'
import { temporalClaims } from '../../src/workers/claims.ts'
import { Finding } from './finding.ts'
import { describe, type Temporal } from './temporal.ts'

export type Found =
  | { readonly kind: 'carried'; readonly workflowId: string }
  /** Nobody holds the claim, or its holder has ended in this state. */
  | { readonly kind: 'ended'; readonly workflowId: string; readonly state: string }
  | { readonly kind: 'never' }

/** Of the workflow that `start` begins. */
export function workflowIdOf({ pipeline }: Control, table: string): string {
  return `tableCdc/${pipeline}/${table}`
}

export async function findCarrier(temporal: Temporal, control: Control, table: string): Promise<Found> {
  const claims = temporalClaims(temporal.connection, temporal.namespace, control.taskQueue)
  const claim = await claims.describe(claimId(control.pipeline, table))
  // Started by us, and no worker has come to claim the table yet.
  const ours = workflowIdOf(control, table)
  if (!claim?.running && (await describe(temporal, ours))?.running) return { kind: 'carried', workflowId: ours }
  if (!claim?.holder) return { kind: 'never' }
  const { workflowId, firstRunId } = claim.holder
  const holder = await describe(temporal, workflowId)
  const same = holder?.firstRunId === firstRunId
  if (claim.running && same && holder.running) return { kind: 'carried', workflowId }
  return { kind: 'ended', workflowId, state: same ? holder.state : 'GONE' }
}

/** The id of the workflow that carries the table, or a finding that says what to do. */
export async function carrierOf(temporal: Temporal, control: Control, table: string): Promise<string> {
  const found = await findCarrier(temporal, control, table)
  if (found.kind === 'carried') return found.workflowId
  const hint = `Start it: npm run table -- start ${table}. It goes on where the table in the lake ends.`
  if (found.kind === 'never') {
    throw new Finding(`${table} is not carried: no workflow has claimed it in pipeline ${control.pipeline}.`, { hint })
  }
  throw new Finding(`${table} is not carried any more: ${found.workflowId} ${endings[found.state] ?? `is ${found.state}`}.`, {
    hint,
  })
}

const endings: Readonly<Record<string, string>> = {
  COMPLETED: 'was stopped',
  FAILED: 'failed',
  TERMINATED: 'was terminated',
  CANCELLED: 'was cancelled',
  TIMED_OUT: 'timed out',
  RUNNING: 'has given the table up',
  GONE: 'has ended',
}

/** Tables of the pipeline that somebody claims, by name. From visibility, which may lag by a second. */
export async function claimedTables(temporal: Temporal, pipeline: string): Promise<string[]> {
  const prefix = claimId(pipeline, '')
  const tables: string[] = []
  const query = "WorkflowType = 'tableClaim' AND ExecutionStatus = 'Running'"
  for await (const { workflowId } of temporal.client.workflow.list({ query })) {
    if (workflowId.startsWith(prefix)) tables.push(workflowId.slice(prefix.length))
  }
  return tables.sort()
}
