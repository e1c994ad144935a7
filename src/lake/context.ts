/** What the protocol is given instead of reaching for it, so that a simulation can drive the very same code. */
import type { Reach } from '../core/failpoints.ts'
import type { Column } from '../core/schema.ts'
import type { ObjectStore } from './store.ts'

export interface LakeContext {
  readonly store: ObjectStore
  /** The table's folder, relative to the lake's URL, without a slash at either end (see `tableRoot`). */
  readonly root: string
  /** ms since 1970 */
  readonly clock: () => number
  /** A fresh uuid. */
  readonly random: () => string
  readonly reach: Reach
  readonly format: LinkFormat
}

/** What a data file says about itself. */
export interface FileFooter {
  readonly rows: number
  readonly keyValues: ReadonlyMap<string, string>
  /** The columns that really are in the file, in order. */
  readonly columns: readonly Column[]
}

/** How the protocol reads and makes data files: Parquet in production, something cheap in the simulation. */
export interface LinkFormat {
  /** Throws on a broken file. */
  read(file: Uint8Array): FileFooter
  /** A file of these columns without rows. */
  empty(columns: readonly Column[], keyValues: Readonly<Record<string, string>>): Promise<Uint8Array>
}

/** Who writes, for `commitInfo`: nothing of it takes part in a decision. */
export interface Provenance {
  /** Name and version of the program, e.g. `sluice/0.1.0`. */
  readonly writer: string
  readonly workflowId: string
  readonly runId: string
}

export function keyIn(ctx: LakeContext, name: string): string {
  return `${ctx.root}/${name}`
}
