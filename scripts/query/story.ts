/** What a table's log says about its columns and key, as far as readers need it. */
import type { FormerKey } from '../../src/core/schema.ts'
import { keyColumns } from './latestState.ts'
import type { ColumnStory, LakeColumn, Rename } from './today.ts'

export interface Settings {
  readonly key: readonly string[]
  /** One that was more than the present one under other names; null where the key never changed. */
  readonly formerKey: readonly string[] | null
  readonly story: ColumnStory
}

/** `configuration` of the log's newest `metaData`. */
export function storyOf(configuration: Readonly<Record<string, string>>): Settings {
  const list = <Item>(name: string) => JSON.parse(configuration[name] ?? '[]') as Item[]
  const since = new Map(list<[string, string]>('cdc.added'))
  const renames = list<[string, string, string]>('cdc.renames').map(([from, to, lsn]) => ({ from, to, lsn }))
  const defaults = list<[string, string]>('cdc.defaults').flatMap(([column, text]) => {
    const lsn = since.get(column)
    return lsn === undefined ? [] : [{ column, text, since: lsn }]
  })
  const rules = list<[string, string | null]>('cdc.columns').map(([source, as]) => ({ source, as }))
  const key = list<string>('cdc.key')
  const other = list<FormerKey>('cdc.formerKeys').find((former) => {
    return !former.key.every((name, i) => nameToday(name, renames) === key[i]) || former.key.length !== key.length
  })
  return { key, formerKey: other?.key ?? null, story: { rules, defaults, renames } }
}

/** Types whose text is the same in PostgreSQL and DuckDB. */
const comparable = /^(BIGINT|DECIMAL.*|BOOLEAN|VARCHAR|DATE)$/

export function whyNoLatestState({ key, formerKey, story }: Settings, columns: readonly LakeColumn[]): string | null {
  if (formerKey !== null) {
    const renamed = 'where its columns were only renamed, `npm run columns` finds that; else the log of changes is all there is'
    return `its key was (${formerKey.join(', ')}) and is (${key.join(', ')}), and deletes before name rows by the former one alone: ${renamed}`
  }
  if (key.length === 0) return 'it has no key'
  const types = new Map(columns.map(({ name, type }) => [name, type]))
  for (const source of key) {
    const places = keyColumns(source, columns, story.rules)
    const odd = places.length > 1 && places.find((name) => !comparable.test(types.get(name)!))
    if (odd)
      return `its key column ${source} had several types, and ${types.get(odd)} cannot be compared with the others: read ${places.join(', ')} in the log`
  }
  return null
}

/** The name that a column has after all renames. */
export function nameToday(name: string, renames: readonly Rename[]): string {
  return renames.reduce((at, { from, to }) => (at === from ? to : at), name)
}
