/**
 * Columns that batches of before gave back: those that come after take them, and with them the memory that they have. There are as
 * many as batches were ever under way at once, which the worker's memory budget bounds.
 */
import { columnBuilder, type ColumnBuilder } from '../core/columns.ts'
import type { LakeType } from '../core/schema.ts'

const free = new Map<LakeType, ColumnBuilder[]>()

/** An empty column. */
export function takeColumn(type: LakeType): ColumnBuilder {
  return free.get(type)?.pop() ?? columnBuilder(type)
}

/** Nobody may read them any more. */
export function giveBackColumns(columns: readonly ColumnBuilder[]): void {
  // The last one is taken first: so each finds the memory that the same column had.
  for (const column of columns.toReversed()) {
    column.clear()
    const alike = free.get(column.type)
    if (alike) alike.push(column)
    else free.set(column.type, [column])
  }
}
