import { describe, expect, it } from 'vitest'
import { code } from '../../../src/core/failures.ts'
import type { ResumeDecision } from '../../../src/core/jobs.ts'
import type { Anchor } from '../../../src/core/receipts.ts'
import type { TopicState, Watermarks } from '../../../src/core/records.ts'
import {
  admitPartitions,
  commitReceipts,
  openTable,
  positionOf,
  readSnapshot,
  type LakeContext,
} from '../../../src/lake/table.ts'
import { claimed, entryOf, filesOf, fixture, openGrown, provenance, receipt, starts, today, write } from './tableFixture.ts'

/** The topic of the fixture: partition 0 begins at 100, partition 1 at 0. */
function topic(over: { id?: string; low?: bigint[]; high?: bigint[] } = {}): TopicState {
  const { id = claimed.topicId, low = [100n, 0n], high = [200n, 200n] } = over
  const partitions: Watermarks[] = high.map((end, partition) => ({
    partition,
    low: low[partition] ?? 0n,
    stable: end,
    high: end,
  }))
  return { identity: { clusterId: claimed.clusterId, topic: claimed.topic, id }, partitions }
}

function resume(ctx: LakeContext, state: TopicState, decision: ResumeDecision | null, record: Anchor | null | 'gone' = 'gone') {
  const startsOf = ({ partitions }: TopicState) =>
    Promise.resolve(partitions.map(({ partition, low }) => ({ partition, offset: low, day: today })))
  return openTable(ctx, { ...claimed, topicId: state.identity.id }, starts, provenance, {
    decision,
    look: () => Promise.resolve(state),
    startsOf,
    recordAt: () => Promise.resolve(record),
  })
}

const again = topic({ id: 'topic-id-2', low: [5n, 0n, 0n], high: [9n, 9n, 9n] })
const openEpoch = { openEpoch: { epoch: 1, topicId: 'topic-id-2' } }

describe('a topic that was made again', () => {
  it('parks with the one choice to open the next epoch', async () => {
    const ctx = fixture()
    await openGrown(ctx)
    await expect(resume(ctx, again, null)).rejects.toMatchObject({ code: code.TopicRecreated, details: { choices: [openEpoch] } })
  })

  it('is carried in epoch 1 once that is decided, from where it begins, and the entry tells who decided what', async () => {
    const ctx = fixture()
    const before = await openGrown(ctx)
    const table = await resume(ctx, again, openEpoch)
    expect(table).toMatchObject({ epoch: 1, topicId: 'topic-id-2', schema: before.schema, anchors: {} })
    expect(table.positions.map(({ partition, base }) => [partition, base])).toEqual([
      [0, '5'],
      [1, '0'],
      [2, '0'],
    ])
    const [info] = entryOf(ctx, table.version)
    const who = { 'cdc.workflow_id': provenance.workflowId, 'cdc.decision': openEpoch, operation: 'OPEN EPOCH' }
    expect(info!['commitInfo']).toMatchObject(who)
    expect(await readSnapshot(ctx)).toEqual(table)
  })

  it('ends every chain of the old epoch by a closing link, behind what stands there uncommitted', async () => {
    const ctx = fixture()
    const old = await openGrown(ctx)
    await write(ctx, old, 0, 120)
    const table = await resume(ctx, again, openEpoch)
    expect(filesOf(ctx).map((key) => /flights-(.+)\.parquet$/.exec(key)![1])).toEqual([
      '0-0-00000000000000000100',
      '0-0-00000000000000000120',
      '0-1-00000000000000000000',
    ])
    expect(entryOf(ctx, table.version - 1).filter(({ add }) => add)).toHaveLength(1)
  })

  it('fences whoever still carries the old one: no link of it can be put, no receipt of it committed', async () => {
    const ctx = fixture()
    const old = await openGrown(ctx)
    const late = await receipt(ctx, old, 0, 110)
    const table = await resume(ctx, again, openEpoch)
    await expect(write(ctx, { ...old, positions: [{ ...positionOf(old, 0), base: '110' }] }, 0, 150)).rejects.toMatchObject({
      code: code.TopicRecreated,
    })
    expect(await commitReceipts(ctx, old, [late], provenance)).toEqual(table)
  })

  it('is opened to its end by another try of the same decision, and twice changes nothing', async () => {
    const ctx = fixture()
    const old = await openGrown(ctx)
    await write(ctx, old, 0, 100, { closed: 1, rows: 0, stats: null, lsn: null, anchor: null })
    const table = await resume(ctx, again, openEpoch)
    expect(await resume(ctx, again, openEpoch)).toEqual(table)
  })

  it('refuses the decision where the topic was made again once more, and touches nothing', async () => {
    const ctx = fixture()
    const { version } = await openGrown(ctx)
    const third = topic({ id: 'topic-id-3' })
    await expect(resume(ctx, third, openEpoch)).rejects.toMatchObject({
      code: code.DecisionRefused,
      details: { choices: [{ openEpoch: { epoch: 1, topicId: 'topic-id-3' } }] },
    })
    expect((await readSnapshot(ctx))!.version).toBe(version)
    expect(filesOf(ctx)).toEqual([])
  })
})

