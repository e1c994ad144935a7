/**
 * Threads that carry ranges, each range whole in one of them (DESIGN §9). The first starts with the worker, others when there
 * is enough to carry, and all end after a long rest; one that dies or hangs fails its ranges, which are then tried again, and the next range starts another.
 */
import type { Worker } from 'node:worker_threads'
import { CdcFailure, code } from '../core/failures.ts'
import type { Reach } from '../core/failpoints.ts'
import { parseOffset } from '../core/offsets.ts'
import type { Receipt } from '../core/receipts.ts'
import { budget } from './budget.ts'
import type { CarryRange, Range } from './rangeCarrier.ts'
import { failureOf, plainFailure, type FromThread, type ToThread } from './threadMessages.ts'

/** Leaves a core to the main thread, to Kafka's and the store's own work; beyond eight, more workers are the better way. */
export function defaultThreads(cores: number): number {
  return Math.min(8, Math.max(1, cores - 1))
}

/** Offsets under way in a thread, a quarter of a second's work: what another one takes to start and to warm up. */
const enoughForOne = 50_000
/** So few are carried beside whatever goes on: they take little, and somebody waits for them. */
const soonDone = 5_000
/** Signs of life come once a second; a thread that gives none for so many looks hangs. */
const looksUntilHung = 15
/** With nothing to do for so many looks, a thread gives its memory back. */
const looksUntilRested = 150

export interface RangeThreadsOptions {
  readonly most: number
  readonly start: () => Worker
  /** What a failpoint that was reached in a thread does: counted, and done, for the whole process. */
  readonly reach: Reach
  readonly logs: ThreadLogs
  /** Between two looks at the threads (default 2 s). Looks are counted, not the time: a process that was stopped accuses nobody. */
  readonly lookMs?: number
}

/** Lines of the threads, and of what becomes of them. */
export type ThreadLogs = Readonly<Record<'debug' | 'warn' | 'error', (message: string, details: Record<string, unknown>) => void>>

export interface RangeThreads {
  readonly carry: CarryRange
  /** Starts a thread where none is, so that the first range need not wait for one. */
  warmUp(): void
  /** Ends all threads at once; what they still carry fails. */
  close(): Promise<void>
}

interface Thread {
  readonly worker: Worker
  readonly under: Map<number, Carrying>
  /** Looks since it last said something. */
  silent: number
}

interface Carrying {
  readonly offsets: number
  readonly resolve: (receipt: Receipt) => void
  readonly reject: (error: Error) => void
}

export function rangeThreads({ most, start, reach, logs, lookMs = 2_000 }: RangeThreadsOptions): RangeThreads {
  const threads = new Set<Thread>()
  /** A thread that has enough to do would only hold more memory for doing more at once. */
  const room = budget(most * enoughForOne)
  let last = 0
  let closed = false

  function open(): Thread {
    const thread: Thread = { worker: start(), under: new Map(), silent: 0 }
    const { worker } = thread
    worker.on('message', (message: FromThread) => void hear(thread, message))
    worker.on('error', (error) => lose(thread, `it died: ${error.message}`, error))
    worker.on('exit', () => lose(thread, 'it ended'))
    threads.add(thread)
    return thread
  }

  /** The oldest that has not enough to do, so that younger ones may rest; else one more, or the one with the least to do. */
  function next(): Thread {
    const all = [...threads]
    const free = all.find((thread) => load(thread) < enoughForOne)
    return free ?? (all.length < most ? open() : all.sort((a, b) => load(a) - load(b))[0]!)
  }

  async function hear(thread: Thread, message: FromThread): Promise<void> {
    thread.silent = 0
    if (message.kind === 'carried') thread.under.get(message.id)?.resolve(message.receipt)
    else if (message.kind === 'failed') thread.under.get(message.id)?.reject(failureOf(message.failure))
    else if (message.kind === 'log') logs[message.level](message.message, message.details)
    else if (message.kind === 'reach') {
      const { id, point } = message
      try {
        await reach(point)
        tell(thread, { kind: 'reached', id })
      } catch (error) {
        tell(thread, { kind: 'reached', id, failure: plainFailure(error) })
      }
    }
  }

  function lose(thread: Thread, why: string, error?: Error): void {
    if (!threads.has(thread)) return
    logs.error('a thread that carries ranges is lost; they are tried again', { why, ranges: thread.under.size, err: error })
    drop(thread, why, error)
  }

  function drop(thread: Thread, why: string, cause?: Error): void {
    threads.delete(thread)
    for (const { reject } of thread.under.values()) {
      reject(lost(why, cause))
    }
  }

  async function carryOne(range: Range, offsets: number, signal: AbortSignal): Promise<Receipt> {
    signal.throwIfAborted()
    if (closed) throw lost('the worker ends')
    const thread = next()
    const id = ++last
    const cancel = (): void => tell(thread, { kind: 'cancel', id })
    signal.addEventListener('abort', cancel, { once: true })
    try {
      return await new Promise<Receipt>((resolve, reject) => {
        thread.under.set(id, { offsets, resolve, reject })
        thread.silent = 0
        tell(thread, { kind: 'carry', id, range })
      })
    } finally {
      thread.under.delete(id)
      signal.removeEventListener('abort', cancel)
    }
  }

  const look = setInterval(() => {
    for (const thread of threads) {
      const idle = thread.under.size === 0
      if (++thread.silent < (idle ? looksUntilRested : looksUntilHung)) continue
      if (idle) drop(thread, 'it had nothing to do')
      else lose(thread, 'it hung')
      void thread.worker.terminate()
    }
  }, lookMs)
  look.unref()

  return {
    carry(range, signal) {
      const offsets = Number(parseOffset(range.job.to) - parseOffset(range.job.from))
      const work = () => carryOne(range, offsets, signal)
      return offsets <= soonDone ? work() : room.hold(Math.min(offsets, enoughForOne), signal, work)
    },

    warmUp() {
      if (threads.size === 0 && most > 0) open()
    },

    async close() {
      closed = true
      clearInterval(look)
      const all = [...threads]
      for (const thread of all) drop(thread, 'the worker ends')
      await Promise.all(all.map(({ worker }) => worker.terminate()))
    },
  }
}

function lost(why: string, cause?: Error): CdcFailure {
  return new CdcFailure(code.ThreadLost, `the thread that carried this range is lost: ${why}`, { cause })
}

function load({ under }: Thread): number {
  return [...under.values()].reduce((sum, { offsets }) => sum + offsets, 0)
}

function tell({ worker }: Thread, message: ToThread): void {
  worker.postMessage(message)
}
