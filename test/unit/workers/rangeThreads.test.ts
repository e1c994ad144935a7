import { EventEmitter } from 'node:events'
import type { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { nothing, type Failpoint, type Reach } from '../../../src/core/failpoints.ts'
import { CdcFailure } from '../../../src/core/failures.ts'
import type { Receipt } from '../../../src/core/receipts.ts'
import { armFailpoints } from '../../../src/workers/failpoints.ts'
import { budget } from '../../../src/workers/budget.ts'
import type { Range } from '../../../src/workers/rangeCarrier.ts'
import { defaultThreads, rangeThreads, type RangeThreads } from '../../../src/workers/rangeThreads.ts'
import type { FromThread } from '../../../src/workers/threadMessages.ts'
import { startThread } from '../../../src/workers/threadStart.ts'

const never = new AbortController().signal
const opened: RangeThreads[] = []
afterEach(() => Promise.all(opened.splice(0).map((each) => each.close())))

interface Given {
  readonly most?: number
  readonly reach?: Reach
}

function pool({ most = 2, reach = nothing }: Given = {}) {
  const lines: { message: string; details: Record<string, unknown> }[] = []
  const waiting: { text: string; resolve: () => void }[] = []
  const line = (message: string, details: Record<string, unknown>): void => {
    lines.push({ message, details })
    for (const { text, resolve } of waiting) if (message.includes(text)) resolve()
  }
  let started = 0
  const start = () => {
    started++
    return startThread(new URL('./fakeRangeThread.ts', import.meta.url), { resourceLimits: { maxOldGenerationSizeMb: 50 } })
  }
  const threads = rangeThreads({ most, start, reach, logs: { debug: line, warn: line, error: line } })
  opened.push(threads)
  return {
    threads,
    carry: threads.carry,
    lines,
    started: () => started,
    says: (text: string) => new Promise<void>((resolve) => waiting.push({ text, resolve })),
  }
}

const range = (what: string, offsets = 1): Range =>
  ({ job: { table: { name: what }, from: '0', to: String(offsets) }, snapshot: {}, attempt: 1 }) as unknown as Range

const large = 100_000

/** The thread's name. */
const carriedBy = async (carrying: Promise<{ link: { key: string } | null }>) => (await carrying).link!.key

async function refusal(carrying: Promise<unknown>): Promise<CdcFailure & { code: string }> {
  return carrying.then(
    () => Promise.reject(new Error('it was carried')),
    (error: unknown) => error as CdcFailure,
  )
}

describe('threads', () => {
  test('are started with the first range, and one is enough for little', async () => {
    const { carry, started } = pool()
    expect(started()).toBe(0)
    const names = await Promise.all(Array.from({ length: 5 }, () => carriedBy(carry(range('done'), never))))
    expect(new Set(names).size).toBe(1)
    expect(started()).toBe(1)
  })

  test('share much between them, up to as many as are allowed, the next range going to the least busy one', async () => {
    const { carry, started, says } = pool()
    const cancel = new AbortController()
    const began = says('began')
    const waits = refusal(carry(range('wait', 2 * large), cancel.signal))
    await began
    const other = await carriedBy(carry(range('done', large), never))
    expect(started()).toBe(2)
    const more = await Promise.all([1, 2].map(() => carriedBy(carry(range('done', large / 2), never))))
    expect(more).toEqual([other, other])
    expect(started()).toBe(2)
    cancel.abort()
    await waits
  })

  test('can be started before there is anything to carry', async () => {
    const { carry, threads, started } = pool({ most: 1 })
    threads.warmUp()
    expect(started()).toBe(1)
    threads.warmUp()
    await carriedBy(carry(range('done'), never))
    expect(started()).toBe(1)
  })

  test('are as many as the cores but one, at least one and at most eight', () => {
    expect([1, 2, 4, 9, 64].map(defaultThreads)).toEqual([1, 1, 3, 8, 8])
  })
})

describe('a range', () => {
  test('that is large waits while all threads have enough to do; a small one does not', async () => {
    const { carry, says } = pool({ most: 1 })
    const cancel = new AbortController()
    const began = says('began')
    const first = refusal(carry(range('wait', large), cancel.signal))
    await began
    let carried = false
    const second = carriedBy(carry(range('done', large), never)).then(() => (carried = true))
    const given = new AbortController()
    const third = refusal(carry(range('done', large), given.signal))
    await carriedBy(carry(range('done', 5_000), never))
    given.abort(new Error('given up'))
    expect((await third).message).toBe('given up')
    expect(carried).toBe(false)
    cancel.abort()
    await first
    expect(await second).toBe(true)
  })

  test('that waits fails when the worker ends', async () => {
    const { carry, threads, says, started } = pool({ most: 1 })
    const began = says('began')
    const both = ['wait', 'done'].map((what) => refusal(carry(range(what, large), never)))
    await began
    await threads.close()
    expect(await Promise.all(both)).toMatchObject([{ code: 'CDC6001' }, { code: 'CDC6001' }])
    expect(started()).toBe(1)
  })

  test('that is cancelled ends in its thread', async () => {
    const { carry, says } = pool()
    const cancel = new AbortController()
    const began = says('began')
    const waits = refusal(carry(range('wait'), cancel.signal))
    await began
    cancel.abort()
    expect((await waits).message).toBe('cancelled')
    expect((await refusal(carry(range('wait'), cancel.signal))).name).toBe('AbortError')
  })

  test('fails with code, details, hint, policy and cause as in the thread', async () => {
    const { carry } = pool()
    const failure = await refusal(carry(range('park'), never))
    expect(failure).toBeInstanceOf(CdcFailure)
    expect(failure).toMatchObject({
      code: 'CDC2008',
      message: 'CDC2008 ends too early',
      hint: 'look',
      details: { partition: 1, choices: [{ openEpoch: { epoch: 1, topicId: 'x' } }] },
      policy: 'park',
      cause: { message: 'the broker said so' },
    })
    expect(failure.stack).toContain('fakeRangeThread')
    expect(await refusal(carry(range('break'), never))).toMatchObject({
      name: 'TypeError',
      message: 'broken',
      code: 'ERR_OF_NODE',
    })
  })

  test('is refused, to be tried again, when its thread dies; others go on', async () => {
    const { carry, lines, says } = pool()
    const cancel = new AbortController()
    const began = says('began')
    const other = refusal(carry(range('wait', large), cancel.signal))
    await began
    expect(await refusal(carry(range('die'), never))).toMatchObject({ code: 'CDC6001', policy: 'retry' })
    expect(lines.at(-1)).toMatchObject({ details: { ranges: 1, why: 'it died: the thread dies' } })
    cancel.abort()
    expect((await other).message).toBe('cancelled')
    await carriedBy(carry(range('done'), never))
  })

  test('that takes all memory of its thread leaves the process alone', async () => {
    const { carry, lines } = pool()
    expect(await refusal(carry(range('fill memory'), never))).toMatchObject({ code: 'CDC6001' })
    expect(lines.at(-1)!.details['err']).toMatchObject({ code: 'ERR_WORKER_OUT_OF_MEMORY' })
    await carriedBy(carry(range('done'), never))
  })

  test('fails when the worker ends, even where it hangs', async () => {
    const { carry, threads, says } = pool()
    const began = says('began')
    const hangs = refusal(carry(range('hang'), never))
    await began
    await threads.close()
    expect(await hangs).toMatchObject({ code: 'CDC6001' })
  })
})

describe('by looks every two seconds', () => {
  /** A thread that says what it is told to. */
  class FakeThread extends EventEmitter {
    ended = false
    says(message: FromThread): void {
      this.emit('message', message)
    }
    postMessage(): void {}
    terminate(): Promise<number> {
      this.ended = true
      return Promise.resolve(1)
    }
  }

  function fakes() {
    const started: FakeThread[] = []
    const start = () => {
      const thread = new FakeThread()
      started.push(thread)
      return thread as unknown as Worker
    }
    const silence = () => {}
    const logs = { debug: silence, warn: silence, error: silence }
    const threads = rangeThreads({ most: 1, start, reach: nothing, logs })
    opened.push(threads)
    return { carry: threads.carry, started }
  }

  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  test('a thread that gives no sign of life is given up, and another one is started', async () => {
    const { carry, started } = fakes()
    const first = refusal(carry(range('any'), never))
    await vi.advanceTimersByTimeAsync(28_000)
    expect(started[0]!.ended).toBe(false)
    await vi.advanceTimersByTimeAsync(2_000)
    expect(started[0]!.ended).toBe(true)
    expect(await first).toMatchObject({ code: 'CDC6001', message: expect.stringContaining('hung') as string })
    const second = carry(range('any'), never)
    started[1]!.says({ kind: 'carried', id: 2, receipt: { base: '7' } as Receipt })
    expect((await second).base).toBe('7')
  })

  test('a thread that only takes long is left in peace', async () => {
    const { carry, started } = fakes()
    const carried = carry(range('any'), never)
    for (let s = 0; s < 600; s++) {
      await vi.advanceTimersByTimeAsync(1_000)
      started[0]!.says({ kind: 'alive' })
    }
    expect(started[0]!.ended).toBe(false)
    started[0]!.says({ kind: 'carried', id: 1, receipt: { base: '7' } as Receipt })
    expect((await carried).base).toBe('7')
  })

  test('a thread without work ends after five minutes', async () => {
    const { carry, started } = fakes()
    const carried = carry(range('any'), never)
    started[0]!.says({ kind: 'carried', id: 1, receipt: { base: '7' } as Receipt })
    await carried
    await vi.advanceTimersByTimeAsync(298_000)
    expect(started[0]!.ended).toBe(false)
    await vi.advanceTimersByTimeAsync(2_000)
    expect(started[0]!.ended).toBe(true)
    const next = carry(range('any'), never)
    started[1]!.says({ kind: 'carried', id: 2, receipt: { base: '8' } as Receipt })
    expect((await next).base).toBe('8')
  })
})

describe('failpoints in threads', () => {
  test('count over the whole process, and act on it', async () => {
    const signals: string[] = []
    const effects = { signal: (name: string) => void signals.push(name), exit: () => {}, tell: () => {} }
    const { carry, started } = pool({ reach: armFailpoints('write.beforeObject=pause@3', effects) })
    await Promise.all([1, 2].map(() => carry(range('reach', large), never)))
    expect(started()).toBe(2)
    expect(signals).toEqual([])
    await carry(range('reach'), never)
    expect(signals).toEqual(['SIGSTOP'])
  })

  test('fail the range where they are to', async () => {
    const reached: Failpoint[] = []
    const { carry } = pool({
      reach: (point) => {
        reached.push(point)
        throw new Error(`failpoint ${point}`)
      },
    })
    expect((await refusal(carry(range('reach'), never))).message).toBe('failpoint write.beforeObject')
    expect(reached).toEqual(['write.beforeObject'])
  })
})

test('ranges beyond the memory budget wait before they are posted to a thread', async () => {
  const { carry, says, lines } = pool()
  const memory = budget(100)
  const cancel = new AbortController()
  const hold = (bytes: number, what: string) =>
    refusal(memory.hold(bytes, cancel.signal, () => carry(range(what, large), cancel.signal)))
  const began = says('began')
  const first = hold(60, 'wait')
  const second = hold(60, 'wait')
  await began
  expect(lines).toHaveLength(1)
  cancel.abort(new Error('cancelled'))
  expect((await first).message).toBe('cancelled')
  expect((await second).message).toBe('cancelled')
  expect(lines).toHaveLength(1)
})