describe('records that Kafka deleted before they were carried', () => {
  const cut = topic({ low: [130n, 7n] })
  const acceptGap = [
    { partition: 0, from: '100', to: '130' },
    { partition: 1, from: '0', to: '7' },
  ]

  it('are left out by an empty link each, which says so, and the log tells what was lost and who accepted it', async () => {
    const ctx = fixture()
    await openGrown(ctx)
    const table = await resume(ctx, cut, { acceptGap })
    expect(table.positions.map(({ base }) => base)).toEqual(['130', '7'])
    const [info] = entryOf(ctx, table.version - 1)
    expect(info!['commitInfo']).toMatchObject({
      'cdc.decision': { acceptGap },
      'cdc.ranges': [{ partition: 0, from: '100', next: '130', rows: 0, gap: { from: '100', to: '130' } }],
    })
  })

  it('are not left out where another carrier had them still: its link is committed, and only the rest left out', async () => {
    const ctx = fixture()
    const old = await openGrown(ctx)
    await write(ctx, old, 0, 120)
    const at = await commitReceipts(ctx, old, [await receipt(ctx, old, 1, 7)], provenance)
    expect(positionOf(at, 0).base).toBe('100')
    await expect(resume(ctx, cut, { acceptGap })).rejects.toMatchObject({
      code: code.DecisionRefused,
      details: { choices: [{ acceptGap: [{ partition: 0, from: '120', to: '130' }] }] },
    })
    const table = await resume(ctx, cut, { acceptGap: [{ partition: 0, from: '120', to: '130' }] })
    expect(positionOf(table, 0).base).toBe('130')
  })

  it('are asked about again where retention went on meanwhile', async () => {
    const ctx = fixture()
    await openGrown(ctx)
    const later = topic({ low: [140n, 7n] })
    await expect(resume(ctx, later, { acceptGap })).rejects.toMatchObject({ code: code.DecisionRefused })
    expect(filesOf(ctx)).toEqual([])
  })
})

describe('partitions that were added', () => {
  const barrier = { partitions: [2, 3], ends: [{ partition: 0, end: '110' }, { partition: 1, end: '0' }] } // prettier-ignore
  const begin = [2, 3].map((partition) => ({ partition, offset: 0n, day: today }))

  it('wait until the log stands at the barrier, then begin where the entry says', async () => {
    const ctx = fixture()
    const table = await openGrown(ctx)
    expect(await admitPartitions(ctx, table, begin, { barrier }, provenance)).toEqual(table)
    const drained = await commitReceipts(ctx, table, [await receipt(ctx, table, 0, 110)], provenance)
    const admitted = await admitPartitions(ctx, drained, begin, { barrier }, provenance)
    expect(admitted.positions.map(({ partition, base }) => [partition, base])).toEqual([
      [0, '110'],
      [1, '0'],
      [2, '0'],
      [3, '0'],
    ])
    expect(await admitPartitions(ctx, table, begin, { barrier }, provenance)).toEqual(admitted)
  })

  it('are admitted at once where a person consents to what is no multiple', async () => {
    const ctx = fixture()
    await openGrown(ctx)
    const three = topic({ high: [200n, 200n, 50n] })
    const table = await resume(ctx, three, { admitPartitions: [2] })
    expect(positionOf(table, 2).base).toBe('0')
    expect(entryOf(ctx, table.version)[0]!['commitInfo']).toMatchObject({ 'cdc.decision': { admitPartitions: [2] } })
    const four = topic({ high: [200n, 200n, 50n, 1n] })
    await expect(resume(fixture(), four, { admitPartitions: [2] })).rejects.toMatchObject({ code: code.DecisionRefused })
  })
})

describe('a log that was cut back', () => {
  const anchor = { offset: '119', timestampMs: 0, hash: 'hash' }
  const again = { openEpoch: { epoch: 1, topicId: claimed.topicId } }

  it('shows by another record in place of the last one that was carried', async () => {
    const ctx = fixture()
    const table = await openGrown(ctx)
    await commitReceipts(ctx, table, [await receipt(ctx, table, 0, 120)], provenance)
    expect((await resume(ctx, topic(), null, anchor)).positions[0]!.base).toBe('120')
    expect((await resume(ctx, topic(), null, 'gone')).positions[0]!.base).toBe('120')
    for (const record of [{ ...anchor, hash: 'another' }, null]) {
      await expect(resume(ctx, topic(), null, record)).rejects.toMatchObject({
        code: code.LogTruncated,
        details: { partition: 0, offset: '119', choices: [again] },
      })
    }
  })

  it('is found after entries that moved other partitions only, or grew the schema', async () => {
    const ctx = fixture()
    let table = await openGrown(ctx)
    table = await commitReceipts(ctx, table, [await receipt(ctx, table, 0, 120)], provenance)
    await commitReceipts(ctx, table, [await receipt(ctx, table, 1, 5)], provenance)
    await expect(resume(ctx, topic(), null, { ...anchor, hash: 'another' })).rejects.toMatchObject({ code: code.LogTruncated })
  })

  it('is carried once more from what Kafka has, in the next epoch, where a person decides so', async () => {
    const ctx = fixture()
    const table = await openGrown(ctx)
    await commitReceipts(ctx, table, [await receipt(ctx, table, 0, 120)], provenance)
    const short = topic({ low: [100n, 0n], high: [110n, 3n] })
    const opened = await resume(ctx, short, again)
    expect(opened).toMatchObject({ epoch: 1, topicId: claimed.topicId })
    expect(opened.positions.map(({ base }) => base)).toEqual(['100', '0'])
  })
})
