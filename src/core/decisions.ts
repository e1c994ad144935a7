/**
 * Decisions of a person about columns and key, as `resume` takes them: {"columns": {"price": {"as": "price__2"}}}, {"columns":
 * {"price": {"ignore": true}}}, {"key": ["id"], "since": "123"}. Decisions about the topic: topicDecisions.ts.
 */
import { CdcFailure, code } from './failures.ts'
import type { ResumeDecision } from './jobs.ts'
import type { ColumnRule } from './schema.ts'
import { topicDecisionOf } from './topicDecisions.ts'

export interface ColumnDecision {
  readonly rules: readonly ColumnRule[]
  /** The primary key from now on; null: as it was. */
  readonly key: readonly string[] | null
  /** Commit LSN of the first change under that key, decimal text. */
  readonly since: string | null
}

const known = ['columns', 'key', 'since']

/** What the decision says about columns and key; null where it is none or about something else. Throws CDC1001. */
export function columnDecision(decision: ResumeDecision | null): ColumnDecision | null {
  if (decision === null || topicDecisionOf(decision) !== null) return null
  const unknown = Object.keys(decision).filter((name) => !known.includes(name))
  if (unknown.length > 0) throw refused(`unknown field ${unknown.map((name) => JSON.stringify(name)).join(', ')}`)
  const { columns, key, since } = decision
  if (columns === undefined && key === undefined) throw refused('it decides nothing')
  if (columns !== undefined && !isObject(columns)) throw refused('columns is one JSON object')
  if (key !== undefined && !(Array.isArray(key) && key.every((name) => typeof name === 'string' && name !== ''))) {
    throw refused('key is a list of column names')
  }
  if (since !== undefined && !(typeof since === 'string' && /^\d+$/.test(since))) throw refused('since is an LSN as decimal text')
  return {
    rules: Object.entries(columns ?? {}).map(([source, choice]) => ({ source, as: placeOf(source, choice) })),
    key: (key as readonly string[] | undefined) ?? null,
    since: since ?? null,
  }
}

/** Throws CDC1001 where nobody would understand the decision, or it is about the key and the table does not ask. */
export function checkDecision(decision: ResumeDecision, asked: boolean): void {
  if (columnDecision(decision)?.key && !asked) throw refused('the table asks about its key when that changes')
}

function placeOf(source: string, choice: unknown): string | null {
  const names = isObject(choice) ? Object.keys(choice) : []
  if (isObject(choice) && names.length === 1) {
    const { as, ignore } = choice
    if (typeof as === 'string' && as !== '') return as
    if (ignore === true) return null
  }
  throw refused(`column ${JSON.stringify(source)} takes {"as": "<name>"} or {"ignore": true}`)
}

function refused(why: string): CdcFailure {
  const forms = 'known decisions: {"columns": {"<name>": {"as": "<name>"} or {"ignore": true}}}, {"key": ["<name>"]}'
  return new CdcFailure(code.InvalidInput, `the decision: ${why}; ${forms}`)
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
