/** Decisions about columns and key, recorded in the table's log, where every carrier reads them (DESIGN §5). */
import { CdcFailure, code } from '../core/failures.ts'
import type { ColumnDecision } from '../core/decisions.ts'
import { isReserved, specialColumn, type ColumnRule, type TableSchema } from '../core/schema.ts'
import { append, metaDataEntry } from './commit.ts'
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

/** What a command learned from the database of columns, that no change tells. It changes no row, only what the latest state shows. */
export interface Learned {
  /** What rows show that were written before a column existed, as text of PostgreSQL; the newest of a column counts. */
  readonly defaults: readonly (readonly [column: string, text: string])[]
  /** Of source columns; `lsn` decimal: changes before it have the old name. */
  readonly renames: readonly (readonly [from: string, to: string, lsn: string])[]
}

/** As `cdc.defaults` and `cdc.renames`, by an entry of its own; nothing is written where all of it stands there already. */
export async function recordLearned(ctx: LakeContext, known: Snapshot, learned: Learned, by: Provenance): Promise<Snapshot> {
  return append(ctx, known, (at) => {
    const standing = (name: string) => JSON.parse(at.metaData.configuration[name] ?? '[]') as string[][]
    const named = new Set(learned.defaults.map(([column]) => column))
    const defaults = [...standing('cdc.defaults').filter(([column]) => !named.has(column!)), ...learned.defaults]
    const renames = new Map([...standing('cdc.renames'), ...learned.renames].map((each) => [JSON.stringify(each), each]))
    const inOrder = [...renames.values()].sort(([, , a], [, , b]) => (BigInt(a) < BigInt(b) ? -1 : 1))
    const settings = [
      ['cdc.defaults', defaults],
      ['cdc.renames', inOrder],
    ] as const
    const news = settings.filter(([name, all]) => JSON.stringify(all) !== JSON.stringify(standing(name)))
    const told = Object.fromEntries(news.map(([name, all]) => [name, JSON.stringify(all)]))
    return Promise.resolve(news.length === 0 ? null : metaDataEntry(ctx, at, at.schema, told, by))
  })
}
