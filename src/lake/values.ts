/** The values of a column chunk as one encoding has them in its data pages; levels stand before them and are not part of it. */
import type { PageBytes } from './pageBytes.ts'

export interface EncodedValues {
  /** By thrift's number (Parquet's `Encoding`). */
  readonly encoding: number
  /** What the dense values [from, to) take in a page, about, and never much less. */
  bytesOf(from: number, to: number): number
  /** Appends the dense values [from, to) as one page has them. */
  write(out: PageBytes, from: number, to: number): void
}
