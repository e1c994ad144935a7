/** Chance by a seed (Mulberry32): the same seed gives the same numbers, in [0, 1). */
export type Random = () => number

export function randomOf(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A whole number from `least` to `most`, both included. */
export const whole = (random: Random, least: number, most: number): number => Math.floor(least + random() * (most - least + 1))
export const pick = <T>(random: Random, from: readonly T[]): T => from[whole(random, 0, from.length - 1)]!
