/** Decisions about columns and key, recorded in the table's log, where every carrier reads them (DESIGN §5). */
import { CdcFailure, code } from '../core/failures.ts'
import type { ColumnDecision } from '../core/decisions.ts'
import { isReserved, specialColumn, type ColumnRule, type TableSchema } from '../core/schema.ts'
import { append, metaDataEntry, type Settings } from './commit.ts'
import type { LakeContext, Provenance } from './context.ts'
import { newRules, withRules } from './deltaSchema.ts'
import type { Snapshot } from './snapshot.ts'

/** By an entry of its own; nothing is written where all of it stands there already. Throws CDC1005. */
export async function decide(
  ctx: LakeContext,
  known: Snapshot,
  decision: ColumnDecision,
  provenance: Provenance,
): Promise<Snapshot> {
  return append(ctx, known, (at) => {
    const schema = decided(at.schema, decision)
    return Promise.resolve(schema === at.schema ? null : metaDataEntry(ctx, at, schema, {}, provenance))
  })
}

/** The schema with the decision in it; the very same object where it says nothing new. Throws CDC1005. */
export function decided(schema: TableSchema, { rules, key, since }: ColumnDecision): TableSchema {
  for (const { as } of rules) {
    if (as !== null && as !== specialColumn && isReserved(as)) throw unfit(`${JSON.stringify(as)} is a name of the lake`)
    const other = schema.columns.find(({ name }) => name !== as && name.toLowerCase() === as?.toLowerCase())
    if (other) throw unfit(`${JSON.stringify(as)} and ${JSON.stringify(other.name)} differ only in case`)
  }
  const known = withPriors(schema, rules)
  const ruled = withRules(known, newRules(known, rules))
  if (key === null || JSON.stringify(key) === JSON.stringify(schema.key)) return ruled
  const former = [...(schema.formerKeys ?? []), { key: schema.key, until: since }]
  return { ...ruled, key, formerKeys: former.filter((each) => JSON.stringify(each.key) !== JSON.stringify(key)) }
}

/** A column that was there before goes on taking the values of its own name when a rule sends others into it. */
function withPriors(schema: TableSchema, rules: readonly ColumnRule[]): TableSchema {
  const known = schema.rules ?? []
  const joined = schema.columns.filter(({ name }) => {
    return rules.some(({ source, as }) => as === name && source !== name) && !known.some(({ as }) => as === name)
  })
  return joined.length === 0
    ? schema
    : { ...schema, rules: [...joined.map(({ name }) => ({ source: name, as: name })), ...known] }
}

function unfit(why: string): CdcFailure {
  return new CdcFailure(code.DecisionRefused, why)
}

/**
 * `cdc.defaults`: what rows show that were written before a column existed, as text of PostgreSQL. Read from the database by a
 * command; it changes no row, only what the current state shows of old ones.
 */
export async function recordDefaults(
  ctx: LakeContext,
  known: Snapshot,
  defaults: readonly (readonly [column: string, text: string])[],
  provenance: Provenance,
): Promise<Snapshot> {
  return append(ctx, known, (at) => {
    const names = new Set(defaults.map(([column]) => column))
    const there = JSON.parse(at.metaData.configuration['cdc.defaults'] ?? '[]') as [string, string][]
    const all = JSON.stringify([...there.filter(([column]) => !names.has(column)), ...defaults])
    const settings: Settings = { 'cdc.defaults': all }
    const same = all === JSON.stringify(there)
    return Promise.resolve(same ? null : metaDataEntry(ctx, at, at.schema, settings, provenance))
  })
}
