/**
 * What the workflow is told and what it tells activities: small plain JSON that lies in Temporal's history for everyone to read.
 * No rows, no secrets, no addresses: those each worker takes from its own config.
 */
import type { OffsetText } from './offsets.ts'
import type { BatchLimits, PlanFrom } from './batchPlan.ts'
import type { Barrier } from './growth.ts'
import type { Position, Receipt } from './receipts.ts'
import type { TopicIdentity } from './records.ts'

/** Who carries: the chain of runs that began with `firstRunId`. A reset keeps it, a new start does not. */
export interface Carrier {
  readonly workflowId: string
  readonly firstRunId: string
}

export interface ClaimJob {
  readonly table: string
  readonly carrier: Carrier
}

export interface OpenJob {
  readonly table: string
  /** What a person decided at `resume`, handed on as it came. */
  readonly decision: ResumeDecision | null
}

/** An answer to a parked table's question. Which choices there are, the failure's details say. */
export type ResumeDecision = Readonly<Record<string, unknown>>

/** The table as the log and the config say it at the beginning of a run: how configuration enters the workflow. */
export interface OpenedTable {
  /** `public.flights` */
  readonly table: string
  readonly topic: TopicIdentity
  readonly epoch: number
  /** Version of the newest log entry read. */
  readonly version: number
  readonly positions: readonly Position[]
  readonly limits: BatchLimits
  /** Continue-as-new after so many batches. */
  readonly batchesPerRun: number
  /** The three search attributes are registered with the server. */
  readonly searchAttributes: boolean
}

export interface PollJob {
  readonly table: string
  readonly carrier: Carrier
  readonly topic: TopicIdentity
  readonly epoch: number
  readonly from: readonly PlanFrom[]
  readonly limits: BatchLimits
  /** How long to wait for something to read, ms; 0 answers at once. */
  readonly waitMs: number
  /** The positions are not committed yet: no verdict may be given from them (DESIGN §4.8). */
  readonly ahead: boolean
  /** What the poll before this one told. */
  readonly barrier: Barrier | null
}

export interface WriteJob {
  readonly table: string
  readonly topic: TopicIdentity
  readonly epoch: number
  readonly partition: number
  /** Names the link. */
  readonly base: OffsetText
  /** Days since 1970: the folder of the link. */
  readonly day: number
  /** Greatest place of a streamed event before `from` (see `Position`). */
  readonly high?: string
  /** Reading begins here: max(base, seen). */
  readonly from: OffsetText
  readonly to: OffsetText
  readonly limits: BatchLimits
}

export interface CommitJob {
  readonly table: string
  readonly topic: TopicIdentity
  readonly epoch: number
  readonly receipts: readonly Receipt[]
}

export interface Committed {
  /** The entry that holds the receipts, or the newest one where nothing was left to commit. */
  readonly version: number
  /** The whole position as the log has it now. */
  readonly positions: readonly Position[]
  readonly rows: number
  readonly bytes: number
  /** Records that went to quarantine; absent in histories of 0.1. */
  readonly quarantined?: number
  /** Newest `source.ts` in these receipts, us since 1970 as text. */
  readonly newestSourceTs: string | null
}
