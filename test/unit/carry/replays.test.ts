/** What came again is counted in the link that has it, by the place that the chain has reached (SEMANTICS R1.12, R1.16). */
import { describe, expect, test } from 'vitest'
import { carryRange } from '../../../src/carry/carryRange.ts'
import { dayOfMs } from '../../../src/core/days.ts'
import type { Receipt } from '../../../src/core/receipts.ts'
import type { RangeReader } from '../../../src/core/records.ts'
import { advance } from '../../../src/core/tableState.ts'
import { createDecoder } from '../../../src/debezium/decoder.ts'
import { parquetLink } from '../../../src/lake/parquetLink.ts'
import { commitReceipts, growSchema, openTable, readSnapshot, type LakeContext, type Snapshot } from '../../../src/lake/table.ts'
import { blockOf, envelope, type Message } from '../debezium/messages.ts'
import { claimed, entryOf, fixture, provenance } from '../lake/tableFixture.ts'

const day = dayOfMs(1_770_091_506_123)
const topic = { clusterId: claimed.clusterId, topic: claimed.topic, id: claimed.topicId }
const declared = { columns: [{ name: 'id', type: 'bigint' }], key: ['id'] }

const change = (id: number, lsn: number, over: { op?: string; snapshot?: string } = {}): Message => ({
  key: `{"id":${id}}`,
  value: envelope({
    op: over.op ?? 'c',
    after: `{"id":${id}}`,
    source: { lsn, sequence: `["90","${lsn}"]`, snapshot: over.snapshot ?? 'false' },
    transaction: `{"id":"7:${lsn}","total_order":${id},"data_collection_order":1}`,
  }),
})

async function opened() {
  const ctx = { ...fixture(), format: parquetLink }
  const bound = await openTable(ctx, claimed, () => Promise.resolve([{ partition: 0, offset: 100n, day }]), provenance)
  return { ctx, table: await growSchema(ctx, bound, { columns: [{ name: 'id', type: 'long' }], key: ['id'] }, provenance) }
}

/** Carries [from, to) of the messages, which stand at offsets 100, 101, ... */
function carry(
  ctx: LakeContext,
  table: Snapshot,
  messages: readonly Message[],
  from: number,
  to: number,
  high?: string,
): Promise<Receipt> {
  const reader: RangeReader = {
    // eslint-disable-next-line @typescript-eslint/require-await
    async *read() {
      yield { blocks: [{ ...blockOf(messages.slice(from - 100, to - 100)), baseOffset: BigInt(from) }], next: BigInt(to) }
    },
  }
  const limits = { maxRows: 1000, maxBytes: 1_000_000, maxAgeMs: 0, idleWaitMs: 0 }
  const place = { table: 'public.bookings', topic, epoch: 0, partition: 0, day, limits, ...(high !== undefined && { high }) }
  const decoder = createDecoder({ placeholder: 'none', table: { schema: 'public', table: 'bookings' }, declared })
  const tools = { reader, lake: ctx, table, decoder, reach: () => {}, signal: new AbortController().signal, attempt: 1 }
  return carryRange({ ...place, base: String(from), from: String(from), to: String(to) }, tools)
}

const once = [1, 2, 3, 4, 5, 6].map((id) => change(id, 100 + id))
/** Six changes; then the last three of them again and one that is new. */
const messages = [...once, ...once.slice(3), change(7, 107)]

describe('events that came again', () => {
  test('are counted in the link that has them, stand in its footer and in the entry, and are carried like all others', async () => {
    const { ctx, table } = await opened()
    const first = await carry(ctx, table, messages, 100, 106)
    const second = await carry(ctx, table, messages, 106, 110, advance(table.positions, [first])[0]!.high)
    expect([first.link!.order, second.link!.order]).toEqual([
      { high: '90/106/6', replayed: 0, resnapshot: 0 },
      { high: '90/107/7', replayed: 3, resnapshot: 0 },
    ])
    expect(second.link!.rows).toBe(4)
    const footer = parquetLink.read(ctx.memory.objects.get(`${ctx.root}/${second.link!.key}`)!)
    expect(JSON.parse(footer.keyValues.get('cdc.order')!)).toEqual(second.link!.order)

    const committed = await commitReceipts(ctx, table, [first, second], provenance)
    const info = entryOf(ctx, committed.version).find((action) => action['commitInfo'])!['commitInfo']!
    expect(info['cdc.high']).toEqual({ 0: '90/107/7' })
    expect(info['cdc.ranges']).toMatchObject([
      { replayed: 0, resnapshot: 0 },
      { replayed: 3, resnapshot: 0 },
    ])
  })

  test('make the same link whether the place comes from the receipt before it or from the log, read anew', async () => {
    const links = await Promise.all(
      ['receipt', 'log'].map(async (from) => {
        const { ctx, table } = await opened()
        const first = await carry(ctx, table, messages, 100, 106)
        await commitReceipts(ctx, table, [first], provenance)
        const known = (await readSnapshot(ctx))!
        const { high } = from === 'receipt' ? advance(table.positions, [first])[0]! : known.positions[0]!
        return (await carry(ctx, known, messages, 106, 110, high)).link
      }),
    )
    expect(links[0]).toEqual(links[1])
  })

  test('do not move the place back, and an entry that only adds a column keeps it', async () => {
    const { ctx, table } = await opened()
    const first = await carry(ctx, table, messages, 100, 106)
    const at = await commitReceipts(ctx, table, [first], provenance)
    const again = await carry(ctx, at, messages, 106, 109, at.positions[0]!.high)
    expect(again.link!.order).toEqual({ high: '90/106/6', replayed: 3, resnapshot: 0 })
    const after = await commitReceipts(ctx, at, [again], provenance)
    await growSchema(ctx, after, { columns: [{ name: 'note', type: 'string' }], key: null }, provenance)
    expect((await readSnapshot(ctx))!.positions[0]!.high).toBe('90/106/6')
  })
})

test('rows of a full snapshot are counted where streaming had begun before, also in an earlier link', async () => {
  const { ctx, table } = await opened()
  const read = (id: number) => change(id, 200, { op: 'r', snapshot: 'true' })
  const mixed = [read(1), change(1, 101), read(1), read(2)]
  const first = await carry(ctx, table, mixed, 100, 102)
  const second = await carry(ctx, table, mixed, 102, 104, first.link!.order!.high!)
  expect([first.link!.order!.resnapshot, second.link!.order!.resnapshot]).toEqual([0, 2])
})
