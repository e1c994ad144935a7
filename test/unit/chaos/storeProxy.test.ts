import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { storeProxy, type Fate, type StoreProxy } from '../../../scripts/chaos/storeProxy.ts'

/** A store that keeps the last body it was given for each path, and counts. */
const kept = new Map<string, string>()
let server: Server
let proxy: StoreProxy

beforeAll(async () => {
  server = createServer((incoming, outgoing) => {
    void (async () => {
      const chunks: Buffer[] = []
      for await (const chunk of incoming) chunks.push(chunk as Buffer)
      if (incoming.method === 'PUT') kept.set(incoming.url!, Buffer.concat(chunks).toString())
      outgoing.setHeader('x-kept', 'yes').end(incoming.method === 'PUT' ? '' : (kept.get(incoming.url!) ?? 'nothing'))
    })()
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  proxy = await storeProxy(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})
afterAll(async () => {
  await proxy.close()
  await new Promise((closed) => server.close(closed))
})

function put(path: string, body = 'written'): Promise<Response> {
  return fetch(proxy.endpoint + path, { method: 'PUT', body })
}
const get = async (path: string) => (await fetch(proxy.endpoint + path)).text()
const fated = (fate: Fate) => proxy.decide(() => fate)

test('what it is not told to touch passes unchanged, headers and all', async () => {
  proxy.decide(null)
  const answer = await put('/plain?x=1')
  expect([answer.status, answer.headers.get('x-kept')]).toEqual([200, 'yes'])
  expect(await get('/plain?x=1')).toBe('written')
  expect(proxy.struck).toEqual([])
})

test('a refused write never reaches the store, and is told as S3 tells it', async () => {
  fated({ kind: 'refuse', status: 503, code: 'SlowDown' })
  const answer = await put('/refused')
  expect(answer.status).toBe(503)
  expect(await answer.text()).toContain('<Code>SlowDown</Code>')
  expect(kept.has('/refused')).toBe(false)
})

test('a denied write takes place', async () => {
  fated({ kind: 'deny', status: 412, code: 'PreconditionFailed' })
  expect((await put('/denied')).status).toBe(412)
  expect(kept.get('/denied')).toBe('written')
})

test('a lost answer is no answer to a write that took place', async () => {
  fated({ kind: 'lose' })
  await expect(put('/lost')).rejects.toThrow()
  expect(kept.get('/lost')).toBe('written')
})

test('a cut answer ends in its middle', async () => {
  kept.set('/cut', 'a long body')
  fated({ kind: 'cut' })
  await expect(get('/cut')).rejects.toThrow()
})

test('a bit is turned over on the way there, or on the way back', async () => {
  fated({ kind: 'flip' })
  await put('/there', 'aaaaa')
  expect(kept.get('/there')).toBe('aa`aa')
  kept.set('/back', 'aaaaa')
  expect(await get('/back')).toBe('aa`aa')
})

test('it says whom it struck, and how', async () => {
  const before = proxy.struck.length
  proxy.decide(({ method, path }) => (method === 'PUT' && path === '/chosen' ? { kind: 'lose' } : null))
  await put('/other')
  await put('/chosen').catch(() => undefined)
  expect(proxy.struck.slice(before)).toEqual([{ method: 'PUT', path: '/chosen', kind: 'lose' }])
})

test('a store that is away is a broken connection', async () => {
  const lonely = await storeProxy('http://127.0.0.1:1')
  await expect(fetch(`${lonely.endpoint}/x`)).rejects.toThrow()
  await lonely.close()
})
