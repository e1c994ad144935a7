/** What PostgreSQL knows about columns that were added to a table after it had rows. */
import type { Client } from 'pg'

export interface AddedColumn {
  /** In the database today. */
  readonly name: string
  /**
   * `constant`: rows that no change touched since have `text`, which stands in the catalog and not in the rows. `rewritten`: the
   * column has a default and old rows have values that only a new read of the table tells. `none`: old rows have NULL.
   */
  readonly kind: 'constant' | 'rewritten' | 'none' | 'gone'
  readonly text: string | null
}

/** Looks `columns` up; a table that was rewritten since (VACUUM FULL, a volatile default) has forgotten its constants. */
export async function addedColumns(
  client: Client,
  schema: string,
  table: string,
  columns: readonly string[],
): Promise<readonly AddedColumn[]> {
  const { rows } = await client.query<{ name: string; missing: boolean; text: string | null; preset: boolean }>(
    `SELECT attname AS name, atthasmissing AS missing, (attmissingval::text::text[])[1] AS text, atthasdef AS preset
     FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace
     WHERE nspname = $1 AND relname = $2 AND attnum > 0 AND NOT attisdropped`,
    [schema, table],
  )
  const known = new Map(rows.map((row) => [row.name, row]))
  return columns.map((name) => {
    const found = known.get(name)
    if (!found) return { name, kind: 'gone', text: null }
    if (found.missing) return { name, kind: 'constant', text: found.text }
    return { name, kind: found.preset ? 'rewritten' : 'none', text: null }
  })
}
