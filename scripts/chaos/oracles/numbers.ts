/** Each writer's numbers, by the writer's own memory: all of 1 to the last one it knows to be committed, each once, no others. */
import type { LakeSide } from '../../verify/sides.ts'
import type { LoadFacts } from '../story.ts'

export interface NumberInLake {
  readonly writer: number
  readonly number: number
  readonly times: number
  /** Written by a transaction or behind a savepoint that was rolled back. */
  readonly doomed: boolean
}

/** Reads of a snapshot that was begun anew count once. */
export const numbersIn = (side: LakeSide): string =>
  `SELECT writer, number, count(*) FILTER (__op <> 'r') + count(DISTINCT __op) FILTER (__op = 'r') AS times, bool_or(doomed) AS doomed
   FROM ${side} GROUP BY writer, number`

export interface WrongNumbers {
  readonly missing: readonly string[]
  readonly surplus: readonly string[]
}

export function wrongNumbers(numbers: readonly NumberInLake[], writers: LoadFacts['writers']): WrongNumbers {
  const missing: string[] = []
  const surplus: string[] = []
  const last = new Map(writers.map(({ writer, committed }) => [writer, committed]))
  const seen = new Map(writers.map(({ writer }) => [writer, new Set<number>()]))
  for (const { writer, number, times, doomed } of numbers) {
    const what = `number ${number} of writer ${writer}`
    if (doomed) surplus.push(`${what} was rolled back and is in the lake`)
    else if (number < 1 || number > (last.get(writer) ?? 0)) surplus.push(`${what} is in the lake, and was never committed`)
    else if (times > 1) surplus.push(`${what} is ${times} times in the lake`)
    seen.get(writer)?.add(number)
  }
  for (const [writer, committed] of last) {
    for (let number = 1; number <= committed; number++) {
      if (!seen.get(writer)!.has(number))
        missing.push(`number ${number} of writer ${writer} was committed and is not in the lake`)
    }
  }
  return { missing, surplus }
}
