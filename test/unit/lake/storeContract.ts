/** What the commit protocol leans on, the same for every adapter. */
import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { probeStore } from '../../../src/lake/probe.ts'
import type { ObjectStore } from '../../../src/lake/store.ts'

export interface ContractTerms {
  /** Bytes above which an upload goes in parts. */
  readonly partBytes: number
}

export function storeContract(name: string, open: () => ObjectStore | Promise<ObjectStore>, { partBytes }: ContractTerms): void {
  describe(`the object store on ${name}`, () => {
    let store: ObjectStore
    const folder = `contract/${randomUUID()}`
    const fresh = (): string => `${folder}/${randomUUID()}`
    const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
    const read = async (key: string): Promise<string | null> => {
      const found = await store.get(key)
      return found && new TextDecoder().decode(found)
    }

    beforeAll(async () => {
      store = await open()
    })

    it('reads null for a key that is not there', async () => {
      expect(await store.get(fresh())).toBeNull()
      expect(await store.head(fresh())).toBeNull()
    })

    it('gives back the bytes that were put, and their size', async () => {
      const key = fresh()
      expect(await store.putIfAbsent(key, bytes('one'))).toBe('created')
      expect(await read(key)).toBe('one')
      expect(await store.head(key)).toEqual({ size: 3 })
    })

    it('never overwrites: the second put says exists and changes nothing', async () => {
      const key = fresh()
      await store.putIfAbsent(key, bytes('first'))
      expect(await store.putIfAbsent(key, bytes('second'))).toBe('exists')
      expect(await read(key)).toBe('first')
    })

    it('stores an empty object', async () => {
      const key = fresh()
      expect(await store.putIfAbsent(key, new Uint8Array())).toBe('created')
      expect(await store.head(key)).toEqual({ size: 0 })
    })

    it('lets exactly one of many racing puts win, and keeps the bytes of that one', async () => {
      const key = fresh()
      const answers = await Promise.all(Array.from({ length: 12 }, (_, i) => store.putIfAbsent(key, bytes(`writer ${i}`))))
      const winners = answers.flatMap((answer, i) => (answer === 'created' ? [i] : []))
      expect(winners).toHaveLength(1)
      expect(await read(key)).toBe(`writer ${winners[0]}`)
    })

    it('lets exactly one of the racing completions win, in parts too where it takes them', async () => {
      for (const multipart of store.multipart ? [false, true] : [false]) {
        const key = fresh()
        const answers = await Promise.all(
          Array.from({ length: 3 }, async (_, i) => {
            const upload = store.upload(key, { multipart })
            await upload.write(bytes(`writer ${i}`))
            return await upload.complete()
          }),
        )
        const winners = answers.flatMap((answer, i) => (answer === 'created' ? [i] : []))
        expect(winners).toHaveLength(1)
        expect(await read(key)).toBe(`writer ${winners[0]}`)
      }
    })

    it('lets one win when a put races a completion', async () => {
      const key = fresh()
      const upload = store.upload(key, { multipart: store.multipart })
      await upload.write(bytes('parts'))
      const answers = await Promise.all([store.putIfAbsent(key, bytes('put')), upload.complete()])
      expect([...answers].sort()).toEqual(['created', 'exists'])
      expect(await read(key)).toBe(answers[0] === 'created' ? 'put' : 'parts')
    })

    it('joins what is written in chunks of any size, in order, above the part limit too', async () => {
      const whole = new Uint8Array(partBytes * 2 + 12_345).map((_, i) => (i * 31 + (i >> 8)) & 255)
      const key = fresh()
      const upload = store.upload(key)
      for (let from = 0, size = 1; from < whole.length; from += size, size = Math.min(size * 3, partBytes + 1)) {
        await upload.write(whole.subarray(from, from + size))
      }
      expect(await upload.complete()).toBe('created')
      expect(Buffer.compare((await store.get(key))!, whole)).toBe(0)
    })

    it('shows nothing of an upload that was not completed or was aborted', async () => {
      const key = fresh()
      const upload = store.upload(key, { multipart: true })
      await upload.write(bytes('half'))
      expect(await store.get(key)).toBeNull()
      await upload.abort()
      expect(await store.get(key)).toBeNull()
      expect(await store.putIfAbsent(key, bytes('other'))).toBe('created')
    })

    it('lists by prefix in ascending order, and from behind a key', async () => {
      const under = `${fresh()}/_delta_log`
      const keys = [0, 1, 2, 10].map((n) => `${under}/${String(n).padStart(20, '0')}.json`)
      for (const key of [...keys].reverse()) await store.putIfAbsent(key, bytes('{}'))
      await store.putIfAbsent(`${under}2/other`, bytes('x'))
      const listed = async (after?: string): Promise<string[]> => {
        const found: string[] = []
        for await (const { key, size } of store.list(`${under}/`, after)) {
          expect(size).toBe(2)
          found.push(key)
        }
        return found
      }
      expect(await listed()).toEqual(keys)
      expect(await listed(keys[1])).toEqual(keys.slice(2))
      expect(await listed(keys[3])).toEqual([])
    })

    it('keeps keys with = and % and dots apart', async () => {
      const keys = ['cdc_date=2026-11-24/a.b-0-1.parquet', 'a%2Fb', 'a%252Fb', 'x y/ä'].map((name) => `${fresh()}/${name}`)
      for (const key of keys) expect(await store.putIfAbsent(key, bytes(key))).toBe('created')
      for (const key of keys) expect(await read(key)).toBe(key)
    })

    it('refuses calls once its signal has aborted, with the reason of the signal', async () => {
      const aborter = new AbortController()
      const bound = store.bound(aborter.signal)
      const key = fresh()
      expect(await bound.putIfAbsent(key, bytes('x'))).toBe('created')
      const reason = new Error('the activity was cancelled')
      aborter.abort(reason)
      await expect(bound.get(key)).rejects.toBe(reason)
      await expect(bound.putIfAbsent(fresh(), bytes('x'))).rejects.toBe(reason)
    })

    it('passes the start-up probe', async () => {
      await probeStore(store, randomUUID)
    })
  })
}
