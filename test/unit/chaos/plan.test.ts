import { describe, expect, test } from 'vitest'
import { failpoints } from '../../../src/core/failpoints.ts'
import { catalog } from '../../../scripts/chaos/catalog.ts'
import { lanes } from '../../../scripts/chaos/fault.ts'
import { chosen, planOf, type Strike } from '../../../scripts/chaos/plan.ts'

function first(count: number, plan: Iterable<Strike>): Strike[] {
  const strikes: Strike[] = []
  for (const strike of plan) {
    strikes.push(strike)
    if (strikes.length === count) break
  }
  return strikes
}

describe('the plan of a run', () => {
  test('is the same for the same seed and another for another', () => {
    for (const lane of lanes) {
      const plan = first(200, planOf(7, lane, catalog))
      expect(first(200, planOf(7, lane, catalog))).toEqual(plan)
      expect(first(200, planOf(8, lane, catalog))).not.toEqual(plan)
    }
  })

  test('is plain JSON, so that it can be kept', () => {
    const plan = lanes.flatMap((lane) => first(100, planOf(7, lane, catalog)))
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan)
  })

  test('gives every kind one turn in each round', () => {
    for (const lane of lanes) {
      const kinds = catalog.filter((fault) => fault.lane === lane).map(({ kind }) => kind)
      const plan = first(5 * kinds.length, planOf(1, lane, catalog)).map(({ kind }) => kind)
      for (let round = 0; round < 5; round++) {
        expect(plan.slice(round * kinds.length, (round + 1) * kinds.length).sort()).toEqual([...kinds].sort())
      }
    }
  })

  test('is empty where no fault of the lane was chosen', () => {
    expect([...planOf(1, 'parts', chosen(catalog, 'worker'))]).toEqual([])
  })
})

describe('the catalog', () => {
  test('has every failpoint as a crash window', () => {
    const windows = chosen(catalog, 'window').map(({ kind }) => kind)
    expect(windows).toEqual(failpoints.map((point) => `window.${point}`))
  })

  test('names no kind twice', () => {
    expect(new Set(catalog.map(({ kind }) => kind)).size).toBe(catalog.length)
  })

  test('is chosen from by kind, by family, and by several of them', () => {
    const kinds = (only: string) => chosen(catalog, only).map(({ kind }) => kind)
    expect(kinds('worker.kill')).toEqual(['worker.kill'])
    expect(kinds('kafka')).toEqual(['kafka.kill', 'kafka.pause'])
    expect(kinds('store.kill, clock')).toEqual(['clock.step', 'store.kill'])
    expect(chosen(catalog, undefined)).toBe(catalog)
  })

  test('tells what there is when asked for what there is not', () => {
    expect(() => chosen(catalog, 'worker.kil')).toThrow(/no fault "worker\.kil".*worker\.kill +a worker is killed/s)
  })
})
