/** Columns that a table in the lake got after its first ones, and which column of the database each of them is. */
import { givenTo } from '../../src/core/schema.ts'
import { nameToday } from '../query/story.ts'
import type { ColumnStory } from '../query/today.ts'

export interface LaterColumn {
  /** In the lake. */
  readonly column: string
  /** In the database, today. */
  readonly source: string
  /** Changes were carried without it: it was ignored, or kept as text in `__special`. */
  readonly leftOut: boolean
}

/** `added` and `all`: names in the lake. Columns that only go on with the values of another (a rename, a type that changed) are none. */
export function laterColumns(
  added: readonly string[],
  all: readonly string[],
  { rules = [], renames = [] }: ColumnStory,
): LaterColumn[] {
  return added.flatMap((column) => {
    const first = givenTo(column, rules) ?? column
    const goesOn =
      (first !== column && all.includes(first)) || renames.some(({ from, to }) => to === column && all.includes(from))
    const leftOut = rules.some(({ source, as }) => source === first && (as === null || as === '__special'))
    return goesOn ? [] : [{ column, source: nameToday(first, renames), leftOut }]
  })
}
