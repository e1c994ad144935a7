import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from './processes.ts'
import type { Ready } from './ready.ts'

export type PartName = 'postgres' | 'kafka' | 'connect' | 'store' | 'temporal'

/** A running part: how it was started, how to see that it is ready, how to end it. */
export interface PartRecord extends Command {
  part: string
  pid: number
  ready: Ready
  /** Milliseconds in which it must become ready. */
  readyWithinMs: number
  stopSignal: NodeJS.Signals
  /** Milliseconds it gets to end by itself. */
  graceMs: number
  /** Milliseconds that it must have been down before it starts again. */
  restMs?: number
  /** Where it ends after the others (Kafka after Connect): higher numbers are stopped later. */
  stopOrder: number
  /** A class archive that the process writes when it ends, and the name under which the next start looks for it. */
  archive?: { from: string; to: string }
}

/**
 * `<dir>/run.json`: who runs the stack and every process that belongs to it. It is written at once after each start of a
 * process, read by whoever stops or restarts a part, and by the next start, which cleans up what a killed run left.
 */
export interface RunRecord {
  owner: { pid: number; command: string }
  parts: Record<string, PartRecord>
}

const fileOf = (dir: string) => join(dir, 'run.json')

export function readRun(dir: string): RunRecord | undefined {
  try {
    return JSON.parse(readFileSync(fileOf(dir), 'utf8')) as RunRecord
  } catch {
    return undefined
  }
}

export function writeRun(dir: string, run: RunRecord): void {
  mkdirSync(dir, { recursive: true })
  const temporary = `${fileOf(dir)}.${process.pid}`
  writeFileSync(temporary, JSON.stringify(run, null, 2))
  renameSync(temporary, fileOf(dir))
  // The watchdog is a shell script: it gets the same as plain lines.
  const lines = Object.values(run.parts).map((part) => `${part.pid} ${part.mark}\n`)
  writeFileSync(join(dir, 'pids'), lines.join(''))
}

export function recordPart(dir: string, part: PartRecord): void {
  const run = readRun(dir)
  if (!run) throw new Error(`no stack runs in ${dir}`)
  run.parts[part.part] = part
  writeRun(dir, run)
}
