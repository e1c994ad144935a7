/** Names of objects below a table's root (DESIGN §4.4). They depend on nothing that can differ between two attempts. */
import { dayText } from './days.ts'

export function linkKey(link: { topic: string; epoch: number; partition: number; base: bigint; day: number }): string {
  const base = link.base.toString().padStart(20, '0')
  return `data/cdc_date=${dayText(link.day)}/${link.topic}-${link.epoch}-${link.partition}-${base}.parquet`
}

/** Set-aside records of a link: named by it and by what they are, so that attempts which differ never share a name (DESIGN §4.7). */
export function quarantineKey(link: string, sha256: string): string {
  const name = link.slice(link.lastIndexOf('/') + 1).replace(/\.parquet$/, '')
  return `_quarantine/${name}-${sha256}.parquet`
}

export function logKey(version: number): string {
  return `_delta_log/${version.toString().padStart(20, '0')}.json`
}
