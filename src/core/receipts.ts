/** What `writeParquet` gives back and `commitOffsets` takes: small plain JSON that may lie in Temporal's history. */
import type { OffsetText } from './offsets.ts'
import type { Column, ColumnRule } from './schema.ts'

/** The newest place a partition has reached, as the log says it (DESIGN §4). P = max(base, seen). */
export interface Position {
  readonly partition: number
  /** End of the last link = name of the next one. */
  readonly base: OffsetText
  /** Scanned that far and nothing to keep; >= base or equal to it. */
  readonly seen: OffsetText
  /** Days since 1970 of the folder in which the next link stands. */
  readonly day: number
  /** Greatest place of a streamed event in the chain so far, `<commit lsn>/<lsn>/<order>`; absent before the first one. */
  readonly high?: string
}

/** What the order of the events gives away about the source; nothing is dropped for it (SEMANTICS R1.12, R1.16). */
export interface StreamFacts {
  /** As in `Position`, up to the end of the link. */
  readonly high: string | null
  /** Streamed events that do not stand above the greatest one before them: sent again, or the database went back. */
  readonly replayed: number
  /** Rows of a full snapshot that came after streaming had begun. */
  readonly resnapshot: number
}

/** The last record of a link: how a topic that was cut back after an unclean election shows. `hash` is of key and value. */
export interface Anchor {
  readonly offset: OffsetText
  readonly timestampMs: number
  readonly hash: string
}

/** min and max of the two columns whose statistics the log carries (SEMANTICS R2.13). Times are us since 1970 as text. */
export interface LinkStats {
  readonly minOffset: OffsetText
  readonly maxOffset: OffsetText
  readonly minSourceTs: string | null
  readonly maxSourceTs: string | null
}

export interface Quarantine {
  readonly key: string
  readonly sha256: string
  readonly records: number
}

/** One write-once object of a partition's chain, told from what stands in the store, never from one's own bytes. */
export interface Link {
  readonly key: string
  readonly epoch: number
  readonly partition: number
  readonly day: number
  readonly base: OffsetText
  readonly next: OffsetText
  readonly nextDay: number
  readonly rows: number
  readonly bytes: number
  readonly sha256: string
  readonly schemaId: string
  readonly stats: LinkStats | null
  /** LSNs of the rows, decimal text. */
  readonly lsn: { readonly min: string; readonly max: string } | null
  /** Absent in links that were written before it was counted, and in closing links. */
  readonly order?: StreamFacts
  readonly quarantine: Quarantine | null
  readonly anchor: Anchor | null
  /** Opens the epoch that is named: the chain ends here and its carrier is fenced. */
  readonly closed: number | null
  /** These records were gone from Kafka before they were carried, and a person accepted it (DESIGN §4.8). */
  readonly gap?: { readonly from: OffsetText; readonly to: OffsetText }
}

/** Columns (and, the first time, the key) that the next record needs and the table lacks. */
export interface Growth {
  readonly columns: readonly Column[]
  readonly key: readonly string[] | null
  /** What the table's policy decided about columns that have no place (tables.yaml: `schemaChange`). */
  readonly rules?: readonly ColumnRule[]
  /** Commit LSN of that record, decimal text: rows of earlier commits were written before the columns existed. */
  readonly since?: string | null
}

export interface Receipt {
  readonly epoch: number
  readonly partition: number
  readonly base: OffsetText
  /** Everything below is in `link`, or was scanned and needs no row. */
  readonly next: OffsetText
  readonly nextDay: number
  /** null: the range held nothing to keep; only `seen` moves. */
  readonly link: Link | null
  /** Set where the range was cut because the next record needs columns: an entry of its own comes first (DESIGN §4.6). */
  readonly growth: Growth | null
  /** The object stood there already. */
  readonly adopted: boolean
  /** ms since 1970; a receipt older than an hour is checked by HEAD before it is committed. */
  readonly writtenAtMs: number
}
