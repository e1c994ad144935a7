import { describe, expect, it } from 'vitest'
import { decisionMutants, mutants } from '../../simulation/mutants.ts'
import { simulate, type Mutant } from '../../simulation/simulate.ts'
import { simulateDecisions } from '../../simulation/simulateDecisions.ts'

/** The first seed in `[from, to)` in which something goes wrong, and what. */
async function firstBad(
  from: number,
  to: number,
  mutant?: Mutant,
  one = simulate,
): Promise<{ seed: number; wrong: readonly string[] } | null> {
  for (let seed = from; seed < to; seed++) {
    const { wrong } = await one(seed, mutant)
    if (wrong.length > 0) return { seed, wrong: wrong.slice(0, 5) }
  }
  return null
}

const timeout = 180_000

describe('the commit protocol, simulated with crashes, zombies, lost answers and stale histories', () => {
  const chunk = 250
  for (let from = 0; from < 2_000; from += chunk) {
    it(`shows both readers every record exactly once, seeds ${from} to ${from + chunk - 1}`, { timeout }, async () => {
      expect(await firstBad(from, from + chunk)).toBeNull()
    })
  }

  it('gives the same run for the same seed', async () => {
    expect(await simulate(7)).toEqual(await simulate(7))
  })
})

describe('the simulation notices when a rule is left out', () => {
  it.each(Object.entries(mutants))('%s', { timeout }, async (_rule, mutant) => {
    expect(await firstBad(0, 300, mutant)).not.toBeNull()
  })
})

describe('topics that are made again, lose records and grow, while people decide', () => {
  const chunk = 250
  for (let from = 0; from < 1_000; from += chunk) {
    it(
      `shows both readers all that Kafka kept exactly once, in order per key, seeds ${from} to ${from + chunk - 1}`,
      { timeout },
      async () => {
        expect(await firstBad(from, from + chunk, undefined, simulateDecisions)).toBeNull()
      },
    )
  }

  it.each(Object.entries(decisionMutants))('the simulation notices without a rule of %s', { timeout }, async (_rule, mutant) => {
    expect(await firstBad(0, 500, mutant, simulateDecisions)).not.toBeNull()
  })
})
