/** Writing one link, and adopting the one that stands there already (DESIGN §4.4, §4.5). */
import { createHash } from 'node:crypto'
import { CdcFailure, code } from '../core/failures.ts'
import { linkKey } from '../core/keys.ts'
import { parseOffset } from '../core/offsets.ts'
import type { Link, Position } from '../core/receipts.ts'
import type { TableSchema } from '../core/schema.ts'
import { keyIn, type FileFooter, type LakeContext } from './context.ts'
import { covers, schemaIdOf } from './deltaSchema.ts'
import { foreign, linkFooter, standingLink, type LinkFacts, type LinkPlace } from './linkFacts.ts'
import { catchUp, type Snapshot } from './snapshot.ts'
import { outcomeOf } from './store.ts'

export interface LinkWriter {
  /** Name of the object below the table's root. */
  readonly key: string
  /** Takes the bytes over; waits while the store is behind. */
  write(bytes: Uint8Array): Promise<void>
  /** The key values for the file's footer; once, before its end is written. `complete` tells of these facts. */
  footer(facts: LinkFacts): Readonly<Record<string, string>>
  /**
   * `again`: nothing stands there; the whole range has to be written once more.
   * Throws CDC5003 for what is not our link, CDC2003 for a closed chain, CDC5001 where nobody knows.
   */
  complete(): Promise<{ readonly link: Link; readonly adopted: boolean } | 'again'>
  /** Never throws; harmless after `complete`. */
  abort(): Promise<void>
}

/** The link that follows `position`, with the columns that the table has in `table`. */
export function openLink(ctx: LakeContext, table: Snapshot, position: Position): LinkWriter {
  const place = placeOf(table, position)
  const key = linkKey({ ...place, base: parseOffset(place.base) })
  const upload = ctx.store.upload(keyIn(ctx, key))
  const hash = createHash('sha256')
  let bytes = 0
  let facts: LinkFacts | null = null
  return {
    key,
    async write(chunk) {
      hash.update(chunk)
      bytes += chunk.length
      await upload.write(chunk)
      await ctx.reach('write.afterPart')
    },
    footer(known) {
      facts = known
      return linkFooter(place, table.schema, known)
    },
    async complete() {
      if (facts === null) throw new Error('footer() comes before complete()')
      await ctx.reach('write.beforeObject')
      const outcome = await outcomeOf(upload.complete())
      await ctx.reach('write.afterObject')
      if (outcome === 'created') return { link: ownLink(key, place, table, facts, bytes, hash.digest('hex')), adopted: false }
      await upload.abort()
      const link = await adoptLink(ctx, table, position)
      if (link === null) return 'again'
      requireOpen(link)
      return { link, adopted: true }
    },
    abort: () => upload.abort(),
  }
}

/**
 * The link that stands behind `position`, whoever put it; null where none does. All of it is told by what stands.
 * Throws CDC5003 where that is foreign, broken, or has columns which the table (looked at again) does not have.
 */
export async function adoptLink(ctx: LakeContext, table: Snapshot, position: Position): Promise<Link | null> {
  const place = placeOf(table, position)
  const key = linkKey({ ...place, base: parseOffset(place.base) })
  const file = await ctx.store.get(keyIn(ctx, key))
  if (file === null) return null
  const { link, schema } = read(ctx, place, key, file)
  if (!covers(table.schema, schema)) {
    const fresh = await catchUp(ctx, table)
    if (!covers(fresh.schema, schema)) throw foreign(key, 'it has columns that the table does not have')
  }
  return link
}

function read(ctx: LakeContext, place: LinkPlace, key: string, file: Uint8Array): { link: Link; schema: TableSchema } {
  let footer: FileFooter
  try {
    footer = ctx.format.read(file)
  } catch (error) {
    throw foreign(key, 'it cannot be read', error)
  }
  try {
    return standingLink(place, key, file, footer)
  } catch (error) {
    if (error instanceof CdcFailure && error.code === code.ForeignObject) throw error
    throw foreign(key, 'its footer cannot be read', error)
  }
}

/** Throws CDC2003 where the chain ends: another carrier opens a new epoch, and this one is fenced (DESIGN §4.2). */
export function requireOpen({ partition, closed }: Link): void {
  if (closed === null) return
  throw new CdcFailure(code.TopicRecreated, `partition ${partition} is closed for epoch ${closed}`, {
    details: { partition, epoch: closed },
  })
}

/** Where the link that follows `position` stands, and whose it is. */
export function placeOf(table: Snapshot, { partition, base, day }: Position): LinkPlace {
  const { topic, topicId, epoch } = table
  return { clusterId: table.binding.clusterId, topic, topicId, epoch, partition, base, day }
}

function ownLink(key: string, place: LinkPlace, table: Snapshot, facts: LinkFacts, bytes: number, sha256: string): Link {
  const { epoch, partition, base, day } = place
  const { next, nextDay, rows, stats, lsn, order, anchor, quarantine, closed = null } = facts
  const schemaId = schemaIdOf(table.schema)
  return {
    key,
    epoch,
    partition,
    day,
    base,
    next,
    nextDay,
    rows,
    bytes,
    sha256,
    schemaId,
    stats,
    lsn,
    ...(order && { order }),
    quarantine,
    anchor,
    closed,
  }
}
