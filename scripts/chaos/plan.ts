/**
 * Which faults strike, in which order and how: drawn from a seed, with no clock and no state, so that a run can be repeated. How
 * far a run gets in its plan depends on how fast the machine recovers.
 */
import { randomOf, whole, type Random } from '../random.ts'
import { lanes, type Fault, type LaneName, type Particulars } from './fault.ts'

export interface Strike {
  /** The how-manieth of its lane, from 1. */
  readonly nth: number
  readonly kind: string
  /** Rest after the fault before this one. */
  readonly afterMs: number
  readonly particulars: Particulars
}

/** Without end, round by round: in each round every kind has one turn, in an order of its own. */
export function* planOf(seed: number, lane: LaneName, faults: readonly Fault[]): Generator<Strike, void> {
  const mine = faults.filter((fault) => fault.lane === lane)
  if (mine.length === 0) return
  const random = randomOf(seed * lanes.length + lanes.indexOf(lane))
  for (let nth = 1; ;) {
    for (const { kind, draw } of shuffled(random, mine)) {
      yield { nth: nth++, kind, afterMs: whole(random, 0, 1500), particulars: draw(random) }
    }
  }
}

/** All kinds, or those of one family (`window`), or one of them (`window.poll.after`); with commas between. Throws on others. */
export function chosen(catalog: readonly Fault[], only: string | undefined): readonly Fault[] {
  if (only === undefined) return catalog
  const names = only.split(',').map((name) => name.trim())
  const isOf = (kind: string, name: string) => kind === name || kind.startsWith(`${name}.`)
  const unknown = names.find((name) => !catalog.some(({ kind }) => isOf(kind, name)))
  if (unknown !== undefined) {
    throw new Error(
      `there is no fault ${JSON.stringify(unknown)}; there are:\n${catalog.map(({ kind, what }) => `  ${kind.padEnd(24)} ${what}`).join('\n')}`,
    )
  }
  return catalog.filter(({ kind }) => names.some((name) => isOf(kind, name)))
}

function shuffled<T>(random: Random, from: readonly T[]): T[] {
  const cards = [...from]
  for (let i = cards.length - 1; i > 0; i--) {
    const j = whole(random, 0, i)
    ;[cards[i], cards[j]] = [cards[j]!, cards[i]!]
  }
  return cards
}
