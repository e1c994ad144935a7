/** Ranges with the doors of the thread that carries them. What a range is and what comes of it is plain JSON. */
import { randomUUID } from 'node:crypto'
import type { CarryJob } from '../activities/deps.ts'
import { carryRange } from '../carry/carryRange.ts'
import type { Config } from '../config/config.ts'
import type { Reach } from '../core/failpoints.ts'
import type { Receipt } from '../core/receipts.ts'
import type { RangeReader } from '../core/records.ts'
import { parquetLink } from '../lake/parquetLink.ts'
import type { ObjectStore, Snapshot } from '../lake/table.ts'
import { decoderOf } from './doors.ts'

export interface Range {
  readonly job: CarryJob
  /** The table as new as its log is now. */
  readonly snapshot: Snapshot
  readonly attempt: number
}

export type CarryRange = (range: Range, signal: AbortSignal) => Promise<Receipt>

export interface RangeDoors {
  readonly reader: RangeReader
  readonly store: ObjectStore
  readonly reach: Reach
}

export function rangeCarrier(config: Config, { reader, store, reach }: RangeDoors): CarryRange {
  return ({ job: { table, ...job }, snapshot, attempt }, signal) =>
    carryRange(
      { ...job, table: table.name },
      {
        reader,
        lake: { store: store.bound(signal), root: table.root, clock: Date.now, random: randomUUID, reach, format: parquetLink },
        table: snapshot,
        decoder: decoderOf(config, table, snapshot.schema),
        policies: { schemaChange: table.schemaChange, badRecords: table.badRecords },
        reach,
        signal,
        attempt,
      },
    )
}
