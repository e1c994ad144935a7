/** One kind of fault: how chance draws its particulars, how they are told, how it strikes. */
import type { Random } from '../random.ts'
import type { Stage } from './stage.ts'

/** Plain JSON: a plan can be printed and kept. */
export type Particulars = Readonly<Record<string, string | number | boolean>>

/** Faults of several lanes may strike at the same time; those of one lane come one after the other. */
export const lanes = ['workers', 'reading', 'committing', 'store', 'parts'] as const
export type LaneName = (typeof lanes)[number]

/** A table that carries nothing for so long after all was healed needs a hand. Long, for machines that have other things to do. */
export const patienceMs = 300_000

export interface Fault<P extends Particulars = Particulars> {
  /** `family.name` */
  readonly kind: string
  readonly lane: LaneName
  /** What breaks, for the table at the end and for docs/chaos.md. */
  readonly what: string
  readonly draw: (random: Random) => P
  /** What is done this time, in plain words. */
  readonly tell: (particulars: P) => string
  /**
   * Breaks something and mends it. Returns the moment (ms since 1970) from which recovery is counted; where it returns nothing
   * that is when all is mended. Throws `NotStruck` where there was nothing to break this time.
   */
  readonly strike: (stage: Stage, particulars: P) => Promise<number | void>
}

/** The kinds differ in their particulars; a catalog holds them all. */
export function fault<P extends Particulars>(definition: Fault<P>): Fault {
  return definition as unknown as Fault
}

/** The fault could not strike, and is not counted: a crash window that no worker came through in time. */
export class NotStruck extends Error {}
