import { describe, expect, it } from 'vitest'
import { code } from '../../../src/core/failures.ts'
import {
  catchUp,
  commitReceipts,
  growSchema,
  positionOf,
  readSnapshot,
  type LakeContext,
  type Snapshot,
} from '../../../src/lake/table.ts'
import { fixture, open, openGrown, provenance, receipt, scanned } from './tableFixture.ts'

describe('reading the log', () => {
  const keyOf = (ctx: LakeContext, version: number): string => `${ctx.root}/_delta_log/${String(version).padStart(20, '0')}.json`
  const put = (ctx: LakeContext, version: number, text: string): Promise<unknown> =>
    ctx.store.putIfAbsent(keyOf(ctx, version), new TextEncoder().encode(text))

  async function longTable(ctx: LakeContext, entries: number): Promise<Snapshot> {
    let table = await openGrown(ctx)
    for (let i = 1; i <= entries; i++) table = await commitReceipts(ctx, table, [scanned(table, 1, i)], provenance)
    return table
  }

  it('says null where there is no table', async () => {
    expect(await readSnapshot(fixture())).toBeNull()
  })

  it('is plain JSON, and the same from the start as entry by entry', async () => {
    const ctx = fixture()
    const first = await open(ctx)
    const newest = await longTable(ctx, 3)
    expect(await readSnapshot(ctx)).toEqual(newest)
    expect(await catchUp(ctx, first)).toEqual(newest)
    expect(JSON.parse(JSON.stringify(newest))).toEqual(newest)
  })

  it('needs three reads however long the log is', async () => {
    const ctx = fixture()
    await longTable(ctx, 40)
    let reads = 0
    const counting = { ...ctx.memory, get: (key: string) => (reads++, ctx.memory.get(key)) }
    const snapshot = await readSnapshot({ ...ctx, store: counting })
    expect(snapshot!.schema.columns).toEqual([{ name: 'id', type: 'long' }])
    expect(reads).toBe(3)
  })

  it('catches up over a long way by a LIST, not entry by entry', async () => {
    const ctx = fixture()
    const first = await open(ctx)
    const newest = await longTable(ctx, 100)
    let reads = 0
    const counting = { ...ctx.memory, get: (key: string) => (reads++, ctx.memory.get(key)) }
    expect(await catchUp({ ...ctx, store: counting }, first)).toEqual(newest)
    expect(reads).toBeLessThan(40)
  })

  it('reads past entries that others wrote, and keeps position and schema', async () => {
    const ctx = fixture()
    const table = await longTable(ctx, 2)
    await put(ctx, table.version + 1, '{"commitInfo":{"operation":"OPTIMIZE"}}\n{"txn":{"appId":"spark-query","version":7}}\n')
    await put(ctx, table.version + 2, '{"remove":{"path":"x","dataChange":false}}\n')
    expect(await readSnapshot(ctx)).toEqual({ ...table, version: table.version + 2 })
  })

  it('sees a metaData that another wrote, and grows on from it', async () => {
    const ctx = fixture()
    const table = await longTable(ctx, 1)
    const metaData = new TextDecoder()
      .decode(await ctx.store.get(keyOf(ctx, table.metaDataVersion)))
      .split('\n')
      .find((line) => line.startsWith('{"metaData"'))!
    await put(ctx, table.version + 1, metaData.replace('"configuration":{', '"configuration":{"delta.targetFileSize":"1",'))
    const seen = (await readSnapshot(ctx))!
    expect(seen.metaDataVersion).toBe(table.version + 1)
    const grown = await growSchema(ctx, table, { columns: [{ name: 'note', type: 'string' }], key: null }, provenance)
    expect(grown.metaData.configuration).toHaveProperty(['delta.targetFileSize'], '1')
    expect(await readSnapshot(ctx)).toEqual(grown)
  })

  it('parks before a gap in the log', async () => {
    const ctx = fixture()
    await longTable(ctx, 3)
    ctx.memory.objects.delete(keyOf(ctx, 2))
    await expect(readSnapshot(ctx)).rejects.toMatchObject({ code: code.BrokenLog })
  })

  it.each(['', 'not json\n', '[1]\n[2', 'null\n'])('parks before an entry that cannot be read: %j', async (text) => {
    const ctx = fixture()
    const table = await openGrown(ctx)
    await put(ctx, table.version + 1, text)
    await expect(readSnapshot(ctx)).rejects.toMatchObject({ code: code.BrokenLog })
    await expect(catchUp(ctx, table)).rejects.toMatchObject({ code: code.BrokenLog })
  })

  it.each([
    '{"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["deletionVectors"],"writerFeatures":["deletionVectors"]}}',
    '{"protocol":{"minReaderVersion":2,"minWriterVersion":5}}',
    '{"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["timestampNtz"],"writerFeatures":["timestampNtz","typeWidening"]}}',
  ])('parks before a protocol that it does not write: %s', async (text) => {
    const ctx = fixture()
    const table = await openGrown(ctx)
    await put(ctx, table.version + 1, `${text}\n`)
    await expect(commitReceipts(ctx, table, [await receipt(ctx, table, 0, 110)], provenance)).rejects.toMatchObject({
      code: code.UnsupportedProtocol,
    })
  })

  it.each([
    ['"cdc.epochs":"', '"cdc.epochs":"x'],
    ['"cdc.key"', '"cdc.lock"'],
    ['"cdc.clusterId"', '"cdc.cluster"'],
    ['"schemaString":"', '"schemaString":"x'],
  ])('parks before metaData in which %s became %s', async (from, to) => {
    const ctx = fixture()
    await open(ctx)
    const entry = new TextDecoder().decode(ctx.memory.objects.get(keyOf(ctx, 0)))
    expect(entry).toContain(from)
    ctx.memory.objects.set(keyOf(ctx, 0), new TextEncoder().encode(entry.replace(from, to)))
    await expect(readSnapshot(ctx)).rejects.toMatchObject({ code: code.BrokenLog })
  })

  it('parks before a table of a later format', async () => {
    const ctx = fixture()
    await open(ctx)
    const entry = new TextDecoder().decode(ctx.memory.objects.get(keyOf(ctx, 0)))
    ctx.memory.objects.set(keyOf(ctx, 0), new TextEncoder().encode(entry.replace('"cdc.format":"1"', '"cdc.format":"2"')))
    await expect(readSnapshot(ctx)).rejects.toMatchObject({ code: code.UnsupportedProtocol })
  })

  it('refuses a partition that the table does not admit', async () => {
    const table = await open(fixture())
    expect(() => positionOf(table, 7)).toThrow(code.PartitionsGrew)
  })
})
