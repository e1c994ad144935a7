import { existsSync, renameSync, statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { endProcess, hasEnded, isOurs, lastLines, launch, signalGroup } from './processes.ts'
import { isReady } from './ready.ts'
import { type PartRecord, readRun, recordPart } from './runfile.ts'

/** Starts a part and waits until it is ready; else an error that names its log and shows the last lines. */
export async function startPart(dir: string, plan: Omit<PartRecord, 'pid'>, signal?: AbortSignal): Promise<PartRecord> {
  const deadline = Date.now() + plan.readyWithinMs
  for (;;) {
    signal?.throwIfAborted()
    const logFrom = existsSync(plan.log) ? statSync(plan.log).size : 0
    const part: PartRecord = { ...plan, pid: launch(plan) }
    recordPart(dir, part)
    for (;;) {
      if (await isReady(part.ready, part.log, logFrom)) return part
      signal?.throwIfAborted()
      if (!isOurs(part.pid, part.mark)) {
        // The process may be between fork and exec, when its command line is still ours, not its own.
        await sleep(100)
        if (!isOurs(part.pid, part.mark)) break
      }
      if (Date.now() > deadline) throw failure(part, `was not ready within ${plan.readyWithinMs / 1000} s`)
      await sleep(50)
    }
    // After a kill -9 a database's helpers hold its shared memory for a moment: one more try is right there.
    if (part.part !== 'postgres' || !/shared memory|lock file/.test(lastLines(part.log)) || Date.now() > deadline) {
      throw failure(part, 'ended while starting')
    }
    await sleep(200)
  }
}

function failure(part: PartRecord, what: string): Error {
  return new Error(`${part.part} ${what}; its log is ${part.log}, which ends with:\n${lastLines(part.log)}`)
}

/** Ends one part in its own way, and keeps the class archive that it wrote on the way out. */
export async function stopPart(part: PartRecord): Promise<void> {
  const byItself = await endProcess(part.pid, part.mark, part.stopSignal, part.graceMs)
  if (!part.archive || !byItself || !existsSync(part.archive.from)) return
  renameSync(part.archive.from, part.archive.to)
}

/** Ends every part, those with a lower stop order first (Connect before Kafka, or it hangs). */
export async function stopParts(dir: string): Promise<void> {
  const parts = Object.values(readRun(dir)?.parts ?? {})
  for (const order of [...new Set(parts.map((part) => part.stopOrder))].sort()) {
    await Promise.all(parts.filter((part) => part.stopOrder === order).map(stopPart))
  }
}

/** Kills a part without any warning (kill -9) and waits until it is really gone. */
export async function killPart(dir: string, name: string): Promise<void> {
  const part = partRecord(dir, name)
  if (isOurs(part.pid, part.mark)) signalGroup(part.pid, 'SIGKILL')
  if (!(await hasEnded(part.pid, part.mark, 10_000))) throw new Error(`${name} (pid ${part.pid}) survives SIGKILL`)
}

/** Starts a part again with the same data, ports and settings, after stopping it if it still runs. Returns its new pid. */
export async function restartPart(dir: string, name: string): Promise<number> {
  const part = partRecord(dir, name)
  await stopPart(part)
  await sleep(part.restMs ?? 0)
  return (await startPart(dir, part)).pid
}

/** What is known of a part: its pid, its log, how it was started. */
export function partRecord(dir: string, name: string): PartRecord {
  const part = readRun(dir)?.parts[name]
  if (!part) throw new Error(`no part ${name} in the stack of ${dir}`)
  return part
}
