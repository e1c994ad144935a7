/** One seed: carriers that crash, stall and come back over a store that loses answers; then calm, and the oracle looks. */
import { CdcFailure, code } from '../../src/core/failures.ts'
import { nothing } from '../../src/core/failpoints.ts'
import type { ObjectStore } from '../../src/lake/table.ts'
import { memoryStore } from '../unit/lake/memoryStore.ts'
import { carry, protocol as shippedProtocol, startsOf, type Protocol } from './carrier.ts'
import { faultyStore } from './faultyStore.ts'
import { jsonFormat } from './jsonFormat.ts'
import { firstDay, kafkaLog, type KafkaLog } from './kafkaLog.ts'
import { violations } from './oracle.ts'
import { randomOf } from '../../scripts/random.ts'
import { below, Scheduler, type Task } from './scheduler.ts'

export interface Mutant {
  readonly protocol?: Partial<Protocol>
  readonly store?: (store: ObjectStore, objects: Map<string, Uint8Array>) => ObjectStore
}

export interface Outcome {
  readonly wrong: readonly string[]
  readonly steps: number
  readonly entries: number
}

const root = 'db/public/t'
const chaosSteps = 250
const calmSteps = 6_000

export async function simulate(seed: number, mutant: Mutant = {}): Promise<Outcome> {
  const random = randomOf(seed)
  const scheduler = new Scheduler(random)
  const memory = memoryStore()
  const faults = { rate: 0.02 + random() * 0.15 }
  const home = kafkaLog(random, { clusterId: 'cluster-a', topicId: 'topic-1' }, 1 + below(random, 2))
  // Now and then somebody points another cluster, or a topic that was made again, at the same table.
  const stranger = { clusterId: random() < 0.5 ? 'cluster-b' : 'cluster-a', topicId: 'topic-2' }
  const foreign = random() < 0.3 ? kafkaLog(random, stranger, home.partitions.length) : null
  let chaos = true
  let uuids = 0
  const protocol = { ...shippedProtocol, ...mutant.protocol }

  const start = (log: KafkaLog): Task => {
    const name = `${log.topicId}#${scheduler.tasks.length}`
    return scheduler.start(name, (task) => {
      const store = faultyStore(memory, scheduler, task, faults)
      return carry({
        name,
        log,
        random,
        keepsMaybe: random() < 0.5,
        starts: startsOf(log, random),
        high: (partition) => (chaos ? Math.min(log.ends[partition]!, Math.floor(scheduler.step / 5)) : log.ends[partition]!),
        wait: () => scheduler.turn(task),
        chaos: () => chaos,
        protocol,
        ctx: {
          store: mutant.store ? mutant.store(store, memory.objects) : store,
          root,
          clock: () => (firstDay * 86_400 + scheduler.step * 20) * 1000,
          random: () => `uuid-${++uuids}`,
          reach: nothing,
          format: jsonFormat,
        },
      })
    })
  }

  start(home)
  await scheduler.run(chaosSteps, () => {
    const alive = scheduler.tasks.filter((task) => !task.crashed && !task.finished)
    if (random() < 0.01 && alive.length > 0) alive[below(random, alive.length)]!.crashed = true
    if (random() < 0.02 && alive.length > 0)
      alive[below(random, alive.length)]!.pausedUntil = scheduler.step + below(random, chaosSteps)
    if (alive.length === 0 || (alive.length < 3 && random() < 0.03)) start(foreign && random() < 0.3 ? foreign : home)
  })
  chaos = false
  faults.rate = 0
  start(home)
  if (foreign) start(foreign)
  await scheduler.run(calmSteps, () => {})
  // A late comer finds everything in its place.
  start(home)
  await scheduler.run(calmSteps, () => {})

  const wrong = scheduler.tasks.flatMap((task) => complaint(task, foreign !== null))
  wrong.push(...violations(memory.objects, root, foreign ? [home, foreign] : [home]))
  return { wrong, steps: scheduler.step, entries: [...memory.objects.keys()].filter((key) => key.includes('_delta_log')).length }
}

/** Nobody may park, but for the one whose Kafka is not the table's. */
function complaint(task: Task, strangers: boolean): string[] {
  const { failure } = task
  if (task.crashed) return []
  if (!task.finished) return [`${task.name} never ended`]
  if (failure === null) return []
  const refused =
    failure instanceof CdcFailure && (failure.code === code.ForeignTableRoot || failure.code === code.TopicRecreated)
  return strangers && refused ? [] : [`${task.name}: ${failure instanceof Error ? failure.message : 'failed'}`]
}
