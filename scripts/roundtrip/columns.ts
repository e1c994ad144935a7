/** The columns of the table: each type, its array, and domains over some. */
import * as any from './random.ts'
import type { Random } from './random.ts'
import { domains, typeCases, type TypeCase } from './typeCases.ts'

export interface RoundtripColumn {
  readonly name: string
  readonly type: string
  /** Text that PostgreSQL reads for the column in the row that is inserted as number `row`, or NULL. */
  readonly value: (row: number, streamed: boolean, random: Random) => string | null
  readonly shown: string
  readonly special: string | null
  readonly compared: 'text' | 'list' | 'object' | 'shape'
}

export const setUp = `
  CREATE EXTENSION hstore; CREATE EXTENSION ltree; CREATE EXTENSION citext;
  CREATE TYPE mood AS ENUM ('sad', 'so so', 'ok {"x"}');
  ${domains.map(([name, base]) => `CREATE DOMAIN d_${name} AS ${base};`).join('\n  ')}`

/** What tables.yaml says of the table: a numeric without a precision as a decimal. */
export const lakeTypes = { chosen: 'decimal(38,10)' }

export const roundtripColumns: readonly RoundtripColumn[] = [
  ...typeCases.map(scalar),
  ...typeCases.filter(({ list }) => list !== 'none').map(listOf),
  ...domains
    .map(([name]) => ({ ...scalar(typeCases.find((each) => each.name === name)!), type: `d_${name}`, name: `d_${name}` }))
    .map(renamed),
]

function scalar(of: TypeCase): RoundtripColumn {
  const column = `"${of.name}"`
  return {
    name: of.name,
    type: of.type,
    value: (row, streamed, random) => valueOf(of, row, streamed, random),
    shown: of.shown?.(column) ?? `${column}::text`,
    special: of.special?.(column) ?? null,
    compared: of.compared ?? 'text',
  }
}

/** SQL of a domain's column is that of the type below it, under the domain's name. */
function renamed(column: RoundtripColumn): RoundtripColumn {
  const from = `"${column.name.slice(2)}"`
  const to = `"${column.name}"`
  return { ...column, shown: column.shown.replaceAll(from, to), special: column.special?.replaceAll(from, to) ?? null }
}

function valueOf(of: TypeCase, row: number, streamed: boolean, random: Random): string | null {
  const extremes = streamed ? [...of.extremes, ...(of.streamed ?? [])] : of.extremes
  if (row < extremes.length) return extremes[row]!
  if (random() < 0.1) return null
  return random() < 0.1 ? any.pick(random, extremes) : of.random(random)
}

function listOf(of: TypeCase): RoundtripColumn {
  const name = `${of.name}_list`
  const elements = { ...of, ...of.inList }
  const each = (sql: string) => `(SELECT json_agg(${sql} ORDER BY n)::text FROM unnest("${name}") WITH ORDINALITY AS u (e, n))`
  return {
    name,
    type: `${of.type}[]`,
    value: (row, _streamed, random) => {
      if (row === 0) return '{}'
      if (row === 1) return null
      const length = row === 2 ? elements.extremes.length : any.whole(random, 0, 4)
      const values = Array.from({ length }, (_, i) => {
        const value = row === 2 ? elements.extremes[i]! : valueOf(elements, Infinity, false, random)
        return value === null && of.list === 'noNulls' ? of.extremes[0]! : value
      })
      return `{${values.map(quoted).join(',')}}`
    },
    shown: `CASE cardinality("${name}") WHEN 0 THEN '[]' ELSE ${each(of.shown?.('e') ?? 'e::text')} END`,
    special: of.special
      ? `CASE WHEN EXISTS (SELECT FROM unnest("${name}") AS u (e) WHERE (${of.special('e')}) IS NOT NULL) THEN ${each(of.special('e'))} END`
      : null,
    compared: 'list',
  }
}

function quoted(element: string | null): string {
  return element === null ? 'NULL' : `"${element.replaceAll(/["\\]/g, '\\$&')}"`
}
