import { execFileSync, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** How a process is started, as plain data, so that another process can start it again. */
export interface Command {
  command: string
  args: string[]
  env: Record<string, string>
  cwd: string
  /** Runs under this user and group when given (PostgreSQL refuses to run as root). */
  uid?: number
  /** Everything it prints is added to this file. */
  log: string
  /** A part of its command line that no other process has: the proof that a pid is still ours. */
  mark: string
}

/** Starts a process as leader of its own group, so that a Ctrl-C in the terminal does not reach it. Returns its pid. */
export function launch(command: Command): number {
  mkdirSync(dirname(command.log), { recursive: true })
  const log = openSync(command.log, 'a')
  try {
    const child = spawn(command.command, command.args, {
      cwd: command.cwd,
      env: { ...process.env, ...command.env },
      stdio: ['ignore', log, log],
      detached: true,
      ...(command.uid === undefined ? {} : { uid: command.uid, gid: command.uid }),
    })
    // A command that cannot be started has no pid; the event would otherwise end this process.
    child.on('error', () => undefined)
    child.unref()
    if (child.pid === undefined) throw new Error(`cannot start ${command.command}`)
    return child.pid
  } finally {
    closeSync(log)
  }
}

/** Whether the pid runs (a zombie does not) and is the process that we started, not one that got its number later. */
export function isOurs(pid: number, mark: string): boolean {
  return commandLine(pid)?.includes(mark) ?? false
}

/** A process's command line, or undefined when there is no such process or it has already ended. */
export function commandLine(pid: number): string | undefined {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return undefined
  }
  if (process.platform === 'linux') {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ') || undefined
    } catch {
      return undefined
    }
  }
  try {
    return execFileSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' })
  } catch {
    return undefined
  }
}

/** Signals the whole group of a process. Nothing happens when it is gone. */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  for (const target of [-pid, pid]) {
    try {
      process.kill(target, signal)
      return
    } catch {
      // No such group or process any more.
    }
  }
}

/** Waits until the process has really ended. False when it still runs after the given milliseconds. */
export async function hasEnded(pid: number, mark: string, withinMs: number): Promise<boolean> {
  const deadline = Date.now() + withinMs
  while (isOurs(pid, mark)) {
    if (Date.now() > deadline) return false
    await sleep(20)
  }
  return true
}

/** Asks a process to end and, after the grace, makes it. Returns whether it ended by itself. */
export async function endProcess(pid: number, mark: string, signal: NodeJS.Signals, graceMs: number): Promise<boolean> {
  if (!isOurs(pid, mark)) return true
  signalGroup(pid, signal)
  if (await hasEnded(pid, mark, graceMs)) return true
  signalGroup(pid, 'SIGKILL')
  await hasEnded(pid, mark, 10_000)
  return false
}

/** The last lines of a log, for error messages. */
export function lastLines(log: string, count = 20): string {
  try {
    return readFileSync(log, 'utf8').trimEnd().split('\n').slice(-count).join('\n')
  } catch {
    return '(no log)'
  }
}
