/** One run from its beginning to the verdict: stage, load, faults, rest, judgement. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { drainDatabase, drainTables } from '../demo/drain.ts'
import type { StackFacts } from '../stack/start.ts'
import { openLakeReader } from '../verify/lakeReader.ts'
import { lanes, patienceMs, type Fault, type LaneName } from './fault.ts'
import { copyLake } from './lakeCopy.ts'
import { prepareLoad, startLoad } from './load/load.ts'
import { strikeAll, type Outcome, type Told } from './nemesis.ts'
import { judge } from './oracles/judge.ts'
import { planOf, type Strike } from './plan.ts'
import { openStage, type Stage } from './stage.ts'
import type { Judgement, LoadFacts, RunHistory } from './story.ts'

export interface ChaosOptions {
  readonly seed: number
  /** How long faults strike; each lane ends the fault that it is at. */
  readonly forMs: number
  readonly faults: readonly Fault[]
  /** One fault at a time: recovery times then tell of this fault alone. */
  readonly single: boolean
  /** Names the database, the topics and the pipeline: letters, digits and underscores. */
  readonly name: string
  readonly say: (text: string) => void
}

export interface ChaosResult {
  readonly seed: number
  readonly outcomes: readonly Outcome[]
  readonly facts: LoadFacts | null
  /** null where the run did not come to rest. */
  readonly judgement: Judgement | null
  /** Of the run and of the oracles together. */
  readonly violations: readonly string[]
}

/** `onViolation` may look at the stage before it is closed. */
export async function runChaos(
  stack: StackFacts,
  options: ChaosOptions,
  keepEvidence: (stage: Stage, result: ChaosResult) => Promise<void>,
): Promise<ChaosResult> {
  const { say, seed } = options
  const stage = await openStage(stack, options.name, prepareLoad, say)
  try {
    const result = await carried(stage, seed, options)
    if (result.violations.length > 0) await keepEvidence(stage, result)
    return result
  } finally {
    await stage.close()
  }
}

/** Where faults strike side by side, a lane goes on after this although not all has recovered yet; windows take nobody's worker. */
const restlessMs = { workers: 15_000, reading: 0, committing: 0, store: 15_000, parts: 15_000 } as const satisfies Record<
  LaneName,
  number
>

async function carried(stage: Stage, seed: number, options: ChaosOptions): Promise<ChaosResult> {
  const { say } = options
  const violations: string[] = []
  const told: Told = {
    say,
    violation(text) {
      violations.push(text)
      say(`VIOLATION: ${text}`)
    },
  }
  const over = new AbortController()
  const load = startLoad(stage.databaseUrl, { seed, signal: over.signal })
  const overseeing = oversee(stage, over.signal, told)
  let outcomes: Outcome[] = []
  let facts: LoadFacts | null = null
  let judgement: Judgement | null = null
  try {
    const signal = over.signal
    const untilMs = Date.now() + options.forMs
    const mended = { atMs: Date.now() }
    const striking = lanesOf(options).map(({ plan, waitMs }) => {
      return strikeAll(stage, options.faults, plan, { untilMs, waitMs, mended, signal }, told)
    })
    outcomes = (await Promise.all(striking)).flat().sort((a, b) => a.begunAtMs - b.begunAtMs)
    say('no more faults; the writers come to their end')
    facts = await load.settled()
    await rest(stage)
    say('all that PostgreSQL committed is in the lake; now it is judged')
    judgement = await judged(stage, facts)
  } catch (error) {
    told.violation((error as Error).message)
  } finally {
    over.abort()
    await overseeing
  }
  return { seed, outcomes, facts, judgement, violations: [...violations, ...(judgement?.violations ?? [])] }
}

/** The lanes side by side, or taking turns. */
function lanesOf({ seed, faults, single }: ChaosOptions): { plan: Iterable<Strike>; waitMs: number }[] {
  const plans = lanes.map((lane) => ({ plan: planOf(seed, lane, faults), waitMs: restlessMs[lane] }))
  return single ? [{ plan: inTurn(plans.map(({ plan }) => plan)), waitMs: patienceMs }] : plans
}

function* inTurn(plans: readonly Generator<Strike, void>[]): Generator<Strike, void> {
  for (;;) {
    const next = plans.map((plan) => plan.next()).flatMap((turn) => (turn.done ? [] : [turn.value]))
    if (next.length === 0) return
    yield* next
  }
}

/** Nobody is there to mend anything: what would need a person is a violation, and is mended so that the run can go on. */
async function oversee(stage: Stage, signal: AbortSignal, { violation }: Told): Promise<void> {
  while (!signal.aborted) {
    for (const trouble of await stage.carriers.troubles()) violation(trouble)
    await sleep(2000, undefined, { signal }).catch(() => undefined)
  }
}

async function rest(stage: Stage): Promise<void> {
  const client = new pg.Client({ connectionString: stage.databaseUrl })
  // On Ctrl-C the database goes away under an open connection: that is no news.
  client.on('error', () => undefined)
  await client.connect()
  try {
    await drainDatabase(client, patienceMs)
  } finally {
    await client.end()
  }
  await drainTables(
    stage.stack.temporal,
    stage.carriers.tables.map((table) => stage.carriers.idOf(table)),
    patienceMs,
  )
}

async function* histories({ carriers }: Stage): AsyncIterable<RunHistory> {
  for (const table of carriers.tables) yield* carriers.histories(table)
}

async function judged(stage: Stage, facts: LoadFacts): Promise<Judgement> {
  const { databaseUrl, stack, store, name, tables } = stage
  const folder = join(stack.dir, `lake-${name}`)
  const reader = await openLakeReader(stack.s3)
  try {
    await copyLake(store, folder)
    const roots = new Map(tables.map(({ table }) => [table, join(folder, stage.rootOf(table))]))
    return await judge({
      databaseUrl,
      reader,
      roots,
      kafka: stack.kafka,
      topicPrefix: name,
      tables,
      facts,
      histories: histories(stage),
    })
  } finally {
    reader.close()
    await rm(folder, { recursive: true, force: true })
  }
}
