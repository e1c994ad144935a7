/** Days since 1970-01-01 UTC: what the folder `cdc_date=` and the `day` position are counted in. */

const msPerDay = 86_400_000
export const usPerDay = msPerDay * 1000

export function dayOfMs(ms: number): number {
  return Math.floor(ms / msPerDay)
}

export function dayOfUs(us: number): number {
  return Math.floor(us / usPerDay)
}

/** `20781` -> `2026-11-24` */
export function dayText(day: number): string {
  return new Date(day * msPerDay).toISOString().slice(0, 10)
}
