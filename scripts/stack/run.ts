import { join } from 'node:path'
import { startPart } from './parts.ts'
import type { PartRecord } from './runfile.ts'

/** What a part needs to know of the run that it belongs to. */
export interface Run {
  dir: string
  /** Starts a process of the run, with its output in `<dir>/logs/<part>.log`, and waits until it is ready. */
  start(plan: Omit<PartRecord, 'pid' | 'log'>): Promise<PartRecord>
}

export function openRun(dir: string, signal: AbortSignal): Run {
  return { dir, start: (plan) => startPart(dir, { ...plan, log: join(dir, 'logs', `${plan.part}.log`) }, signal) }
}
