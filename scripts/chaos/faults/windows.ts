/** Crash windows of the protocol: one more worker is hired with a failpoint armed (src/core/failpoints.ts). */
import { setTimeout as sleep } from 'node:timers/promises'
import { failpoints, type Failpoint } from '../../../src/core/failpoints.ts'
import { pick, whole } from '../../random.ts'
import { hasEnded, signalGroup } from '../../stack/processes.ts'
import { isStopped, says } from '../crew.ts'
import { fault, NotStruck, type Fault } from '../fault.ts'
import { pastHeartbeatMs } from './workers.ts'

const where: Readonly<Record<Failpoint, string>> = {
  'claim.before': 'at the beginning of a run, before the claim is looked at',
  'claim.after': 'once the claim is held, before the answer',
  'open.before': 'before the log is opened',
  'open.after': 'once the log was opened and pending links committed, before the answer',
  'poll.before': 'before a poll',
  'poll.after': 'after a poll, before the answer',
  'write.before': 'before a range is read',
  'write.midFile': 'in the middle of a Parquet file',
  'write.afterPart': 'after a part of a file was handed over',
  'write.beforeObject': 'before the object is completed',
  'write.afterObject': 'after the object, before the receipt',
  'commit.before': 'before a commit begins',
  'commit.beforeEntry': 'before the log entry',
  'commit.afterEntry': 'after the log entry, before it is read back',
  'commit.beforeMirror': 'after the commit, before offsets are mirrored to Kafka',
  'commit.afterMirror': 'after the mirror has begun, before the answer',
}

/** From the first bytes in the store on; half of the windows, so that the two lanes take equally long. */
const isLate = (point: Failpoint): boolean => /^commit|Part$|Object$/.test(point)

/** Mostly deaths: they leave the most behind. */
const actions = ['kill', 'kill', 'kill', 'pause', 'error', 'delay:3000'] as const
const reachedWithinMs = 60_000

const told = { kill: 'dies', pause: 'freezes past the heartbeat timeout and wakes up', error: 'fails once' } as const

export const windowFaults: readonly Fault[] = failpoints.map((point) =>
  fault({
    kind: `window.${point}`,
    lane: isLate(point) ? 'committing' : 'reading',
    what: where[point],
    // A run begins seldom: its windows are met the first time that somebody comes through.
    draw: (random) => ({ action: pick(random, actions), at: /^(claim|open)\./.test(point) ? 1 : whole(random, 1, 2) }),
    tell: ({ action }) => `a worker ${told[action as keyof typeof told] ?? 'is slow (3 s)'} ${where[point]}`,
    async strike({ crew }, { action, at }) {
      const worker = await crew.hire({ CDC_FAILPOINTS: `${point}=${action}@${at}` })
      try {
        if (!(await says(worker, `failpoint ${point}:`, reachedWithinMs))) throw new NotStruck('nothing came that way')
        const struckAt = Date.now()
        if (action === 'kill') await hasEnded(worker.pid, worker.mark, 10_000)
        else if (action === 'pause') {
          for (let tries = 0; tries < 50 && !isStopped(worker); tries++) await sleep(20)
          await sleep(pastHeartbeatMs)
        } else await sleep(3000)
        return struckAt
      } finally {
        signalGroup(worker.pid, 'SIGCONT')
        await sleep(500) // a zombie has its say
        await crew.retire(worker)
      }
    },
  }),
)
