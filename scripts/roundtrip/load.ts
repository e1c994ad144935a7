/** Rows into the table of every type, and changes of them. */
import type { Client } from 'pg'
import { roundtripColumns } from './columns.ts'
import { whole, type Random } from './random.ts'

export interface Changes {
  readonly snapshot: number
  readonly inserts: number
  readonly updates: number
  readonly deletes: number
}

/** More would pass the number of parameters that one statement may have (65,535). */
const rowsAStatement = 200

export async function insertRows(
  database: Client,
  { from, to, streamed, random }: { from: number; to: number; streamed: boolean; random: Random },
): Promise<void> {
  const names = roundtripColumns.map(({ name }) => `"${name}"`).join(', ')
  for (let start = from; start < to; start += rowsAStatement) {
    const end = Math.min(to, start + rowsAStatement)
    const values: (string | number | null)[] = []
    const tuples: string[] = []
    for (let id = start; id < end; id++) {
      const row = [id, ...roundtripColumns.map(({ value }) => value(id - from, streamed, random))]
      tuples.push(`(${row.map((_, i) => `$${values.length + i + 1}`).join(', ')})`)
      values.push(...row)
    }
    await database.query(`INSERT INTO every (id, ${names}) VALUES ${tuples.join(', ')}`, values)
  }
}

/** Updates a third of the rows, some columns each, and deletes a few. */
export async function changeRows(
  database: Client,
  { rows, random }: { rows: number; random: Random },
): Promise<Pick<Changes, 'updates' | 'deletes'>> {
  const updates = Math.floor(rows / 3)
  for (let i = 0; i < updates; i++) {
    const first = whole(random, 0, roundtripColumns.length - 1)
    const some = roundtripColumns.slice(first, first + whole(random, 1, 12))
    const sets = some.map(({ name }, at) => `"${name}" = $${at + 2}`).join(', ')
    const values = some.map(({ value }) => value(Infinity, false, random))
    await database.query(`UPDATE every SET ${sets} WHERE id = $1`, [whole(random, 0, rows - 1), ...values])
  }
  const deletes = Math.floor(rows / 20)
  const { rowCount } = await database.query('DELETE FROM every WHERE id % 20 = 7 AND id < $1', [deletes * 20])
  return { updates, deletes: rowCount ?? 0 }
}
