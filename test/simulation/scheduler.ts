/**
 * Virtual time: tasks run one at a time, each until its next `turn`; which goes on is drawn from the seed. So every interleaving
 * of awaits is reachable, and the same seed gives the same run.
 */
import type { Random } from '../../scripts/random.ts'

export function below(random: Random, bound: number): number {
  return Math.floor(random() * bound)
}

export interface Task {
  readonly name: string
  /** Never goes on: the process died. Its promise is left to the garbage collector. */
  crashed: boolean
  /** Does not go on before this step: a zombie. */
  pausedUntil: number
  finished: boolean
  failure: unknown
  resume: (() => void) | null
}

export class Scheduler {
  readonly random: Random
  readonly tasks: Task[] = []
  step = 0
  private running: Task | null = null
  private parked: () => void = () => {}
  private late: (() => void)[] = []

  constructor(random: Random) {
    this.random = random
  }

  start(name: string, body: (task: Task) => Promise<void>): Task {
    const task: Task = { name, crashed: false, pausedUntil: 0, finished: false, failure: null, resume: null }
    this.tasks.push(task)
    const first = this.turn(task)
    void first
      .then(() => body(task))
      .catch((error: unknown) => {
        task.failure = error
      })
      .then(() => {
        task.finished = true
        if (this.running === task) this.parked()
      })
    return task
  }

  turn(task: Task): Promise<void> {
    return new Promise((resume) => {
      task.resume = resume
      if (this.running === task) this.parked()
    })
  }

  /** A request still on its way: takes effect at some later step, whatever has become of its sender. */
  later(effect: () => void): void {
    this.late.push(effect)
  }

  /** Runs until nothing can go on, or `steps` are over; `between` may crash, pause and start tasks. */
  async run(steps: number, between: () => void): Promise<void> {
    for (const end = this.step + steps; this.step < end; this.step++) {
      between()
      if (this.late.length > 0 && this.random() < 0.15) this.late.splice(below(this.random, this.late.length), 1)[0]!()
      const ready = this.tasks.filter((task) => task.resume !== null && !task.crashed)
      const awake = ready.filter((task) => task.pausedUntil <= this.step)
      if (ready.length === 0) break
      if (awake.length === 0) continue
      const task = awake[below(this.random, awake.length)]!
      const { resume } = task
      task.resume = null
      this.running = task
      await new Promise<void>((parked) => {
        this.parked = parked
        resume!()
      })
      this.running = null
    }
    if (this.tasks.every((task) => task.resume === null || task.crashed)) for (const effect of this.late.splice(0)) effect()
  }
}
