/**
 * What one table's workflow remembers. The log is the truth about positions: each run adopts them anew; the state carries the
 * wishes of people (paused, limits, a block) and totals through continue-as-new. Plain JSON: what is not there is null.
 */
import { CdcFailure, code } from './failures.ts'
import { maxOffset, offsetText, parseOffset } from './offsets.ts'
import { heldRecords, lagRecords, reading, stillHeld, type BatchLimits, type PartitionEnd } from './batchPlan.ts'
import type { Committed } from './jobs.ts'
import type { Position, Receipt } from './receipts.ts'

export type Health = 'running' | 'paused' | 'blocked' | 'stopped'

/** Why a table waits for somebody: a code of core/failures.ts, or `unknown`. */
export interface Block {
  readonly code: string
  readonly message: string
  readonly hint: string
  readonly details: Readonly<Record<string, unknown>>
  readonly since: string
}

export interface TableState {
  readonly v: 1
  readonly startedAt: string
  readonly paused: boolean
  readonly stopped: boolean
  readonly block: Block | null
  /** Set by `setLimits`; over the config's. */
  readonly limits: Partial<BatchLimits>
  readonly positions: readonly Position[]
  readonly ends: readonly PartitionEnd[]
  /** Since when a transaction of a producer, still open, has held records back, as far as polls have seen it. */
  readonly heldSince: string | null
  readonly rows: number
  readonly batches: number
  readonly bytes: number
  /** Records in quarantine. */
  readonly quarantined: number
  readonly lastCommit: { readonly version: number; readonly at: string } | null
  /** When the health last changed. */
  readonly since: string
}

export interface TableStatus {
  readonly table: string
  readonly health: Health
  readonly block: Block | null
  readonly positions: readonly Position[]
  readonly rows: number
  readonly batches: number
  readonly bytes: number
  readonly quarantined: number
  readonly lastCommit: TableState['lastCommit']
  /** `held`: behind a transaction that is still open, so not counted in `records`. */
  readonly lag: { readonly records: number; readonly held: number; readonly heldSince: string | null }
  readonly limits: BatchLimits | null
  readonly startedAt: string
  readonly since: string
}

export function newState(at: string): TableState {
  return {
    v: 1,
    startedAt: at,
    paused: false,
    stopped: false,
    block: null,
    limits: {},
    positions: [],
    ends: [],
    heldSince: null,
    rows: 0,
    batches: 0,
    bytes: 0,
    quarantined: 0,
    lastCommit: null,
    since: at,
  }
}

/** Older versions are lifted here, one step each; a newer one is refused, since it may mean what this code does not know. */
export function upgradeState(state: unknown): TableState {
  const version = typeof state === 'object' && state !== null ? (state as { v?: unknown }).v : undefined
  if (version !== 1) {
    throw new CdcFailure(code.InvalidInput, `state of version ${JSON.stringify(version)}; this worker knows version 1`)
  }
  return { ...newState(''), ...(state as TableState) }
}

export function healthOf(state: TableState): Health {
  if (state.stopped) return 'stopped'
  if (state.block) return 'blocked'
  return state.paused ? 'paused' : 'running'
}

/** Applies a change and notes when the health turned. */
export function changed(state: TableState, change: Partial<TableState>, at: string): TableState {
  const next = { ...state, ...change }
  return healthOf(next) === healthOf(state) ? next : { ...next, since: at }
}

/** A poll has looked at the topic's ends. */
export function looked(state: TableState, ends: readonly PartitionEnd[], at: string): TableState {
  const heldSince = heldRecords(ends) === 0 ? null : stillHeld(state.ends, ends) ? (state.heldSince ?? at) : at
  return { ...state, ends, heldSince }
}

export function committed(state: TableState, commit: Committed, at: string): TableState {
  return {
    ...state,
    positions: commit.positions,
    rows: state.rows + commit.rows,
    bytes: state.bytes + commit.bytes,
    quarantined: state.quarantined + (commit.quarantined ?? 0),
    batches: state.batches + 1,
    lastCommit: { version: commit.version, at },
  }
}

export function statusOf(table: string, state: TableState, limits: BatchLimits | null): TableStatus {
  const { block, positions, ends, heldSince, rows, batches, bytes, quarantined, lastCommit, startedAt, since } = state
  return {
    table,
    health: healthOf(state),
    block,
    positions,
    rows,
    batches,
    bytes,
    quarantined,
    lastCommit,
    lag: { records: lagRecords(positions, ends), held: heldRecords(ends), heldSince },
    limits,
    startedAt,
    since,
  }
}

/** Where the next links stand once these receipts are committed (DESIGN §4, the three `txn`s of a partition). */
export function advance(positions: readonly Position[], receipts: readonly Receipt[]): Position[] {
  const by = new Map(receipts.map((r) => [r.partition, r]))
  return positions.map((position) => {
    const receipt = by.get(position.partition)
    if (!receipt) return position
    const seen = offsetText(maxOffset(parseOffset(receipt.next), reading(position)))
    if (!receipt.link) return { ...position, seen }
    const high = receipt.link.order?.high ?? position.high
    return { ...position, base: receipt.next, seen, day: receipt.nextDay, ...(high !== undefined && { high }) }
  })
}

/** Keeps the receipts that follow from these positions; another carrier's link may have come in between. */
export function follow(receipts: readonly Receipt[], positions: readonly Position[]): Receipt[] {
  const at = new Map(positions.map((p) => [p.partition, p]))
  return receipts.filter((r) => at.get(r.partition)?.base === r.base)
}

/** Everything below `ends` is committed. */
export function reached(positions: readonly Position[], ends: readonly PartitionEnd[]): boolean {
  const at = new Map(positions.map((p) => [p.partition, reading(p)]))
  return ends.every(({ partition, end }) => (at.get(partition) ?? 0n) >= parseOffset(end))
}
