/** A worker's clock is stepped: its own Date, by a preload (clockStep.ts). The clock of the machine stays as it is. */
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { join } from 'node:path'
import { pick, whole } from '../../random.ts'
import { projectRoot } from '../../stack/places.ts'
import { fault } from '../fault.ts'

const hour = 3_600_000
const preload = pathToFileURL(join(projectRoot, 'scripts', 'chaos', 'clockStep.mjs')).href

export const clockFaults = [
  fault({
    kind: 'clock.step',
    lane: 'workers',
    what: "a worker's clock (its Date) jumps by up to two days, forwards or back",
    draw: (random) => ({
      stepMs: pick(random, [-48, -25, -1.5, -0.02, 0.02, 1.5, 25, 48]) * hour,
      afterMs: whole(random, 500, 4000),
    }),
    tell: ({ stepMs }) => `one more worker's clock jumps ${Math.abs(stepMs / hour)} hours ${stepMs < 0 ? 'back' : 'forwards'}`,
    async strike({ crew }, { stepMs, afterMs }) {
      const worker = await crew.hire({
        NODE_OPTIONS: `--import ${preload}`,
        SLUICE_CLOCK_STEP_MS: String(stepMs),
        SLUICE_CLOCK_STEP_AFTER_MS: String(afterMs),
      })
      await sleep(afterMs + 5000)
      await crew.retire(worker)
    },
  }),
]
