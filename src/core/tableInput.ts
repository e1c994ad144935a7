/** The one argument of `tableCdc`. A user gives `{"table":"flights"}`; continue-as-new gives the state as well. */
import { CdcFailure, code } from './failures.ts'
import { upgradeState, type TableState } from './tableState.ts'

export interface TableInput {
  /** `flights` or `public.flights` */
  readonly table: string
  /** Carried through continue-as-new; never given by hand. */
  readonly state?: TableState
}

const known = ['table', 'state']

/** Refuses at once (CDC1001) whatever is not a `TableInput`, naming every problem and the known fields. */
export function parseInput(input: unknown): TableInput {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    throw refused([`expected one JSON object, got ${input === null ? 'null' : Array.isArray(input) ? 'an array' : typeof input}`])
  }
  const fields = input as Record<string, unknown>
  const problems = Object.keys(fields)
    .filter((name) => !known.includes(name))
    .map((name) => `unknown field ${JSON.stringify(name)}`)
  const { table, state } = fields
  if (table === undefined) problems.push('table is missing')
  else if (typeof table !== 'string') problems.push(`table must be text, got ${table === null ? 'null' : typeof table}`)
  else if (table.trim() === '') problems.push('table is empty')
  if (problems.length > 0) throw refused(problems)
  return { table: table as string, ...(state === undefined ? {} : { state: upgradeState(state) }) }
}

function refused(problems: readonly string[]): CdcFailure {
  const fields = 'known fields: table ("flights" or "public.flights")'
  return new CdcFailure(code.InvalidInput, `the input of tableCdc: ${problems.join('; ')}; ${fields}`, { details: { problems } })
}
