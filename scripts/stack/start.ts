import { spawn } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ConnectFacts, startConnect } from './connect.ts'
import { classPath } from './jars.ts'
import { findJava } from './java.ts'
import { type KafkaFacts, startKafka } from './kafka.ts'
import { killPart, restartPart, stopParts } from './parts.ts'
import { runDir } from './places.ts'
import { type PostgresFacts, removePostgresData, startPostgres } from './postgres.ts'
import { commandLine, endProcess, isOurs, signalGroup } from './processes.ts'
import { openRun } from './run.ts'
import { type PartName, readRun, writeRun } from './runfile.ts'
import { type StoreFacts, startStore } from './store.ts'
import { startTemporal, type TemporalFacts } from './temporal.ts'

export type { PartName } from './runfile.ts'

/** Where everything is, as plain data: it can be handed to another process. */
export interface StackFacts {
  dir: string
  postgres: PostgresFacts
  kafka: KafkaFacts
  connect: ConnectFacts
  s3: StoreFacts
  temporal: TemporalFacts
}

type FactsOf<P extends PartName> = Pick<StackFacts, 'dir' | (P extends 'store' ? 's3' : Exclude<P, 'store'>)>

export type Stack<P extends PartName = PartName> = FactsOf<P> & {
  facts: FactsOf<P>
  /** Ends every process and waits until all are gone. */
  stop(): Promise<void>
  /** Kills a part without warning (kill -9). */
  kill(part: P): Promise<void>
  /** Starts a part again with its data, address and settings; resolves when it is ready. */
  restart(part: P): Promise<void>
  /** The pid of a part's process. */
  pid(part: P): number
}

export interface StackOptions<P extends PartName> {
  /** Names the run: its folder is `.stack/run/<name>`. Two stacks of one name cannot run at a time. */
  name?: string
  /** The folder for data and logs instead of `.stack/run/<name>`. It is emptied first. */
  dir?: string
  /** All of them unless given. Connect needs Kafka and brings it along. */
  parts?: readonly P[]
  bucket?: string
  /** Told what became ready, and how many milliseconds after the start. */
  progress?: (label: string, elapsedMs: number) => void
}

const ALL: readonly PartName[] = ['postgres', 'kafka', 'connect', 'store', 'temporal']

/**
 * Starts the real parts on free loopback ports, all at once, with fresh data.
 *
 * Nothing outlives the process that called this: on Ctrl-C, SIGTERM and SIGHUP, at any moment, everything is stopped and
 * the process ends; when it is killed, a watchdog stops everything; and what is left all the same (the machine lost the
 * watchdog too) is stopped by the next start in the same folder.
 */
