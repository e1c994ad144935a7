import { describe, expect, it } from 'vitest'
import { CdcFailure, code } from '../../../src/core/failures.ts'
import type { Growth } from '../../../src/core/receipts.ts'
import {
  commitReceipts,
  growSchema,
  positionOf,
  readSnapshot,
  startOf,
  type ObjectStore,
  type Snapshot,
} from '../../../src/lake/table.ts'
import { columns, entryOf, fixture, now, open, openGrown, provenance, receipt, scanned, today } from './tableFixture.ts'

describe('committing receipts', () => {
  it('makes one entry of all partitions, with the positions of every one, moved or not', async () => {
    const ctx = fixture()
    const table = await openGrown(ctx)
    const after = await commitReceipts(ctx, table, [await receipt(ctx, table, 0, 120)], provenance)
    expect(after.version).toBe(table.version + 1)
    const entry = entryOf(ctx, after.version)
    expect(entry.filter(({ txn }) => txn)).toHaveLength(6)
    expect(after.positions).toEqual([
      { partition: 0, base: '120', seen: '120', day: today },
      { partition: 1, base: '0', seen: '0', day: today },
    ])
  })

  it('carries provenance: range, hash, LSNs, anchor, writer, workflow and run', async () => {
    const ctx = fixture()
    const table = await openGrown(ctx)
    const done = await receipt(ctx, table, 0, 120)
    const entry = entryOf(ctx, (await commitReceipts(ctx, table, [done], provenance)).version)
    expect(entry[0]!['commitInfo']).toMatchObject({
      operation: 'WRITE',
      engineInfo: 'sluice/test',
      'cdc.workflow_id': provenance.workflowId,
      'cdc.run_id': 'run-1',
      'cdc.metadata_version': 1,
      'cdc.ranges': [
        { epoch: 0, partition: 0, from: '100', next: '120', rows: 20, sha256: done.link!.sha256, lsn: { min: '1', max: '2' } },
      ],
      'cdc.anchors': { 0: { offset: '119', timestampMs: now, hash: 'hash' } },
    })
    const add = entry.find((action) => action['add'])!['add']!
    expect(add).toMatchObject({
      path: 'data/cdc_date=2026-11-24/airline.public.flights-0-0-00000000000000000100.parquet',
      partitionValues: { cdc_date: '2026-11-24' },
      size: done.link!.bytes,
      dataChange: true,
      tags: { 'cdc.from': '100', 'cdc.next': '120', 'cdc.partition': '0', 'cdc.lsn_min': '1', 'cdc.sha256': done.link!.sha256 },
    })
  })

  it('rounds statistics of time outwards to milliseconds, before 1970 too', async () => {
    const ctx = fixture()
    const table = await openGrown(ctx)
    const stats = { minOffset: '100', maxOffset: '119', minSourceTs: '-1', maxSourceTs: '1700000000000001' }
    const after = await commitReceipts(ctx, table, [await receipt(ctx, table, 0, 120, { stats })], provenance)
    const add = entryOf(ctx, after.version).find((action) => action['add'])!['add']!
    expect(JSON.parse(add['stats'] as string)).toEqual({
      numRecords: 20,
      minValues: { __kafka_offset: 100, __source_ts: '1969-12-31T23:59:59.999Z' },
      maxValues: { __kafka_offset: 119, __source_ts: '2023-11-14T22:13:20.001Z' },
      nullCount: { __kafka_offset: 0 },
    })
  })

  it('changes nothing the second time', async () => {
    const ctx = fixture()
    const table = await openGrown(ctx)
    const receipts = [await receipt(ctx, table, 0, 120), await receipt(ctx, table, 1, 5)]
    const once = await commitReceipts(ctx, table, receipts, provenance)
    expect(await commitReceipts(ctx, table, receipts, provenance)).toEqual(once)
    expect(await commitReceipts(ctx, once, receipts, provenance)).toEqual(once)
    expect(await readSnapshot(ctx)).toEqual(once)
  })

  it('commits two carriers that race for the same receipts once', async () => {
    const ctx = fixture()
    const table = await openGrown(ctx)
    const receipts = [await receipt(ctx, table, 0, 120)]
    const [one, other] = await Promise.all([
      commitReceipts(ctx, table, receipts, provenance),
      commitReceipts(ctx, table, receipts, provenance),
    ])
    expect(one).toEqual(other)
    expect(one.version).toBe(table.version + 1)
  })

  it('goes on from the table where another has taken the chain another way', async () => {
    const ctx = fixture()
    const table = await openGrown(ctx)
    const mine = await receipt(ctx, table, 0, 120)
    const theirs = { ...mine, next: '110', link: { ...mine.link!, next: '110' } }
    const after = await commitReceipts(ctx, table, [theirs], provenance)
    expect(await commitReceipts(ctx, table, [mine], provenance)).toEqual(after)
    expect(positionOf(after, 0).base).toBe('110')
  })

  it('takes the next version where somebody else put an entry that moves nothing', async () => {
    const ctx = fixture()
    const table = await openGrown(ctx)
    const done = await receipt(ctx, table, 0, 120)
    const foreign = '{"commitInfo":{"operation":"OPTIMIZE"}}\n{"remove":{"path":"x","dataChange":false}}\n'
    await ctx.memory.putIfAbsent(`${ctx.root}/_delta_log/${'2'.padStart(20, '0')}.json`, new TextEncoder().encode(foreign))
    const after = await commitReceipts(ctx, table, [done], provenance)
    expect(after.version).toBe(3)
    expect(await readSnapshot(ctx)).toEqual(after)
  })

  it('follows several links of one chain in one entry', async () => {
    const ctx = fixture()
    const table = await openGrown(ctx)
    const first = await receipt(ctx, table, 0, 120)
    const ahead: Snapshot = { ...table, positions: [{ ...positionOf(table, 0), base: '120' }, positionOf(table, 1)] }
    const after = await commitReceipts(ctx, table, [first, await receipt(ctx, ahead, 0, 125)], provenance)
    expect(after.version).toBe(table.version + 1)
    expect(positionOf(after, 0).base).toBe('125')
  })

  it('moves only the hint where a range held nothing to keep', async () => {
    const ctx = fixture()
    const table = await openGrown(ctx)
    const after = await commitReceipts(ctx, table, [scanned(table, 0, 500)], provenance)
    expect(positionOf(after, 0)).toEqual({ partition: 0, base: '100', seen: '500', day: today })
    expect(startOf(positionOf(after, 0))).toBe(500n)
    expect(entryOf(ctx, after.version).some(({ add }) => add)).toBe(false)
    const link = await receipt(ctx, after, 0, 510)
    expect(link.link!.base).toBe('100')
    expect(startOf(positionOf(await commitReceipts(ctx, after, [link], provenance), 0))).toBe(510n)
  })

  it('takes the receipt of another day for fenced', async () => {
    const ctx = fixture()
    const table = await openGrown(ctx)
    const zombie = await receipt(ctx, table, 0, 120)
    const turned = {
      ...zombie,
      next: '100',
      nextDay: today + 1,
      link: { ...zombie.link!, next: '100', nextDay: today + 1, rows: 0 },
    }
    const after = await commitReceipts(ctx, table, [turned], provenance)
    expect(await commitReceipts(ctx, table, [zombie], provenance)).toEqual(after)
    expect(positionOf(after, 0)).toMatchObject({ base: '100', day: today + 1 })
  })

  it('looks for the object of an old receipt before it commits it', async () => {
    let clock = now
    const ctx = fixture({ clock: () => clock })
    const table = await openGrown(ctx)
    const done = await receipt(ctx, table, 0, 120)
    clock += 3_600_001
    ctx.memory.objects.delete(`${ctx.root}/${done.link!.key}`)
    await expect(commitReceipts(ctx, table, [done], provenance)).rejects.toMatchObject({ code: code.LinkMissing })
    expect((await readSnapshot(ctx))!.version).toBe(table.version)
  })
})

