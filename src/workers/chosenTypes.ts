import type { LakeType, TableSchema } from '../core/schema.ts'

/**
 * For each column that `lakeTypes` of tables.yaml names, the types that count, the first first: the one that the table has
 * already, then the file's. Types are read from the log; the file counts when a column is added (DESIGN §4.6).
 */
export function chosenTypes(
  lakeTypes: Readonly<Record<string, LakeType>>,
  { columns }: TableSchema,
): ReadonlyMap<string, readonly LakeType[]> {
  const known = new Map(columns.map(({ name, type }) => [name, type]))
  return new Map(Object.entries(lakeTypes).map(([name, type]) => [name, known.has(name) ? [known.get(name)!, type] : [type]]))
}
