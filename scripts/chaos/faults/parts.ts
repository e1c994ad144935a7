/** The parts around Sluice: killed without warning and started again with their data, or frozen for a while. */
import { setTimeout as sleep } from 'node:timers/promises'
import { whole, type Random } from '../../random.ts'
import { signalGroup } from '../../stack/processes.ts'
import type { PartName } from '../../stack/start.ts'
import { fault, type Fault } from '../fault.ts'

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`

function killed(part: PartName, name: string, longestMs: number): Fault {
  return fault({
    kind: `${part}.kill`,
    lane: part === 'store' ? 'store' : 'parts',
    what: `${name} is killed (kill -9) and started again with its data`,
    draw: (random: Random) => ({ downMs: whole(random, 0, longestMs) }),
    tell: ({ downMs }) => `${name} is killed, and started again ${downMs < 100 ? 'at once' : `after ${seconds(downMs)}`}`,
    async strike(stage, { downMs }) {
      await stage.kill(part)
      await sleep(downMs)
      await stage.restart(part)
    },
  })
}

function frozen(part: PartName, name: string, [least, most]: readonly [number, number]): Fault {
  return fault({
    kind: `${part}.pause`,
    lane: 'parts',
    what: `${name} is frozen (SIGSTOP) and goes on (SIGCONT)`,
    draw: (random: Random) => ({ forMs: whole(random, least, most) }),
    tell: ({ forMs }) => `${name} is frozen for ${seconds(forMs)}`,
    async strike(stage, { forMs }) {
      const pid = stage.pid(part)
      signalGroup(pid, 'SIGSTOP')
      try {
        await sleep(forMs)
      } finally {
        signalGroup(pid, 'SIGCONT')
      }
    },
  })
}

export const partFaults: readonly Fault[] = [
  killed('temporal', 'the Temporal server', 6000),
  killed('kafka', 'the Kafka broker', 3000),
  // Not past its session: a broker that is fenced and alone may leave out the markers of a transaction (docs/decisions/0004).
  frozen('kafka', 'the Kafka broker', [1000, 2500]),
  killed('connect', 'Kafka Connect', 3000),
  killed('postgres', 'PostgreSQL', 3000),
  killed('store', 'the S3 server', 5000),
]
