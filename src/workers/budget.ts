/** What bounds a worker's writes: not activity slots, but what ranges may hold together: bytes of memory, the time of threads (DESIGN §3, §9). */

export interface Budget {
  /**
   * Runs `work` once `amount` of the budget are free, in the order of the calls; a wish beyond the whole budget gets all of it.
   * Rejects with the signal's reason where that aborts while waiting.
   */
  hold<T>(amount: number, signal: AbortSignal, work: () => Promise<T>): Promise<T>
}

interface Waiting {
  readonly amount: number
  readonly begin: () => void
}

export function budget(total: number): Budget {
  let free = total
  const queue: Waiting[] = []

  function admit(): void {
    while (queue[0] && queue[0].amount <= free) {
      const { amount, begin } = queue.shift()!
      free -= amount
      begin()
    }
  }

  function turn(amount: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted()
      const leave = () => {
        queue.splice(queue.indexOf(waiting), 1)
        reject(signal.reason as Error)
        admit()
      }
      const waiting = {
        amount,
        begin: () => {
          signal.removeEventListener('abort', leave)
          resolve()
        },
      }
      signal.addEventListener('abort', leave, { once: true })
      queue.push(waiting)
      admit()
    })
  }

  return {
    async hold(wish, signal, work) {
      const amount = Math.min(wish, total)
      await turn(amount, signal)
      try {
        return await work()
      } finally {
        free += amount
        admit()
      }
    },
  }
}