export async function startStack<P extends PartName = PartName>(options: StackOptions<P> = {}): Promise<Stack<P>> {
  const dir = resolve(options.dir ?? runDir(options.name ?? 'default'))
  const wanted = new Set<PartName>(options.parts ?? ALL)
  if (wanted.has('connect')) wanted.add('kafka')
  const startedAt = Date.now()
  const report = (label: string) => options.progress?.(label, Date.now() - startedAt)

  await cleanUp(dir)
  writeRun(dir, { owner: { pid: process.pid, command: commandLine(process.pid) ?? '' }, parts: {} })
  const abort = new AbortController()
  const run = openRun(dir, abort.signal)

  let stopping: Promise<void> | undefined
  const stop = () =>
    (stopping ??= (async () => {
      abort.abort(new Error('the stack is being stopped'))
      await stopParts(dir)
      await removeData(dir)
      release()
      watchdog.kill()
    })())
  const onSignal = (signal: NodeJS.Signals) => {
    if (!stopping) report(`stopping on ${signal}`)
    void stop().finally(() => process.exit(signal === 'SIGINT' ? 130 : signal === 'SIGTERM' ? 143 : 129))
  }
  const onExit = () => killNow(dir)
  const parentCheck = watchParent(() => onSignal('SIGTERM'))
  const release = () => {
    clearInterval(parentCheck)
    for (const signal of SIGNALS) process.off(signal, onSignal)
    process.off('exit', onExit)
  }
  for (const signal of SIGNALS) process.on(signal, onSignal)
  process.on('exit', onExit)
  const watchdog = startWatchdog(dir)

  try {
    const ready = async <T>(part: PartName, start: () => Promise<T>): Promise<T | undefined> => {
      if (!wanted.has(part)) return undefined
      const facts = await start()
      report(part)
      return facts
    }
    const needsJava = wanted.has('kafka')
    const java = needsJava ? findJava().then((found) => (report(found.label), found)) : undefined
    const jars = needsJava ? classPath() : undefined
    const kafka = ready('kafka', async () => startKafka(run, await java!, await jars!))
    const brokers = kafka.then((found) => found!.brokers)
    // Each is awaited only after another: its failure must not end the process before that.
    for (const promise of [java, jars, brokers]) promise?.catch(() => undefined)
    const facts = await allOrFirstError({
      postgres: ready('postgres', () => startPostgres(run)),
      kafka,
      connect: ready('connect', async () => startConnect(run, await java!, await jars!, brokers)),
      s3: ready('store', () => startStore(run, options.bucket ?? 'lake')),
      temporal: ready('temporal', () => startTemporal(run)),
    })
    const found = { dir, ...facts } as unknown as FactsOf<P>
    return {
      ...found,
      facts: found,
      stop,
      kill: (part) => killPart(dir, part),
      restart: async (part) => void (await restartPart(dir, part)),
      pid: (part) => readRun(dir)!.parts[part]!.pid,
    }
  } catch (error) {
    if (!stopping) await stop()
    // On a signal the process is about to end: a start-up error now would only confuse.
    else await new Promise<never>(() => undefined)
    throw error
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Waits for all; on the first failure the others are not waited for (they are about to be stopped). */
async function allOrFirstError(promises: Record<string, Promise<unknown>>): Promise<Record<string, unknown>> {
  const entries = await Promise.all(Object.entries(promises).map(async ([key, promise]) => [key, await promise] as const))
  return Object.fromEntries(entries.filter(([, facts]) => facts !== undefined))
}

function startWatchdog(dir: string) {
  const script = fileURLToPath(new URL('watchdog.sh', import.meta.url))
  const child = spawn('sh', [script, dir], { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
  child.unref()
  ;(child.stdin as unknown as { unref(): void }).unref()
  child.on('error', () => undefined)
  return child
}

/** The entry scripts run this process as their child: when theirs is killed, it must not go on alone. */
function watchParent(onGone: () => void): NodeJS.Timeout | undefined {
  const parent = process.ppid
  if (process.env['SLUICE_PARENT'] !== String(parent)) return undefined
  return setInterval(() => process.ppid !== parent && onGone(), 500).unref()
}

/** The last resort when this process exits with parts still running; nothing can be waited for here. */
function killNow(dir: string): void {
  for (const part of Object.values(readRun(dir)?.parts ?? {})) {
    if (isOurs(part.pid, part.mark)) signalGroup(part.pid, 'SIGKILL')
  }
}

/** The logs stay for whoever wants to know what happened. */
async function removeData(dir: string): Promise<void> {
  await removePostgresData(dir)
  for (const part of ALL) rmSync(join(dir, part), { recursive: true, force: true })
  rmSync(join(dir, 'run.json'), { force: true })
}

/** The process that runs a stack in this folder at the moment. */
export function runningIn(dir: string): number | undefined {
  const run = readRun(dir)
  if (!run || commandLine(run.owner.pid) !== run.owner.command) return undefined
  return run.owner.pid
}

/** Ends what an earlier run in this folder left behind, and empties the folder. */
async function cleanUp(dir: string): Promise<void> {
  const running = runningIn(dir)
  if (running !== undefined) {
    throw new Error(`a stack already runs in ${dir} (process ${running}): stop it first, or choose another name`)
  }
  const left = Object.values(readRun(dir)?.parts ?? {})
  await Promise.all(left.map((part) => endProcess(part.pid, part.mark, 'SIGKILL', 5000)))
  await removePostgresData(dir)
  rmSync(dir, { recursive: true, force: true })
  mkdirSync(dir, { recursive: true })
}
