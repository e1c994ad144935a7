/** One seed of a world in which topics are made again, lose records and grow, while carriers crash, stall and come back. */
import type { Failpoint } from '../../src/core/failpoints.ts'
import { memoryStore } from '../unit/lake/memoryStore.ts'
import { protocol as shippedProtocol } from './carrier.ts'
import { carryDeciding } from './decidingCarrier.ts'
import { faultyStore } from './faultyStore.ts'
import { jsonFormat } from './jsonFormat.ts'
import { firstDay } from './kafkaLog.ts'
import { violations } from './oracle.ts'
import { randomOf } from '../../scripts/random.ts'
import { below, Scheduler, type Task } from './scheduler.ts'
import type { Mutant, Outcome } from './simulate.ts'
import { topicWorld } from './topicWorld.ts'

const root = 'db/public/t'
const chaosSteps = 300
const calmSteps = 8_000

export async function simulateDecisions(seed: number, mutant: Mutant = {}): Promise<Outcome> {
  const random = randomOf(seed)
  const scheduler = new Scheduler(random)
  const memory = memoryStore()
  const faults = { rate: 0.02 + random() * 0.1 }
  let chaos = true
  let uuids = 0
  const world = topicWorld(
    random,
    () => scheduler.step,
    () => chaos,
    seed % 4 === 0,
  )
  const protocol = { ...shippedProtocol, ...mutant.protocol }

  const start = (): Task =>
    scheduler.start(`carrier#${scheduler.tasks.length}`, (task) => {
      const store = faultyStore(memory, scheduler, task, faults)
      const carrier = {
        name: task.name,
        log: world.logs[0]!,
        random,
        keepsMaybe: random() < 0.5,
        starts: [],
        high: () => 0,
        wait: () => scheduler.turn(task),
        chaos: () => chaos,
        protocol,
        ctx: {
          store: mutant.store ? mutant.store(store, memory.objects) : store,
          root,
          clock: () => (firstDay * 86_400 + scheduler.step * 20) * 1000,
          random: () => `uuid-${++uuids}`,
          // A zombie: what it has read is on its way while the world goes on.
          async reach(point: Failpoint) {
            if (!chaos || random() > (point === 'write.beforeObject' ? 0.25 : 0.04)) return
            task.pausedUntil = scheduler.step + below(random, 80)
            await scheduler.turn(task)
          },
          format: jsonFormat,
        },
      }
      return carryDeciding(carrier, world)
    })

  start()
  await scheduler.run(chaosSteps, () => {
    const alive = scheduler.tasks.filter((task) => !task.crashed && !task.finished)
    if (random() < 0.01 && alive.length > 0) alive[below(random, alive.length)]!.crashed = true
    if (random() < 0.03 && alive.length > 0)
      alive[below(random, alive.length)]!.pausedUntil = scheduler.step + below(random, chaosSteps)
    if (alive.length === 0 || (alive.length < 4 && random() < 0.06)) start()
  })
  chaos = false
  faults.rate = 0
  start()
  await scheduler.run(calmSteps, () => {})
  start()
  await scheduler.run(calmSteps, () => {})

  const wrong = scheduler.tasks.flatMap(({ name, crashed, finished, failure }) => {
    if (crashed) return []
    if (!finished) return [`${name} never ended`]
    return failure === null ? [] : [`${name}: ${failure instanceof Error ? failure.message : 'failed'}`]
  })
  wrong.push(...violations(memory.objects, root, world.logs))
  return { wrong, steps: scheduler.step, entries: [...memory.objects.keys()].filter((key) => key.includes('_delta_log')).length }
}
