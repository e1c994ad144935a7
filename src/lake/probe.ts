/** The start-up probe (DESIGN §4.12, SEMANTICS R2.8): the protocol stands on a store that lets exactly one of many writers win. */
import { CdcFailure, code } from '../core/failures.ts'
import type { ObjectStore, PutOutcome } from './store.ts'

const racingPuts = 5
const racingCompletions = 3

/**
 * Races puts, and where it uses them completions of parts, for one key each, and reads a key that is not there. Throws CDC5002 where several win,
 * or where what stands is not the winner's; CDC5001 where the store does not answer. Needs a few small objects below `_probe/`,
 * which it deletes again, best effort.
 */
export async function probeStore(store: ObjectStore, random: () => string): Promise<void> {
  const id = random()
  const withParts: Write = async (key, bytes) => {
    const upload = store.upload(key, { multipart: true })
    try {
      await upload.write(bytes)
      return await upload.complete()
    } finally {
      await upload.abort()
    }
  }
  await Promise.all([
    race(store, `_probe/${id}-put`, racingPuts, (key, bytes) => store.putIfAbsent(key, bytes)),
    store.multipart && race(store, `_probe/${id}-parts`, racingCompletions, withParts),
  ])
  const missing = `_probe/${id}-missing`
  if ((await store.get(missing)) !== null || (await store.head(missing)) !== null) {
    throw unsafe('a key that was never written can be read')
  }
}

type Write = (key: string, bytes: Uint8Array) => Promise<PutOutcome>

async function race(store: ObjectStore, key: string, writers: number, write: Write): Promise<void> {
  const bytesOf = (writer: number): Uint8Array => new TextEncoder().encode(`writer ${writer}`)
  try {
    const answers = await Promise.allSettled(Array.from({ length: writers }, (_, writer) => write(key, bytesOf(writer))))
    // Once more, when all is still: a store that only checks what was there when the race began shows here.
    answers.push(...(await Promise.allSettled([write(key, bytesOf(writers))])))
    const winners = answers.flatMap((answer, writer) =>
      answer.status === 'fulfilled' && answer.value === 'created' ? [writer] : [],
    )
    const standing = await store.get(key)
    const unanswered = answers.find((answer) => answer.status === 'rejected')
    if (winners.length > 1) throw unsafe(`${winners.length} of ${answers.length} racing conditional writes of one key won`)
    if (winners.length === 0) {
      // A conflict (409), a lost answer, or a 412 to a request that somebody on the way sent twice may hide the winner; nothing is proved then.
      const what = `none of ${answers.length} conditional writes of a new key won`
      throw (
        unanswered?.reason ??
        (standing === null ? unsafe(what) : new CdcFailure(code.StoreUnavailable, `${what}; one of them stands`))
      )
    }
    if (standing === null) throw unsafe('a conditional write was acknowledged and cannot be read')
    if (!Buffer.from(standing).equals(bytesOf(winners[0]!))) throw unsafe('another object stands there than the one that won')
  } finally {
    await store.delete(key).catch(() => {})
  }
}

function unsafe(what: string): CdcFailure {
  return new CdcFailure(code.StoreUnsafe, what)
}
