/** The messages of a table. Validators are synchronous; handlers set wishes and wait until the loop has obeyed. */
import { ApplicationFailure, condition, defineQuery, defineUpdate, setHandler } from '@temporalio/workflow'
import type { BatchLimits } from '../core/batchPlan.ts'
import { checkDecision } from '../core/decisions.ts'
import { code, failureRules } from '../core/failures.ts'
import type { ResumeDecision } from '../core/jobs.ts'
import { reached, type TableStatus } from '../core/tableState.ts'
import { requireChoice } from '../core/topicDecisions.ts'
import { causeOf } from './parking.ts'
import { change, status, type Flush, type Resume, type Run } from './run.ts'

/** `null` takes a limit back to what the config says. */
export type LimitsWish = { readonly [L in keyof BatchLimits]?: number | null }

export const statusQuery = defineQuery<TableStatus>('status')
/** Returns once nothing is in flight any more. */
export const pauseUpdate = defineUpdate<TableStatus>('pause')
/** Goes on after a pause or a block, with the decision that the block asks for; a decision about columns is taken at any time. */
export const resumeUpdate = defineUpdate<TableStatus, [decision: ResumeDecision | null]>('resume')
/** Returns once everything that was readable at the call is committed. */
export const flushUpdate = defineUpdate<TableStatus>('flush')
export const setLimitsUpdate = defineUpdate<TableStatus, [LimitsWish]>('setLimits')
/** Commits what is in flight, gives the claim back and completes the workflow. */
export const stopUpdate = defineUpdate<TableStatus>('stop')

export function handleMessages(run: Run): void {
  setHandler(statusQuery, () => status(run))

  setHandler(
    pauseUpdate,
    async () => {
      change(run, { paused: true })
      await condition(() => run.resting || !run.state.paused || run.state.block !== null || run.state.stopped)
      return status(run)
    },
    { validator: () => refuseIf(run.stopWished, 'the table is being stopped') },
  )

  setHandler(
    resumeUpdate,
    (decision: ResumeDecision | null | undefined) => {
      const asked = run.state.block !== null
      const wish = asked || decision ? { decision: decision ?? null, taken: false } : null
      if (wish) run.resumeWished = wish
      change(run, { paused: false, block: null })
      return asked || !wish ? status(run) : taken(run, wish)
    },
    {
      validator: (decision: unknown) => {
        refuseIf(run.stopWished, 'the table is being stopped')
        if (decision === undefined || decision === null) return
        if (!isObject(decision)) throw refusal('a decision is one JSON object')
        refuseIf(run.resumeWished !== null, 'the table is about to take another decision: ask again')
        const { block } = run.state
        try {
          requireChoice(decision, block?.details['choices'])
          checkDecision(decision, block !== null)
        } catch (error) {
          throw causeOf(error)
        }
      },
    },
  )

  setHandler(
    flushUpdate,
    async () => {
      const flush: Flush = { ends: null }
      run.flushes.add(flush)
      try {
        await condition(() => (flush.ends !== null && reached(run.state.positions, flush.ends)) || !flows(run))
      } finally {
        run.flushes.delete(flush)
      }
      if (!flush.ends || !reached(run.state.positions, flush.ends)) throw refusal(`the table stopped flowing: ${whyNot(run)}`)
      return status(run)
    },
    { validator: () => refuseIf(!flows(run), `the table does not flow: ${whyNot(run)}`) },
  )

  setHandler(
    setLimitsUpdate,
    (wish) => {
      const limits = Object.entries({ ...run.state.limits, ...wish }).filter(([, value]) => value !== null)
      change(run, { limits: Object.fromEntries(limits) })
      return status(run)
    },
    { validator: (wish) => checkLimits(wish) },
  )

  setHandler(stopUpdate, async () => {
    run.stopWished = true
    await condition(() => run.state.stopped)
    return status(run)
  })
}

async function taken(run: Run, wish: Resume): Promise<TableStatus> {
  await condition(() => wish.taken || run.state.stopped)
  if (!wish.taken) throw refusal('the table was stopped before it took the decision')
  return status(run)
}

function flows(run: Run): boolean {
  return !run.stopWished && !run.state.paused && run.state.block === null
}

function whyNot(run: Run): string {
  if (run.stopWished) return 'it is being stopped'
  if (run.state.block) return `it is blocked by ${run.state.block.code}; resume it first`
  return 'it is paused; resume it first'
}

/** Smallest and largest value of each limit. */
const bounds: Readonly<Record<keyof BatchLimits, readonly [number, number]>> = {
  maxRows: [1, 10_000_000],
  maxBytes: [1024, 4 * 1024 ** 3],
  maxAgeMs: [0, 60_000],
  idleWaitMs: [0, 300_000],
}

function checkLimits(wish: unknown): void {
  if (!isObject(wish)) throw refusal('limits are one JSON object')
  for (const [name, value] of Object.entries(wish)) {
    const bound = (bounds as Record<string, readonly [number, number] | undefined>)[name]
    if (!bound) throw refusal(`unknown limit ${JSON.stringify(name)}; known: ${Object.keys(bounds).join(', ')}`)
    if (value === null) continue
    const [least, most] = bound
    const fits = typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most
    if (!fits) throw refusal(`${name} must be a whole number from ${least} to ${most}, or null`)
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function refuseIf(no: boolean, why: string): void {
  if (no) throw refusal(why)
}

function refusal(why: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(`${code.InvalidInput} ${why}`, code.InvalidInput, {
    hint: failureRules[code.InvalidInput].hint,
  })
}
