/** A short run of `npm run chaos` on the stack that all tests share: only faults that strike nobody else. */
import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { catalog } from '../../scripts/chaos/catalog.ts'
import { chosen } from '../../scripts/chaos/plan.ts'
import { report } from '../../scripts/chaos/report.ts'
import { runChaos } from '../../scripts/chaos/run.ts'
import { stackFacts } from './harness.ts'

const kinds = [
  ...['worker.kill', 'window.write.afterObject', 'window.commit.afterEntry', 'window.open.after'],
  ...['workflow.terminate', 'workflow.reset', 'answer.lost', 'answer.412', 'answer.503'],
]

test('workers die, workflows end, the store loses its answers: every change is in the lake once, in order, and no table needs a hand', async () => {
  const faults = chosen(catalog, kinds.join(','))
  const name = `chaos_${randomBytes(3).toString('hex')}`
  const options = { seed: 5, forMs: 25_000, faults, single: false, name, say: console.log }
  const result = await runChaos(stackFacts(), options, () => Promise.resolve())
  console.log(report(result, faults))
  expect(result.violations).toEqual([])
  expect(result.judgement).toMatchObject({
    duplicates: 0,
    missing: 0,
    outOfOrder: 0,
    stateDiffers: 0,
    unaccounted: 0,
    wrongSums: 0,
    tellingRuns: 0,
  })
  expect(result.judgement!.rows).toBeGreaterThan(20_000)
  expect(result.outcomes.filter(({ struck }) => struck).length).toBeGreaterThanOrEqual(3)
}, 300_000)
