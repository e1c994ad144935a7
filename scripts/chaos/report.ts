/** The table at the end: faults by kind, how often, how long until all was well again; then rows, and what must be zero. */
import { count, table } from '../demo/screen.ts'
import type { Fault } from './fault.ts'
import type { Outcome } from './nemesis.ts'
import type { ChaosResult } from './run.ts'

export function report({ outcomes, facts, judgement, violations }: ChaosResult, faults: readonly Fault[]): string {
  const lines = [faultTable(outcomes, faults), '']
  if (facts) {
    lines.push(
      `load: ${count(facts.transactions)} transactions committed with ${count(facts.rows)} changes, ${count(facts.rolledBack)} rolled back, ` +
        `${count(facts.unknown)} whose commit was not answered`,
    )
  }
  if (judgement) {
    const { rows, boundaries, duplicates, missing, outOfOrder, stateDiffers, unaccounted, wrongSums, tellingRuns } = judgement
    lines.push(
      `lake: ${count(rows)} rows; duplicates ${duplicates}, missing ${missing}, out of order ${outOfOrder}, latest state differs in ${stateDiffers}, ` +
        `offsets unaccounted for ${unaccounted}, wrong sums ${wrongSums} of ${count(boundaries)}, histories with values of rows ${tellingRuns}`,
    )
  }
  lines.push('')
  const struck = outcomes.filter((outcome) => outcome.struck).length
  if (violations.length === 0) {
    lines.push(`EXACTLY ONCE: ${struck} faults, and the lake says what PostgreSQL says, each change once and in order.`)
  } else {
    lines.push(`${violations.length} VIOLATIONS after ${struck} faults:`, ...violations.slice(0, 50).map((text) => `  - ${text}`))
  }
  return lines.join('\n')
}

/** "alone": no other fault was under way between its beginning and the recovery. */
export function faultTable(outcomes: readonly Outcome[], faults: readonly Fault[]): string {
  const rows = faults.flatMap(({ kind, what }) => {
    const mine = outcomes.filter((outcome) => outcome.kind === kind && outcome.struck)
    if (mine.length === 0) return []
    const alone = mine.filter((outcome) => !outcomes.some((other) => other !== outcome && overlap(outcome, other)))
    return [[kind, what, String(mine.length), ...recoveries(mine), String(alone.length), ...recoveries(alone)]]
  })
  return table([['fault', 'what breaks', 'times', 'recovery mean', 'max', 'alone', 'mean', 'max'], ...rows])
}

function overlap(a: Outcome, b: Outcome): boolean {
  return b.struck && a.begunAtMs < b.endedAtMs && b.begunAtMs < a.endedAtMs
}

function recoveries(outcomes: readonly Outcome[]): [string, string] {
  const times = outcomes.flatMap(({ recoveredInMs }) => (recoveredInMs === null ? [] : [recoveredInMs]))
  if (times.length === 0) return ['-', '-']
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`
  return [seconds(times.reduce((sum, ms) => sum + ms, 0) / times.length), seconds(Math.max(...times))]
}
