/** Strikes as planned, waits for recovery each time, and notes how it went. Two lanes may be at it at the same time. */
import { setTimeout as sleep } from 'node:timers/promises'
import { NotStruck, patienceMs, type Fault, type Particulars } from './fault.ts'
import type { Strike } from './plan.ts'
import type { Stage } from './stage.ts'

export interface Outcome {
  readonly kind: string
  readonly particulars: Particulars
  /** ms since 1970 */
  readonly begunAtMs: number
  readonly endedAtMs: number
  /** False where there was nothing to break. */
  readonly struck: boolean
  /** From the healing, or from the death where there is nothing to heal, until changes made after it stood in the log of every table. */
  readonly recoveredInMs: number | null
}

export interface Told {
  readonly say: (text: string) => void
  /** Something that must not happen. */
  readonly violation: (text: string) => void
}

export interface Terms {
  readonly untilMs: number
  /** How long the next fault of the lane waits for the recovery from the one before. */
  readonly waitMs: number
  /** When something was mended last, in whichever lane: patience is counted from there. */
  readonly mended: { atMs: number }
  readonly signal: AbortSignal
}

/** Follows one lane's plan until it is over, the time is up or somebody says stop. */
export async function strikeAll(
  stage: Stage,
  faults: readonly Fault[],
  plan: Iterable<Strike>,
  terms: Terms,
  told: Told,
): Promise<Outcome[]> {
  const { untilMs, waitMs, mended, signal } = terms
  const by = new Map(faults.map((fault) => [fault.kind, fault]))
  const outcomes: Promise<Outcome>[] = []
  for (const { kind, particulars, afterMs } of plan) {
    await sleep(afterMs, undefined, { signal }).catch(() => undefined)
    if (signal.aborted || Date.now() > untilMs) break
    const begunAtMs = Date.now()
    const healedAtMs = await strikeOnce(stage, by.get(kind)!, particulars, told)
    mended.atMs = Date.now()
    const recovering = healedAtMs === null ? Promise.resolve(null) : recovered(stage, kind, healedAtMs, terms, told)
    outcomes.push(
      recovering.then((recoveredInMs) => {
        return { kind, particulars, begunAtMs, endedAtMs: Date.now(), struck: healedAtMs !== null, recoveredInMs }
      }),
    )
    await Promise.race([recovering, sleep(waitMs, undefined, { ref: false })])
  }
  return Promise.all(outcomes)
}

/** When all was healed, ms since 1970; null where it did not come to that. */
async function strikeOnce(
  stage: Stage,
  { kind, tell, strike }: Fault,
  particulars: Particulars,
  { say, violation }: Told,
): Promise<number | null> {
  say(`${kind}: ${tell(particulars)}`)
  try {
    return (await strike(stage, particulars)) ?? Date.now()
  } catch (error) {
    if (error instanceof NotStruck) say(`${kind}: ${error.message}; not counted`)
    else violation(`${kind}: ${(error as Error).message}`)
    return null
  }
}

async function recovered(
  stage: Stage,
  kind: string,
  sinceMs: number,
  terms: Terms,
  { say, violation }: Told,
): Promise<number | null> {
  const inMs = await recovery(stage, sinceMs, terms)
  if (inMs !== null) say(`${kind}: every table carries again, after ${(inMs / 1000).toFixed(1)} s`)
  else if (!terms.signal.aborted) {
    violation(`${kind}: ${waiting(stage, sinceMs).join(', ')} carry nothing ${patienceMs / 1000} s after all was healed`)
  }
  return inMs
}

async function recovery({ watch }: Stage, sinceMs: number, { mended, signal }: Terms): Promise<number | null> {
  for (; Date.now() < mended.atMs + patienceMs && !signal.aborted; await sleep(100)) {
    const arrived = [...watch.arrivals(sinceMs).values()]
    if (arrived.every((at) => at !== null)) return Math.max(...arrived) - sinceMs
  }
  return null
}

function waiting({ watch }: Stage, sinceMs: number): string[] {
  return [...watch.arrivals(sinceMs)].flatMap(([table, at]) => (at === null ? [table] : []))
}
