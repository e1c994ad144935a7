import { ApplicationFailure, CancelledFailure } from '@temporalio/common'
import { MockActivityEnvironment } from '@temporalio/testing'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { attended } from '../../../src/activities/attending.ts'
import { CdcFailure, code } from '../../../src/core/failures.ts'

async function failureOf(work: (signal: AbortSignal) => Promise<unknown>, env = new MockActivityEnvironment()): Promise<unknown> {
  return env
    .run(() => attended(work))
    .then(
      () => null,
      (error: unknown) => error,
    )
}

afterEach(() => {
  vi.useRealTimers()
})

describe('an activity', () => {
  test('heartbeats by the clock while it works, and no longer', async () => {
    vi.useFakeTimers()
    const env = new MockActivityEnvironment()
    let beats = 0
    env.on('heartbeat', () => beats++)
    const done = env.run(() => attended(() => new Promise((resolve) => setTimeout(resolve, 20_500))))
    await vi.advanceTimersByTimeAsync(21_000)
    await done
    expect(beats).toBe(10)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(beats).toBe(10)
  })

  test('that is cancelled passes it down and counts as cancelled, whatever error ends it', async () => {
    const env = new MockActivityEnvironment()
    const failure = failureOf(
      (signal) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(new Error('socket closed')))
          env.cancel('CANCELLED')
        }),
      env,
    )
    expect(await failure).toBeInstanceOf(CancelledFailure)
  })

  test('that cannot be mended by retrying is not retried, and tells code, hint and details', async () => {
    const failure = await failureOf(() => {
      throw new CdcFailure(code.DataLoss, 'partition 0 begins at 9', { details: { partition: 0 } })
    })
    expect(failure).toBeInstanceOf(ApplicationFailure)
    expect(failure).toMatchObject({ type: 'CDC2004', nonRetryable: true, message: 'CDC2004 partition 0 begins at 9' })
    expect((failure as ApplicationFailure).details).toEqual([
      { hint: expect.stringContaining('retention') as string, partition: 0 },
    ])
  })

  test('whose failure passes by itself is retried', async () => {
    const failure = await failureOf(() => Promise.reject(new CdcFailure(code.StoreUnavailable, 'no answer')))
    expect(failure).toMatchObject({ type: 'CDC5001', nonRetryable: false })
  })

  test('does not pass on what an unknown error says: it may quote a row', async () => {
    const error = Object.assign(new TypeError('cannot convert swordfish'), { code: 'ERR_X' })
    const failure = await failureOf(() => Promise.reject(error))
    expect(failure).toMatchObject({ type: 'Unexpected', nonRetryable: false })
    expect((failure as Error).message).toMatch(/^unexpected TypeError \(ERR_X\)/)
    expect(JSON.stringify(failure) + (failure as Error).stack).not.toContain('swordfish')
  })
})