describe('an answer that was lost', () => {
  function losing(inner: ObjectStore, effect: boolean): ObjectStore {
    return {
      ...inner,
      async putIfAbsent(key, bytes) {
        if (effect) await inner.putIfAbsent(key, bytes)
        throw new CdcFailure(code.StoreUnavailable, 'the answer was lost')
      },
    }
  }

  it('counts as committed when the entry stands', async () => {
    const ctx = fixture()
    const table = await openGrown(ctx)
    const after = await commitReceipts(
      { ...ctx, store: losing(ctx.memory, true) },
      table,
      [await receipt(ctx, table, 0, 120)],
      provenance,
    )
    expect(positionOf(after, 0).base).toBe('120')
    expect(after.version).toBe(table.version + 1)
  })

  it('is told to the caller when nothing stands, and trying again commits once', async () => {
    const ctx = fixture()
    const table = await openGrown(ctx)
    const done = await receipt(ctx, table, 0, 120)
    await expect(commitReceipts({ ...ctx, store: losing(ctx.memory, false) }, table, [done], provenance)).rejects.toMatchObject({
      code: code.StoreUnavailable,
    })
    expect((await commitReceipts(ctx, table, [done], provenance)).version).toBe(table.version + 1)
  })

  it('never trusts a 200: a store that says created and shows nothing is not believed', async () => {
    const ctx = fixture()
    const table = await openGrown(ctx)
    const liar: ObjectStore = { ...ctx.memory, putIfAbsent: () => Promise.resolve('created') }
    const done = await receipt(ctx, table, 0, 120)
    await expect(commitReceipts({ ...ctx, store: liar }, table, [done], provenance)).rejects.toMatchObject({
      code: code.StoreUnavailable,
    })
  })
})

