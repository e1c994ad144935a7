/** What the activities need of the other rooms: each interface holds just the calls that are made. Composed in workers/deps.ts. */
import type { Config, ResolvedTable } from '../config/config.ts'
import type { ColumnDecision } from '../core/decisions.ts'
import type { Barrier } from '../core/growth.ts'
import type { Reach } from '../core/failpoints.ts'
import type { Carrier, ResumeDecision, WriteJob } from '../core/jobs.ts'
import type { Growth, Position, Receipt } from '../core/receipts.ts'
import type { TopicIdentity, TopicState } from '../core/records.ts'
import type { TableSchema } from '../core/schema.ts'

export interface Kafka {
  describe(topic: string, signal: AbortSignal): Promise<TopicState>
  /** `delete`, `compact` or `compact,delete`. */
  cleanupPolicy(topic: string, signal: AbortSignal): Promise<string>
  /** Answers as soon as a partition's stable offset is past its position, its identity changed, or the time is over. */
  waitForRecords(
    topic: TopicIdentity,
    positions: ReadonlyMap<number, bigint>,
    options: { timeoutMs: number; signal: AbortSignal },
  ): Promise<TopicState>
  /** The group's offsets, so that lag tools work. */
  mirrorOffsets(group: string, topic: string, offsets: ReadonlyMap<number, bigint>): Promise<void>
}

/** The table as its log has it. */
export interface LakeSnapshot {
  readonly version: number
  readonly epoch: number
  readonly topic: TopicIdentity
  readonly schema: TableSchema
  readonly positions: readonly Position[]
}

/** Who committed, for `commitInfo`. */
export interface Provenance {
  readonly workflowId: string
  readonly runId: string
}

export interface Lake {
  /**
   * Probes the store once a worker, binds the table or reads its log, commits links that are pending, applies a decision about
   * the topic. Throws CDC2003, CDC2008 with choices, CDC1005.
   */
  open(
    table: ResolvedTable,
    topic: TopicState,
    asked: { readonly decision: ResumeDecision | null; readonly look: () => Promise<TopicState> },
    by: Provenance,
    signal: AbortSignal,
  ): Promise<LakeSnapshot>
  /** Admits the partitions that wait behind the barrier, if the log stands at it. */
  admit(table: ResolvedTable, topic: TopicState, barrier: Barrier, by: Provenance, signal: AbortSignal): Promise<LakeSnapshot>
  /** Reads the log anew, and the next link of each chain: what stands there is committed first. */
  refresh(table: ResolvedTable, by: Provenance, signal: AbortSignal): Promise<LakeSnapshot>
  commit(
    table: ResolvedTable,
    epoch: number,
    receipts: readonly Receipt[],
    by: Provenance,
    signal: AbortSignal,
  ): Promise<LakeSnapshot>
  grow(table: ResolvedTable, growth: Growth, by: Provenance, signal: AbortSignal): Promise<LakeSnapshot>
  /** Records in the log what a person decided about columns or key. Throws CDC1005. */
  decide(table: ResolvedTable, decision: ColumnDecision, by: Provenance, signal: AbortSignal): Promise<LakeSnapshot>
}

/** One range end to end (src/carry): the workflow's job, with the table's names in every system. */
export type CarryJob = Omit<WriteJob, 'table'> & { readonly table: ResolvedTable }

/** `attempt` counts from 1: a later one first looks whether an earlier one put the link already. */
export type Carry = (job: CarryJob, attempt: number, signal: AbortSignal) => Promise<Receipt>

/** The door to Temporal that the claim needs. */
export interface Claims {
  /** False where a claim of this id is running. */
  start(claimId: string, holder: Carrier): Promise<boolean>
  describe(claimId: string): Promise<{ running: boolean; runId: string; holder: Carrier | null } | null>
  /** First run id of the execution that runs under this workflow id now; null where none does. */
  runningFirstRunId(workflowId: string): Promise<string | null>
  terminate(claimId: string, runId: string, reason: string): Promise<void>
}

export interface ActivityDeps {
  readonly config: Config
  readonly kafka: Kafka
  readonly lake: Lake
  readonly carry: Carry
  readonly claims: Claims
  readonly reach: Reach
}
