/**
 * What a link says about itself in its footer, as `cdc.*` key values (DESIGN §4.4). Only what is a function of the range
 * stands there, so that the same range makes the same bytes; and all that a receipt needs, so that any carrier can adopt it.
 */
import { createHash } from 'node:crypto'
import { CdcFailure, code } from '../core/failures.ts'
import { linkKey } from '../core/keys.ts'
import { parseOffset, type OffsetText } from '../core/offsets.ts'
import type { Anchor, Link, LinkStats, Quarantine, StreamFacts } from '../core/receipts.ts'
import { canonicalSchema, fileColumns, parseCanonicalSchema, type TableSchema } from '../core/schema.ts'
import type { FileFooter } from './context.ts'
import { schemaIdOf } from './deltaSchema.ts'

/** Whose link it is: where it stands follows from this alone. */
export interface LinkPlace {
  readonly clusterId: string
  readonly topic: string
  readonly topicId: string
  readonly epoch: number
  readonly partition: number
  readonly base: OffsetText
  readonly day: number
}

/** What writing the range found out. */
export interface LinkFacts {
  readonly next: OffsetText
  readonly nextDay: number
  readonly rows: number
  readonly stats: LinkStats | null
  readonly lsn: { readonly min: string; readonly max: string } | null
  readonly order?: StreamFacts
  readonly anchor: Anchor | null
  readonly quarantine: Quarantine | null
  /** Names the rules by which records became rows, for whoever compares two files. */
  readonly rules: string
  readonly closed?: number | null
  readonly gap?: NonNullable<Link['gap']>
}

export const linkFormatVersion = '1'

export function linkFooter(place: LinkPlace, schema: TableSchema, facts: LinkFacts): Readonly<Record<string, string>> {
  return {
    'cdc.format': linkFormatVersion,
    'cdc.cluster_id': place.clusterId,
    'cdc.topic': place.topic,
    'cdc.topic_id': place.topicId,
    'cdc.epoch': String(place.epoch),
    'cdc.partition': String(place.partition),
    'cdc.base': place.base,
    'cdc.next': facts.next,
    'cdc.next_day': String(facts.nextDay),
    'cdc.rows': String(facts.rows),
    'cdc.schema': canonicalSchema(schema),
    'cdc.schema_id': schemaIdOf(schema),
    'cdc.rules': facts.rules,
    'cdc.stats': JSON.stringify(facts.stats),
    'cdc.lsn': JSON.stringify(facts.lsn),
    'cdc.order': JSON.stringify(facts.order ?? null),
    'cdc.anchor': JSON.stringify(facts.anchor),
    'cdc.quarantine': JSON.stringify(facts.quarantine),
    'cdc.closed': JSON.stringify(facts.closed ?? null),
    ...(facts.gap && { 'cdc.gap': JSON.stringify(facts.gap) }),
  }
}

/**
 * The link as it stands: everything from its bytes, nothing from what one would have written (DESIGN §4.5).
 * Throws CDC5003 where the object is broken or not the link of this place.
 */
export function standingLink(
  place: LinkPlace,
  key: string,
  file: Uint8Array,
  footer: FileFooter,
): { link: Link; schema: TableSchema } {
  const text = (name: string): string => {
    const value = footer.keyValues.get(`cdc.${name}`)
    if (value === undefined) throw foreign(key, `its footer lacks cdc.${name}`)
    return value
  }
  const expected = {
    format: linkFormatVersion,
    cluster_id: place.clusterId,
    topic: place.topic,
    topic_id: place.topicId,
    epoch: String(place.epoch),
    partition: String(place.partition),
    base: place.base,
  }
  for (const [name, value] of Object.entries(expected)) {
    if (text(name) !== value) throw foreign(key, `its cdc.${name} is ${text(name)}, not ${value}`)
  }
  const schema = parseCanonicalSchema(text('schema'))
  const order = JSON.parse(footer.keyValues.get('cdc.order') ?? 'null') as StreamFacts | null
  const gap = footer.keyValues.get('cdc.gap')
  const link: Link = {
    key: linkKey({ ...place, base: parseOffset(place.base) }),
    epoch: place.epoch,
    partition: place.partition,
    day: place.day,
    base: place.base,
    next: text('next'),
    nextDay: Number(text('next_day')),
    rows: Number(text('rows')),
    bytes: file.length,
    sha256: createHash('sha256').update(file).digest('hex'),
    schemaId: text('schema_id'),
    stats: JSON.parse(text('stats')) as LinkStats | null,
    lsn: JSON.parse(text('lsn')) as Link['lsn'],
    ...(order && { order }),
    quarantine: JSON.parse(text('quarantine')) as Quarantine | null,
    anchor: JSON.parse(text('anchor')) as Anchor | null,
    closed: JSON.parse(text('closed')) as number | null,
    ...(gap !== undefined && { gap: JSON.parse(gap) as NonNullable<Link['gap']> }),
  }
  if (link.rows !== footer.rows) throw foreign(key, `it holds ${footer.rows} rows and says ${link.rows}`)
  if (link.schemaId !== schemaIdOf(schema)) throw foreign(key, 'its schema id is not that of its schema')
  if (canonicalColumns(fileColumns(schema)) !== canonicalColumns(footer.columns))
    throw foreign(key, 'its columns are not those of its schema')
  const behind = parseOffset(link.next) < parseOffset(link.base) || link.nextDay < link.day
  const stuck = link.next === link.base && link.nextDay === link.day && link.closed === null
  if (behind || stuck || !Number.isInteger(link.nextDay))
    throw foreign(key, `it leads nowhere: next ${link.next}, day ${link.nextDay}`)
  return { link, schema }
}

function canonicalColumns(columns: TableSchema['columns']): string {
  return JSON.stringify(columns.map(({ name, type }) => [name, type]))
}

export function foreign(key: string, why: string, cause?: unknown): CdcFailure {
  return new CdcFailure(code.ForeignObject, `${key} is not the next link: ${why}`, { details: { key }, cause })
}
