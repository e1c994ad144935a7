import { describe, expect, it } from 'vitest'
import { code } from '../../../src/core/failures.ts'
import { commitReceipts, openTable, positionOf, readSnapshot, walkPending } from '../../../src/lake/table.ts'
import { claimed, entryOf, fixture, open, openGrown, provenance, receipt, starts, today, write } from './tableFixture.ts'

describe('binding a table', () => {
  it('writes entry 0 with protocol, metaData and where each partition starts', async () => {
    const ctx = fixture()
    const table = await open(ctx)
    expect(table).toMatchObject({ version: 0, epoch: 0, topic: claimed.topic, topicId: claimed.topicId })
    expect(table.positions).toEqual([
      { partition: 0, base: '100', seen: '100', day: today },
      { partition: 1, base: '0', seen: '0', day: today },
    ])
    const [info, protocol, metaData, ...txns] = entryOf(ctx, 0)
    expect(info!['commitInfo']).toMatchObject({ operation: 'CREATE TABLE', 'cdc.metadata_version': 0, 'cdc.run_id': 'run-1' })
    expect(protocol!['protocol']).toEqual({
      minReaderVersion: 3,
      minWriterVersion: 7,
      readerFeatures: ['timestampNtz'],
      writerFeatures: ['timestampNtz', 'appendOnly', 'invariants'],
    })
    expect(metaData!['metaData']).toMatchObject({
      partitionColumns: ['cdc_date'],
      configuration: {
        'delta.dataSkippingStatsColumns': '__kafka_offset,__source_ts',
        'delta.enableExpiredLogCleanup': 'false',
        'cdc.clusterId': 'cluster-a',
      },
    })
    expect(metaData!['metaData']!['configuration']).not.toHaveProperty(['delta.appendOnly'])
    expect(txns.map(({ txn }) => `${String(txn!['appId'])}=${String(txn!['version'])}`)).toEqual([
      '0/0=100',
      `0/0/day=${today}`,
      '0/0/seen=100',
      '0/1=0',
      `0/1/day=${today}`,
      '0/1/seen=0',
    ])
  })

  it('uses protocol 1/2 where the table is made for old readers', async () => {
    const ctx = fixture()
    await open(ctx, { deltaCompat: 'v1' })
    expect(entryOf(ctx, 0)[1]).toEqual({ protocol: { minReaderVersion: 1, minWriterVersion: 2 } })
  })

  it('names no pipeline and no workflow in what decides: another carrier of the same topic goes on', async () => {
    const ctx = fixture()
    const first = await open(ctx)
    const second = await openTable(ctx, claimed, starts, { writer: 'sluice/other', workflowId: 'w2', runId: 'r2' })
    expect(second).toEqual(first)
  })

  it('asks for the starts once only: entry 0 decides, whatever Kafka would say later', async () => {
    const ctx = fixture()
    await open(ctx)
    const again = await openTable(ctx, claimed, () => Promise.reject(new Error('asked again')), provenance)
    expect(positionOf(again, 0).base).toBe('100')
  })

  it('takes the binding of whoever was first when two carriers bind at once', async () => {
    const ctx = fixture()
    const late = (): Promise<[{ partition: number; offset: bigint; day: number }]> =>
      Promise.resolve([{ partition: 0, offset: 7n, day: today }])
    const [one, other] = await Promise.all([open(ctx), openTable(ctx, claimed, late, provenance)])
    expect(one).toEqual(other)
  })

  it.each([
    [{ clusterId: 'cluster-b' }, code.ForeignTableRoot],
    [{ topic: 'airline.public.customers' }, code.ForeignTableRoot],
    [{ deltaCompat: 'v1' as const }, code.ForeignTableRoot],
    [{ topicId: 'topic-id-2' }, code.TopicRecreated],
  ])('parks a carrier that brings %j', async (claims, failure) => {
    const ctx = fixture()
    await open(ctx)
    await expect(open(ctx, claims)).rejects.toMatchObject({ code: failure })
    expect((await readSnapshot(ctx))!.version).toBe(0)
  })

  it('leaves a table alone that Sluice did not make', async () => {
    const ctx = fixture()
    const foreign = '{"commitInfo":{"operation":"WRITE"}}\n{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}\n'
    await ctx.memory.putIfAbsent(`${ctx.root}/_delta_log/${'0'.repeat(20)}.json`, new TextEncoder().encode(foreign))
    await expect(open(ctx)).rejects.toMatchObject({ code: code.ForeignTableRoot })
  })
})

describe('links that stand beyond the log', () => {
  it('commits at the start what was written and not committed, link after link', async () => {
    const ctx = fixture()
    const table = await openGrown(ctx)
    await write(ctx, table, 0, 120)
    const ahead = { ...table, positions: [{ ...positionOf(table, 0), base: '120' }] }
    await write(ctx, ahead, 0, 150)
    const reopened = await open(ctx)
    expect(reopened.version).toBe(table.version + 1)
    expect(positionOf(reopened, 0)).toEqual({ partition: 0, base: '150', seen: '150', day: today })
    expect(entryOf(ctx, reopened.version).filter(({ add }) => add)).toHaveLength(2)
  })

  it('commits pending links before it says that the topic was made again', async () => {
    const ctx = fixture()
    await write(ctx, await openGrown(ctx), 1, 10)
    await expect(open(ctx, { topicId: 'topic-id-2' })).rejects.toMatchObject({ code: code.TopicRecreated })
    expect(positionOf((await readSnapshot(ctx))!, 1).base).toBe('10')
  })

  it('changes nothing when the links were committed meanwhile by another', async () => {
    const ctx = fixture()
    const table = await openGrown(ctx)
    const committed = await commitReceipts(ctx, table, [await receipt(ctx, table, 0, 130)], provenance)
    expect(await walkPending(ctx, table, provenance)).toEqual(committed)
  })

  it('follows an empty link into the folder of the next day', async () => {
    const ctx = fixture()
    const table = await openGrown(ctx)
    await write(ctx, table, 0, 100, { nextDay: today + 1, stats: null, lsn: null, anchor: null })
    const turned = { ...table, positions: [{ ...positionOf(table, 0), day: today + 1 }] }
    await write(ctx, turned, 0, 105, { nextDay: today + 1 })
    expect(positionOf(await open(ctx), 0)).toEqual({ partition: 0, base: '105', seen: '105', day: today + 1 })
  })

  it('is fenced by a closing link, and commits what stands before it', async () => {
    const ctx = fixture()
    const table = await openGrown(ctx)
    await write(ctx, table, 0, 110)
    const ahead = { ...table, positions: [{ ...positionOf(table, 0), base: '110' }] }
    await write(ctx, ahead, 0, 110, { closed: 1, rows: 0, stats: null, lsn: null, anchor: null })
    await expect(open(ctx)).rejects.toMatchObject({ code: code.TopicRecreated, details: { partition: 0, epoch: 1 } })
    expect(positionOf((await readSnapshot(ctx))!, 0).base).toBe('110')
  })
})
