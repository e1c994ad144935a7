/** What bounds a worker's writes: not activity slots, but the bytes that ranges may hold together (DESIGN §3, §9). */

export interface MemoryBudget {
  /**
   * Runs `work` once `bytes` of the budget are free, in the order of the calls; a wish beyond the whole budget gets all of it.
   * Rejects with the signal's reason where that aborts while waiting.
   */
  hold<T>(bytes: number, signal: AbortSignal, work: () => Promise<T>): Promise<T>
}

interface Waiting {
  readonly bytes: number
  readonly begin: () => void
}

export function memoryBudget(total: number): MemoryBudget {
  let free = total
  const queue: Waiting[] = []

  function admit(): void {
    while (queue[0] && queue[0].bytes <= free) {
      const { bytes, begin } = queue.shift()!
      free -= bytes
      begin()
    }
  }

  function turn(bytes: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted()
      const leave = () => {
        queue.splice(queue.indexOf(waiting), 1)
        reject(signal.reason as Error)
        admit()
      }
      const waiting = {
        bytes,
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
      const bytes = Math.min(wish, total)
      await turn(bytes, signal)
      try {
        return await work()
      } finally {
        free += bytes
        admit()
      }
    },
  }
}
