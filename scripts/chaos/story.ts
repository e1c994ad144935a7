/**
 * What the rooms of chaos tell each other: the load says what it did (load/), the nemesis breaks things meanwhile (faults/), and
 * the oracles judge the lake by what the load and PostgreSQL know (oracles/).
 */
import type { KafkaFacts } from '../stack/kafka.ts'
import type { TableKey } from '../verify/journal.ts'
import type { LakeReader } from '../verify/lakeReader.ts'

/** What the writers did, by their own account. */
export interface LoadFacts {
  /** Rows inserted, updated and deleted by transactions that were committed. */
  readonly rows: number
  /** Transactions that were committed. */
  readonly transactions: number
  /** Transactions and savepoints that were rolled back on purpose. */
  readonly rolledBack: number
  /** Commits whose answer was lost (PostgreSQL went away): the database says by itself whether they took place. */
  readonly unknown: number
  /** The last number that each writer knows to be committed, and the last one that it tried. */
  readonly writers: readonly { readonly writer: number; readonly committed: number; readonly tried: number }[]
}

export interface Load {
  /** All tables of schema public that the load writes to: to each at least once a second, since that is how recovery is seen. */
  readonly tables: readonly TableKey[]
  /** Stops the writers and waits for them. */
  settled(): Promise<LoadFacts>
}

export interface LoadOptions {
  readonly seed: number
  /** Ends the writers at once. */
  readonly signal: AbortSignal
}

/** Both sides at rest: the load has settled, the database is drained into Kafka, Kafka into the lake. */
export interface Evidence {
  readonly databaseUrl: string
  readonly reader: LakeReader
  /** Where each table stands, by its name: a folder with a copy, or `s3://bucket/prefix/database/schema/table`. */
  readonly roots: ReadonlyMap<string, string>
  readonly kafka: KafkaFacts
  readonly topicPrefix: string
  readonly tables: readonly TableKey[]
  readonly facts: LoadFacts
  /** Of every run of every table's workflow. */
  readonly histories: AsyncIterable<RunHistory>
}

export interface RunHistory {
  readonly workflowId: string
  readonly runId: string
  readonly json: string
}

/** Numbers of all tables together. Only `rows` and `boundaries` may differ from zero. */
export interface Judgement {
  /** Changes in the lake. */
  readonly rows: number
  /** Transaction boundaries at which the constant sums were checked. */
  readonly boundaries: number
  readonly duplicates: number
  readonly missing: number
  readonly outOfOrder: number
  /** Rows in which the latest state differs, both ways. */
  readonly stateDiffers: number
  /** Ranges of the log that do not join, and offsets that nothing accounts for. */
  readonly unaccounted: number
  /** Boundaries at which a sum was not what it must be. */
  readonly wrongSums: number
  /** Runs of workflows in whose history a value of a row can be read. */
  readonly tellingRuns: number
  /** One sentence each: which oracle, which table, which rows. Empty when all is well. */
  readonly violations: readonly string[]
}

/**
 * `load/load.ts`, `prepareLoad`: makes the tables, their journals and triggers in an empty database, and tells which they are. Then
 * comes the connector with its snapshot, then the load.
 */
export type PrepareLoad = (databaseUrl: string) => Promise<readonly TableKey[]>
/** `load/load.ts`, `startLoad`: writers that come back by themselves when PostgreSQL was away. */
export type StartLoad = (databaseUrl: string, options: LoadOptions) => Load
/** `oracles/judge.ts`, `judge` */
export type Judge = (evidence: Evidence) => Promise<Judgement>
