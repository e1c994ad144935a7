/** A link without rows: it says that a chain ends (DESIGN §4.2) or that records are lost (§4.8). */
import { CdcFailure, code } from '../core/failures.ts'
import { linkKey } from '../core/keys.ts'
import { parseOffset } from '../core/offsets.ts'
import type { Link, Position } from '../core/receipts.ts'
import { fileColumns } from '../core/schema.ts'
import { keyIn, type LakeContext } from './context.ts'
import { adoptLink, placeOf } from './link.ts'
import { linkFooter, type LinkFacts } from './linkFacts.ts'
import type { Snapshot } from './snapshot.ts'
import { outcomeOf } from './store.ts'

/** Puts it behind `position`, and tells what stands there then, whoever put that. Throws CDC5001 where nothing does. */
export async function putEmptyLink(
  ctx: LakeContext,
  table: Snapshot,
  position: Position,
  says: Pick<LinkFacts, 'next' | 'closed' | 'gap'>,
): Promise<Link> {
  const place = placeOf(table, position)
  const key = linkKey({ ...place, base: parseOffset(place.base) })
  const nothing = { rows: 0, stats: null, lsn: null, anchor: null, quarantine: null, rules: 'none' }
  const footer = linkFooter(place, table.schema, { ...nothing, nextDay: position.day, ...says })
  const file = await ctx.format.empty(fileColumns(table.schema), footer)
  await ctx.reach('write.beforeObject')
  const outcome = await outcomeOf(ctx.store.putIfAbsent(keyIn(ctx, key), file))
  await ctx.reach('write.afterObject')
  const link = await adoptLink(ctx, table, position)
  if (link) return link
  throw outcome instanceof CdcFailure
    ? outcome
    : new CdcFailure(code.StoreUnavailable, `${key} was written (${outcome}) and cannot be read`)
}
