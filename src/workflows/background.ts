/** A piece of work that runs while the loop goes on, in a cancellation scope of its own. */
import { CancellationScope, isCancellation } from '@temporalio/workflow'

export interface Background<T> {
  readonly done: boolean
  /** The result; throws what the work threw. Only after `done`. */
  take(): T
  cancel(): void
}

export function background<T>(work: () => Promise<T>, options: { cancellable: boolean } = { cancellable: true }): Background<T> {
  const scope = new CancellationScope({ cancellable: options.cancellable })
  let result: { value: T } | { error: unknown } | null = null
  scope.run(work).then(
    (value) => (result = { value }),
    (error: unknown) => (result = { error }),
  )
  return {
    get done() {
      return result !== null
    },
    take() {
      if (result === null) throw new Error('taken before it was done')
      if ('error' in result) throw result.error
      return result.value
    },
    cancel: () => scope.cancel(),
  }
}

/** All or the first failure; the others are then cancelled and waited for, so that nothing is left running. */
export async function together<T>(work: readonly (() => Promise<T>)[]): Promise<T[]> {
  const scope = new CancellationScope()
  const results = await scope.run(() =>
    Promise.allSettled(
      work.map((one) =>
        one().catch((error: unknown) => {
          scope.cancel()
          throw error
        }),
      ),
    ),
  )
  const failed = results.filter((r) => r.status === 'rejected').map((r) => r.reason as unknown)
  if (failed.length > 0) throw failed.find((error) => !isCancellation(error)) ?? failed[0]
  return results.map((r) => (r as PromiseFulfilledResult<T>).value)
}
