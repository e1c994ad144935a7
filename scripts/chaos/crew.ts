/** The workers at work: some are killed, others take their place. As a service manager would, a start that fails is tried again. */
import { execFileSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { readFile } from 'node:fs/promises'
import { partRecord } from '../stack/parts.ts'
import { endProcess, hasEnded, isOurs, signalGroup } from '../stack/processes.ts'
import type { PartRecord } from '../stack/runfile.ts'
import type { StackFacts } from '../stack/start.ts'
import { startWorker, type WorkerPlan } from '../stack/worker.ts'
import { patienceMs } from './fault.ts'

export interface Crew {
  /** Those that run and were not hired for a fault. */
  readonly regulars: readonly PartRecord[]
  /** Starts one more. With `env` it is no regular. */
  hire(env?: Record<string, string>): Promise<PartRecord>
  /** kill -9 */
  kill(worker: PartRecord): Promise<void>
  /** SIGTERM; resolves when it has drained and ended. */
  retire(worker: PartRecord): Promise<void>
  end(): Promise<void>
}

export function openCrew(stack: StackFacts, plan: WorkerPlan): Crew {
  const regulars: PartRecord[] = []
  const hired: PartRecord[] = []
  const leave = (worker: PartRecord) => void (regulars.includes(worker) && regulars.splice(regulars.indexOf(worker), 1))
  let count = 0
  // On Ctrl-C the stack ends whom it knows: nobody may come after that.
  let closed = false
  const close = () => void (closed = true)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, close)
  return {
    regulars,
    async hire(env) {
      const name = `${plan.name}-${++count}`
      const worker = await started(stack, { ...plan, name, env: { ...plan.env, ...env } }, () => closed)
      hired.push(worker)
      if (!env) regulars.push(worker)
      return worker
    },
    async kill(worker) {
      leave(worker)
      signalGroup(worker.pid, 'SIGKILL')
      await hasEnded(worker.pid, worker.mark, 10_000)
    },
    async retire(worker) {
      leave(worker)
      await endProcess(worker.pid, worker.mark, 'SIGTERM', 30_000)
    },
    async end() {
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, close)
      await Promise.all(hired.map((worker) => endProcess(worker.pid, worker.mark, 'SIGKILL', 5000)))
    },
  }
}

async function started(stack: StackFacts, plan: WorkerPlan, isClosed: () => boolean): Promise<PartRecord> {
  const deadline = Date.now() + patienceMs
  for (;;) {
    if (isClosed()) throw new Error('the stack is being stopped')
    try {
      return await startWorker(stack, plan)
    } catch (error) {
      // One that was not ready in time may be so a moment later, and nobody would know of it.
      const { pid, mark } = partRecord(stack.dir, plan.name)
      await endProcess(pid, mark, 'SIGKILL', 5000)
      if (Date.now() > deadline) throw error
      await sleep(500)
    }
  }
}

/** Waits until the worker's log says so after what stood there before; false when it does not in time, or when it ended first. */
export async function says(worker: PartRecord, text: string, withinMs: number): Promise<boolean> {
  const deadline = Date.now() + withinMs
  for (;;) {
    const runs = isOurs(worker.pid, worker.mark)
    if ((await readFile(worker.log, 'utf8')).includes(text)) return true
    if (!runs || Date.now() > deadline) return false
    await sleep(100)
  }
}

/** Stopped by SIGSTOP. */
export function isStopped(worker: PartRecord): boolean {
  try {
    return execFileSync('ps', ['-o', 'stat=', '-p', String(worker.pid)], { encoding: 'utf8' })
      .trim()
      .startsWith('T')
  } catch {
    return false
  }
}
