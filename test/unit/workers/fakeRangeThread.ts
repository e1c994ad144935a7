/** Carries nothing: does what the name of the "table" says. The real pool, the real messages, a real thread. */
import { threadId, parentPort } from 'node:worker_threads'
import { CdcFailure, code } from '../../../src/core/failures.ts'
import type { Receipt } from '../../../src/core/receipts.ts'
import { serveRanges } from '../../../src/workers/threadServer.ts'

/** Tells by its key which thread carried. */
const receipt = { link: { key: `thread ${threadId}` } } as unknown as Receipt

serveRanges(parentPort!, ({ reach, log }) => async ({ job }, signal) => {
  const what = job.table.name
  if (what === 'wait' || what === 'hang') log.debug('began', { from: job.from })
  if (what === 'wait') await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
  else if (what === 'hang') for (;;);
  else if (what === 'reach') await reach('write.beforeObject')
  else if (what === 'fill memory') for (const all: unknown[] = []; ;) all.push(new Array(100_000).fill(all.length))
  else if (what === 'die') await new Promise(() => setImmediate(dies))
  else if (what === 'park') throw parking()
  else if (what === 'break') throw Object.assign(new TypeError('broken'), { code: 'ERR_OF_NODE' })
  return receipt
})

function parking(): CdcFailure {
  const details = { partition: 1, choices: [{ openEpoch: { epoch: 1, topicId: 'x' } }] }
  return new CdcFailure(code.LogTruncated, 'ends too early', { hint: 'look', details, cause: new Error('the broker said so') })
}

function dies(): never {
  throw new Error('the thread dies')
}
