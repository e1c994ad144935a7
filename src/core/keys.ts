/** Names of objects below a table's root (DESIGN §4.4). They depend on nothing that can differ between two attempts. */
import { dayText } from './days.ts'

export function linkKey(link: { topic: string; epoch: number; partition: number; base: bigint; day: number }): string {
  const base = link.base.toString().padStart(20, '0')
  return `data/cdc_date=${dayText(link.day)}/${link.topic}-${link.epoch}-${link.partition}-${base}.parquet`
}

export function logKey(version: number): string {
  return `_delta_log/${version.toString().padStart(20, '0')}.json`
}
