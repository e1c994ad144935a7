/** Workers die, leave and freeze; another goes on. */
import { setTimeout as sleep } from 'node:timers/promises'
import { whole, type Random } from '../../random.ts'
import { signalGroup } from '../../stack/processes.ts'
import type { PartRecord } from '../../stack/runfile.ts'
import { fault } from '../fault.ts'
import type { Stage } from '../stage.ts'

/** Longer than an activity may be silent (src/workflows/proxies.ts), so that its work is given to another meanwhile. */
export const pastHeartbeatMs = 12_500

const lane = 'workers'

function oneOf({ crew }: Stage, which: number): PartRecord {
  return crew.regulars[which % crew.regulars.length]!
}
const drawWhich = (random: Random) => ({ which: whole(random, 0, 5) })

export const workerFaults = [
  fault({
    kind: 'worker.kill',
    lane,
    what: 'a worker is killed (kill -9) and another hired',
    draw: drawWhich,
    tell: () => 'one of the workers is killed',
    async strike(stage, { which }) {
      const killedAt = Date.now()
      await stage.crew.kill(oneOf(stage, which))
      await stage.crew.hire()
      return killedAt
    },
  }),
  fault({
    kind: 'worker.term',
    lane,
    what: 'a worker is told to end (SIGTERM), as at a deployment',
    draw: drawWhich,
    tell: () => 'one of the workers is told to end',
    async strike(stage, { which }) {
      const leaving = oneOf(stage, which)
      const toldAt = Date.now()
      await Promise.all([stage.crew.hire(), stage.crew.retire(leaving)])
      return toldAt
    },
  }),
  fault({
    kind: 'worker.zombie',
    lane,
    what: 'a worker is frozen (SIGSTOP) past the heartbeat timeout and wakes up as a zombie (SIGCONT)',
    draw: (random) => ({ ...drawWhich(random), forMs: pastHeartbeatMs + whole(random, 0, 4000) }),
    tell: ({ forMs }) => `one of the workers is frozen for ${(forMs / 1000).toFixed(0)} s`,
    async strike(stage, { which, forMs }) {
      const frozen = oneOf(stage, which)
      const frozenAt = Date.now()
      signalGroup(frozen.pid, 'SIGSTOP')
      try {
        await sleep(forMs)
      } finally {
        signalGroup(frozen.pid, 'SIGCONT')
      }
      return frozenAt
    },
  }),
]
