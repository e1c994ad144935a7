/** The S3 server answers badly: by a proxy between workers and store. */
import { setTimeout as sleep } from 'node:timers/promises'
import { pick, whole, type Random } from '../../random.ts'
import { fault, NotStruck, type Fault } from '../fault.ts'
import type { Asked, Fate } from '../storeProxy.ts'

/** Which requests: writes of objects, or reads of them. */
const isWrite = ({ method }: Asked) => method === 'PUT' || method === 'POST'
const isObject = ({ path }: Asked) => !path.includes('list-type=')

interface Ill {
  readonly name: string
  readonly what: string
  readonly fate: Fate
  readonly whom: (asked: Asked) => boolean
}

const ills: readonly Ill[] = [
  {
    name: '500',
    what: 'the store answers 500 InternalError',
    fate: { kind: 'refuse', status: 500, code: 'InternalError' },
    whom: () => true,
  },
  {
    name: '503',
    what: 'the store answers 503 SlowDown',
    fate: { kind: 'refuse', status: 503, code: 'SlowDown' },
    whom: () => true,
  },
  {
    name: '507',
    what: 'the store answers 507: no space is left',
    fate: { kind: 'refuse', status: 507, code: 'InsufficientStorage' },
    whom: isWrite,
  },
  {
    name: '409',
    what: 'the store answers writes with 409 ConditionalRequestConflict',
    fate: { kind: 'refuse', status: 409, code: 'ConditionalRequestConflict' },
    whom: isWrite,
  },
  {
    name: '412',
    what: 'the store writes and answers 412, as to a try that was sent twice',
    fate: { kind: 'deny', status: 412, code: 'PreconditionFailed' },
    whom: isWrite,
  },
  {
    name: 'denied',
    what: 'the store writes and answers 500',
    fate: { kind: 'deny', status: 500, code: 'InternalError' },
    whom: isWrite,
  },
  { name: 'lost', what: 'the store writes and its answer is lost', fate: { kind: 'lose' }, whom: isWrite },
  { name: 'cut', what: "the store's answer breaks off in the middle", fate: { kind: 'cut' }, whom: isObject },
  {
    name: 'flip',
    what: 'a bit of an object is turned over on its way, there or back',
    fate: { kind: 'flip' },
    whom: isObject,
  },
]

export const answerFaults: readonly Fault[] = ills.map(({ name, what, fate, whom }) =>
  fault({
    kind: `answer.${name}`,
    lane: 'store',
    what,
    draw: (random: Random) => ({ forMs: whole(random, 2000, 6000), every: pick(random, [1, 2, 3, 5]) }),
    tell: ({ forMs, every }) => {
      return `${what}, ${every === 1 ? 'each time' : `every ${every}. time`}, for ${(forMs / 1000).toFixed(1)} s`
    },
    async strike({ proxy }, { forMs, every }) {
      const before = proxy.struck.length
      let nth = 0
      proxy.decide((asked) => (whom(asked) && nth++ % every === 0 ? fate : null))
      try {
        await sleep(forMs)
      } finally {
        proxy.decide(null)
      }
      if (proxy.struck.length === before) throw new NotStruck('nothing came that way')
    },
  }),
)