describe('growing the schema', () => {
  const note: Growth = { columns: [{ name: 'note', type: 'string' }], key: null }
  const flag: Growth = { columns: [{ name: 'flag', type: 'boolean' }], key: null }

  it('adds columns by an entry of its own, behind those that were there, and keeps the positions', async () => {
    const ctx = fixture()
    const table = await openGrown(ctx)
    const grown = await growSchema(ctx, table, note, provenance)
    expect(grown.version).toBe(table.version + 1)
    expect(grown.schema).toEqual({
      columns: [
        { name: 'id', type: 'long' },
        { name: 'note', type: 'string' },
      ],
      key: ['id'],
    })
    expect(grown.positions).toEqual(table.positions)
    const metaData = entryOf(ctx, grown.version).find((action) => action['metaData'])!['metaData']!
    const { fields } = JSON.parse(metaData['schemaString'] as string) as {
      fields: { name: string; type: unknown; nullable: boolean }[]
    }
    expect(fields.map(({ name }) => name).slice(0, 3)).toEqual(['id', 'note', '__op'])
    expect(fields.at(-1)).toMatchObject({ name: 'cdc_date', type: 'date' })
    expect(fields.every(({ nullable }) => nullable)).toBe(true)
  })

  it('writes no entry where nothing is missing', async () => {
    const ctx = fixture()
    const table = await openGrown(ctx)
    expect(await growSchema(ctx, table, columns, provenance)).toEqual(table)
  })

  it('merges from fresh state: two carriers that add different columns both get theirs', async () => {
    const ctx = fixture()
    const table = await openGrown(ctx)
    await Promise.all([growSchema(ctx, table, note, provenance), growSchema(ctx, table, flag, provenance)])
    const names = (await readSnapshot(ctx))!.schema.columns.map(({ name }) => name)
    expect(names.sort()).toEqual(['flag', 'id', 'note'])
  })

  it('keeps the table as it is, id and settings of others included', async () => {
    const ctx = fixture()
    const table = await openGrown(ctx)
    const grown = await growSchema(ctx, table, note, provenance)
    expect(grown.metaData).toEqual(table.metaData)
    expect(grown.binding).toEqual(table.binding)
  })

  it('sets the key with the first columns only', async () => {
    const ctx = fixture()
    const table = await open(ctx)
    expect(table.schema).toEqual({ columns: [], key: [] })
    expect((await growSchema(ctx, table, columns, provenance)).schema.key).toEqual(['id'])
  })

  it.each<[string, Growth, string]>([
    ['a type that left its class', { columns: [{ name: 'id', type: 'string' }], key: null }, code.TypeChanged],
    ['a name that differs only in case', { columns: [{ name: 'ID', type: 'long' }], key: null }, code.NamesClash],
    ['a name of the lake', { columns: [{ name: '__op', type: 'string' }], key: null }, code.ReservedName],
    ['the name of the partition column', { columns: [{ name: 'CDC_DATE', type: 'date' }], key: null }, code.ReservedName],
    ['another key', { columns: [], key: ['other'] }, code.KeyChanged],
  ])('parks before %s', async (_what, growth, failure) => {
    const ctx = fixture()
    const table = await openGrown(ctx)
    await expect(growSchema(ctx, table, growth, provenance)).rejects.toMatchObject({ code: failure })
    expect((await readSnapshot(ctx))!.version).toBe(table.version)
  })

  it('carries wall-clock timestamps as UTC in a table for old readers', async () => {
    const ctx = fixture()
    const growth: Growth = {
      columns: [
        { name: 'at', type: 'timestamp_ntz' },
        { name: 'ats', type: 'array<timestamp_ntz>' },
      ],
      key: [],
    }
    const grown = await growSchema(ctx, await open(ctx, { deltaCompat: 'v1' }), growth, provenance)
    expect(grown.schema.columns.map(({ type }) => type)).toEqual(['timestamp', 'array<timestamp>'])
    expect(await growSchema(ctx, grown, growth, provenance)).toEqual(grown)
  })
})
