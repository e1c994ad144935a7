/** Strikes as planned, waits for recovery each time, and notes how it went. Two lanes may be at it at the same time. */
import { setTimeout as sleep } from 'node:timers/promises'
import { NotStruck, type Fault, type Particulars } from './fault.ts'
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

/** A table that carries nothing for so long after all was healed needs a hand. */
const patienceMs = 120_000

/** Follows one lane's plan until it is over, the time is up or somebody says stop. */
export async function strikeAll(
  stage: Stage,
  faults: readonly Fault[],
  plan: Iterable<Strike>,
  { untilMs, signal }: { untilMs: number; signal: AbortSignal },
  told: Told,
): Promise<Outcome[]> {
  const by = new Map(faults.map((fault) => [fault.kind, fault]))
  const outcomes: Outcome[] = []
  for (const { kind, particulars, afterMs } of plan) {
    await sleep(afterMs, undefined, { signal }).catch(() => undefined)
    if (signal.aborted || Date.now() > untilMs) break
    const { tell, strike } = by.get(kind)!
    const begunAtMs = Date.now()
    told.say(`${kind}: ${tell(particulars)}`)
    const healed = await strike(stage, particulars).then(
      (at) => at ?? Date.now(),
      (error: unknown) => {
        if (error instanceof NotStruck) told.say(`${kind}: ${error.message}; not counted`)
        else told.violation(`${kind}: ${(error as Error).message}`)
        return null
      },
    )
    const recoveredInMs = healed === null ? null : await recovery(stage, healed, signal)
    if (recoveredInMs !== null) told.say(`${kind}: every table carries again ${(recoveredInMs / 1000).toFixed(1)} s after that`)
    else if (healed !== null && !signal.aborted) {
      told.violation(`${kind}: ${waiting(stage, healed).join(', ')} carry nothing ${patienceMs / 1000} s after all was healed`)
    }
    outcomes.push({ kind, particulars, begunAtMs, endedAtMs: Date.now(), struck: healed !== null, recoveredInMs })
  }
  return outcomes
}

async function recovery({ watch }: Stage, sinceMs: number, signal: AbortSignal): Promise<number | null> {
  for (const deadline = Date.now() + patienceMs; Date.now() < deadline && !signal.aborted; await sleep(100)) {
    const arrived = [...watch.arrivals(sinceMs).values()]
    if (arrived.every((at) => at !== null)) return Math.max(...arrived) - sinceMs
  }
  return null
}

function waiting({ watch }: Stage, sinceMs: number): string[] {
  return [...watch.arrivals(sinceMs)].flatMap(([table, at]) => (at === null ? [table] : []))
}
