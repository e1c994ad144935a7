import { createHash } from 'node:crypto'
import { parquetReadObjects, type Compressors } from 'hyparquet'
import { uncompressSync } from 'snappy'
import { describe, expect, test } from 'vitest'
import { carryRange } from '../../../src/carry/carryRange.ts'
import type { ScanPolicies } from '../../../src/carry/rangeScan.ts'
import { startDay } from '../../../src/carry/startDay.ts'
import { dayOfMs } from '../../../src/core/days.ts'
import { CdcFailure, code } from '../../../src/core/failures.ts'
import { logKey } from '../../../src/core/keys.ts'
import type { WriteJob } from '../../../src/core/jobs.ts'
import type { Receipt } from '../../../src/core/receipts.ts'
import type { RangeReader, RecordBlock } from '../../../src/core/records.ts'
import { createDecoder } from '../../../src/debezium/decoder.ts'
import { readFooter } from '../../../src/lake/parquetFooter.ts'
import { parquetLink } from '../../../src/lake/parquetLink.ts'
import { commitReceipts, growSchema, openTable, type LakeContext, type Snapshot } from '../../../src/lake/table.ts'
import { blockOf, envelope, type Message } from '../debezium/messages.ts'
import { claimed, fixture, provenance } from '../lake/tableFixture.ts'

const day = dayOfMs(1_770_091_506_123)
const topic = { clusterId: claimed.clusterId, topic: claimed.topic, id: claimed.topicId }
const table = { schema: 'public', table: 'bookings' }
const declared = {
  columns: [
    { name: 'id', type: 'bigint' },
    { name: 'note', type: 'text' },
  ],
  key: ['id'],
}
const nextDayUs = (day + 1) * 86_400_000_000 + 1

const change = (id: number, source: Record<string, unknown> = {}): Message => ({
  key: `{"id":${id}}`,
  value: envelope({ op: 'c', after: `{"id":${id},"note":"n${id}"}`, source }),
})
const tombstone = (id: number): Message => ({ key: `{"id":${id}}`, value: null })
const compressors: Compressors = { SNAPPY: (page) => uncompressSync(Buffer.from(page)) as Uint8Array }
const bytesOf = (text: Message['key']) => new Uint8Array(Buffer.from(text as string))
const longOf = (bytes: Uint8Array | null) => Buffer.from(bytes!).readBigInt64LE()
const junk: Message = { key: null, value: 'not JSON' }

/** Records stand at offsets 100, 101, ...; read in steps of two, as real fetches cut them anywhere. */
function readerOf(messages: readonly Message[], reads: { count: number } = { count: 0 }, step = 2): RangeReader {
  const shift = (block: RecordBlock, first: number): RecordBlock => ({ ...block, baseOffset: 100n + BigInt(first) })
  return {
    // eslint-disable-next-line @typescript-eslint/require-await
    async *read({ from, to }) {
      reads.count++
      for (let i = Number(from) - 100; i < Number(to) - 100; i += step) {
        const some = messages.slice(i, Math.min(i + step, Number(to) - 100))
        const next = 100n + BigInt(i + some.length)
        yield { blocks: [shift(blockOf(some), i)], next }
      }
    },
  }
}

async function opened(): Promise<{ ctx: LakeContext & { memory: { objects: Map<string, Uint8Array> } }; snapshot: Snapshot }> {
  const ctx = { ...fixture(), format: parquetLink }
  const bound = await openTable(ctx, claimed, () => Promise.resolve([{ partition: 0, offset: 100n, day }]), provenance)
  const columns = [
    { name: 'id', type: 'long' },
    { name: 'note', type: 'string' },
  ] as const
  return { ctx, snapshot: await growSchema(ctx, bound, { columns, key: ['id'] }, provenance) }
}

interface Given {
  readonly job?: Partial<WriteJob>
  readonly reader?: RangeReader
  readonly snapshot?: Snapshot
  readonly attempt?: number
  readonly policies?: ScanPolicies
}

function carry(ctx: LakeContext, snapshot: Snapshot, messages: readonly Message[], given: Given = {}): Promise<Receipt> {
  const limits = { maxRows: 1000, maxBytes: 1_000_000, maxAgeMs: 0, idleWaitMs: 0 }
  const to = String(100 + messages.length)
  const place = { table: 'public.bookings', topic, epoch: 0, partition: 0, base: '100', day, from: '100', to, limits }
  return carryRange(
    { ...place, ...given.job },
    {
      reader: given.reader ?? readerOf(messages),
      lake: ctx,
      table: snapshot,
      decoder: createDecoder({ placeholder: 'none', table, declared }),
      reach: () => {},
      signal: new AbortController().signal,
      attempt: given.attempt ?? 1,
      policies: given.policies ?? {},
    },
  )
}

describe('a link', () => {
  test('holds every row of the range, with the facts of its rows in receipt and footer', async () => {
    const { ctx, snapshot } = await opened()
    const receipt = await carry(ctx, snapshot, [change(1), change(2), tombstone(2), change(3)])
    expect(receipt).toMatchObject({ base: '100', next: '104', nextDay: day, growth: null, adopted: false })
    expect(receipt.link).toMatchObject({
      rows: 3,
      stats: { minOffset: '100', maxOffset: '103', minSourceTs: '1770091506123456', maxSourceTs: '1770091506123456' },
      lsn: { min: '114126424', max: '114126424' },
      anchor: { offset: '103', timestampMs: 1_770_091_506_500 },
    })
    const file = ctx.memory.objects.get(`${ctx.root}/${receipt.link!.key}`)!
    expect(readFooter(file).rows).toBe(3)
    expect(readFooter(file).keyValues.get('cdc.next')).toBe('104')
  })

  test('of many rows has row groups of some 20,000, which a query passes over by their bounds', async () => {
    const { ctx, snapshot } = await opened()
    const messages = Array.from({ length: 45_000 }, (_, id) => change(id))
    const job = { limits: { maxRows: 1e6, maxBytes: 1e9, maxAgeMs: 0, idleWaitMs: 0 } }
    const receipt = await carry(ctx, snapshot, messages, { job, reader: readerOf(messages, undefined, 1500) })
    const footer = readFooter(ctx.memory.objects.get(`${ctx.root}/${receipt.link!.key}`)!)
    expect(footer.rowGroups.map(({ rows }) => rows)).toEqual([21_000, 21_000, 3000])
    const id = footer.columns.findIndex(({ name }) => name === 'id')
    const bounds = footer.rowGroups.map(({ columns }) => [columns[id]!.min, columns[id]!.max].map(longOf))
    expect(bounds).toEqual([
      [0n, 20_999n],
      [21_000n, 41_999n],
      [42_000n, 44_999n],
    ])
  })

  test('has the same bytes whoever writes it', async () => {
    const messages = [change(1), change(2), tombstone(2)]
    const [one, other] = await Promise.all(
      [1, 2].map(async () => {
        const { ctx, snapshot } = await opened()
        return carry(ctx, snapshot, messages)
      }),
    )
    expect(one!.link).toEqual(other!.link)
  })

  test('is not made where the range holds nothing to keep: only `seen` moves', async () => {
    const { ctx, snapshot } = await opened()
    const objects = ctx.memory.objects.size
    const receipt = await carry(ctx, snapshot, [tombstone(1), tombstone(2)])
    expect(receipt).toMatchObject({ base: '100', next: '102', link: null })
    expect(ctx.memory.objects.size).toBe(objects)
  })
})

describe('a link ends', () => {
  test('at the limit of rows', async () => {
    const { ctx, snapshot } = await opened()
    const limits = { maxRows: 2, maxBytes: 1_000_000, maxAgeMs: 0, idleWaitMs: 0 }
    const receipt = await carry(ctx, snapshot, [change(1), change(2), change(3)], { job: { limits } })
    expect(receipt).toMatchObject({ next: '102', growth: null, link: { rows: 2 } })
  })

  test('at the limit of bytes', async () => {
    const { ctx, snapshot } = await opened()
    const limits = { maxRows: 1000, maxBytes: 700, maxAgeMs: 0, idleWaitMs: 0 }
    const receipt = await carry(ctx, snapshot, [change(1), change(2), change(3)], { job: { limits } })
    expect(receipt).toMatchObject({ next: '102', link: { rows: 2 } })
  })

  test('before the first event of a later day, which names the folder of the next one', async () => {
    const { ctx, snapshot } = await opened()
    const late = change(3, { ts_us: nextDayUs })
    const block = [change(1), tombstone(1), { ...late, value: late.value }]
    const kafkaTs = readerAt(block, (day + 1) * 86_400_000)
    const receipt = await carry(ctx, snapshot, block, { reader: kafkaTs })
    expect(receipt).toMatchObject({ next: '102', nextDay: day + 1, link: { rows: 1, day, anchor: { offset: '101' } } })
  })

  test('at its own beginning where the very first event is of a later day: empty, and only the day turns', async () => {
    const { ctx, snapshot } = await opened()
    const block = [tombstone(1), change(3, { ts_us: nextDayUs })]
    const receipt = await carry(ctx, snapshot, block, { reader: readerAt(block, (day + 1) * 86_400_000) })
    expect(receipt).toMatchObject({ next: '100', nextDay: day + 1, link: { rows: 0, stats: null, anchor: null } })
  })

  test('not before a straggler of an earlier day, nor before an event whose clock runs more than a day ahead', async () => {
    const { ctx, snapshot } = await opened()
    const messages = [change(1), change(2, { ts_us: 1_000_000 }), change(3, { ts_us: nextDayUs + 3 * 86_400_000_000 })]
    expect(await carry(ctx, snapshot, messages)).toMatchObject({ next: '103', nextDay: day, link: { rows: 3 } })
  })

  test('before a record that needs columns which the table lacks, and says which', async () => {
    const { ctx } = await opened()
    const bare = { ...fixture(), format: ctx.format }
    const snapshot = await openTable(bare, claimed, () => Promise.resolve([{ partition: 0, offset: 100n, day }]), provenance)
    const receipt = await carry(bare, snapshot, [tombstone(9), change(1)])
    expect(receipt).toMatchObject({ next: '101', link: null })
    expect(receipt.growth).toEqual({
      columns: [
        { name: 'id', type: 'long' },
        { name: 'note', type: 'string' },
      ],
      key: ['id'],
    })
  })

  test('before a record that parks the table; the next range then parks before anything is put', async () => {
    const { ctx, snapshot } = await opened()
    const messages = [change(1), change(2), junk, change(4)]
    const first = await carry(ctx, snapshot, messages)
    expect(first).toMatchObject({ next: '102', growth: null, link: { rows: 2 } })

    const objects = ctx.memory.objects.size
    const rest = carry(ctx, snapshot, messages, { job: { base: '102', from: '102' } })
    await expect(rest).rejects.toMatchObject({ code: code.UndecodableRecord })
    expect(ctx.memory.objects.size).toBe(objects)
  })
})

describe('records of which no row can be made, where the table sets them aside', () => {
  const policies = { badRecords: 'quarantine' } as const
  const tooLarge: Message = { key: '{"id":9}', value: envelope({ op: 'c', after: '{"id":9223372036854775808,"note":"n"}' }) }

  async function setAside(ctx: Awaited<ReturnType<typeof opened>>['ctx'], { link }: Receipt): Promise<Record<string, unknown>[]> {
    const bytes = ctx.memory.objects.get(`${ctx.root}/${link!.quarantine!.key}`)!
    expect(link!.quarantine!.key).toContain(`-${createHash('sha256').update(bytes).digest('hex')}.parquet`)
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer
    return parquetReadObjects({ file, utf8: false, compressors })
  }

  test('stand whole beside the table, with code and reason; their link names them and has the other rows', async () => {
    const { ctx, snapshot } = await opened()
    const receipt = await carry(ctx, snapshot, [change(1), junk, tooLarge, change(4)], { policies })
    expect(receipt).toMatchObject({ next: '104', link: { rows: 2, anchor: { offset: '103' }, quarantine: { records: 2 } } })
    const place = { __epoch: 0, __kafka_partition: 0, __kafka_ts: new Date(1_770_091_506_500) }
    expect(await setAside(ctx, receipt)).toMatchObject([
      { ...place, __kafka_offset: 101n, code: 'CDC3001', key: null, value: bytesOf(junk.value) },
      { ...place, __kafka_offset: 102n, code: 'CDC4001', key: bytesOf(tooLarge.key), value: bytesOf(tooLarge.value) },
    ])
    const committed = await commitReceipts(ctx, snapshot, [receipt], provenance)
    const entry = new TextDecoder().decode(ctx.memory.objects.get(`${ctx.root}/${logKey(committed.version)}`))
    expect(entry).toContain(JSON.stringify(receipt.link!.quarantine))
  })

  test('make a link of no rows where there is nothing else, so that they are named', async () => {
    const { ctx, snapshot } = await opened()
    const receipt = await carry(ctx, snapshot, [tombstone(1), junk], { policies })
    expect(receipt).toMatchObject({ next: '102', nextDay: day, link: { rows: 0, stats: null, quarantine: { records: 1 } } })
  })

  test('stay in the link of their day: an event of the next day ends it behind them', async () => {
    const { ctx, snapshot } = await opened()
    const receipt = await carry(ctx, snapshot, [junk, change(2, { ts_us: nextDayUs })], { policies })
    expect(receipt).toMatchObject({ next: '101', nextDay: day + 1, link: { rows: 0, quarantine: { records: 1 } } })
  })

  test('are the same object for every attempt', async () => {
    const { ctx, snapshot } = await opened()
    const first = await carry(ctx, snapshot, [junk, change(1)], { policies })
    ctx.memory.objects.delete(`${ctx.root}/${first.link!.key}`)
    const objects = ctx.memory.objects.size
    expect((await carry(ctx, snapshot, [junk, change(1)], { policies })).link).toEqual(first.link)
    expect(ctx.memory.objects.size).toBe(objects + 1)
  })

  test('park the table where there are more than a thousand in one range, and nothing is put', async () => {
    const { ctx, snapshot } = await opened()
    const objects = ctx.memory.objects.size
    const limits = { maxRows: 10_000, maxBytes: 1_000_000, maxAgeMs: 0, idleWaitMs: 0 }
    const many = Array.from({ length: 1001 }, () => junk)
    const carried = carry(ctx, snapshot, many, { policies, job: { limits } })
    await expect(carried).rejects.toMatchObject({ code: code.UndecodableRecord })
    expect(ctx.memory.objects.size).toBe(objects)
    expect(await carry(ctx, snapshot, many.slice(1), { policies, job: { limits } })).toMatchObject({ link: { rows: 0 } })
  })

  test('park it all the same where the trouble is the table and not the record', async () => {
    const { ctx, snapshot } = await opened()
    const foreign: Message = { ...change(1), value: envelope({ op: 'c', after: '{"id":1}', source: { table: 'other' } }) }
    await expect(carry(ctx, snapshot, [foreign], { policies })).rejects.toMatchObject({ code: code.ForeignTable })
  })
})

describe('what stands already', () => {
  test('is adopted whole, however far the other writer went', async () => {
    const { ctx, snapshot } = await opened()
    const messages = [change(1), change(2), change(3)]
    const theirs = await carry(ctx, snapshot, messages, { job: { to: '102' } })
    const ours = await carry(ctx, snapshot, messages)
    expect(ours).toMatchObject({ next: '102', adopted: true })
    expect(ours.link).toEqual(theirs.link)
  })

  test('is found by a later attempt without reading Kafka again', async () => {
    const { ctx, snapshot } = await opened()
    await carry(ctx, snapshot, [change(1)])
    const reads = { count: 0 }
    const again = await carry(ctx, snapshot, [change(1)], { attempt: 2, reader: readerOf([change(1)], reads) })
    expect(again).toMatchObject({ next: '101', adopted: true })
    expect(reads.count).toBe(0)
  })

  test('goes before a verdict: records that Kafka has lost meanwhile were carried by somebody else', async () => {
    const { ctx, snapshot } = await opened()
    await carry(ctx, snapshot, [change(1), change(2)])
    const gone: RangeReader = {
      // eslint-disable-next-line require-yield, @typescript-eslint/require-await
      async *read() {
        throw new CdcFailure(code.DataLoss, 'gone')
      },
    }
    expect(await carry(ctx, snapshot, [], { job: { to: '102' }, reader: gone })).toMatchObject({ next: '102', adopted: true })
  })

  test('leaves the verdict to stand where nobody wrote the link', async () => {
    const { ctx, snapshot } = await opened()
    const gone: RangeReader = {
      // eslint-disable-next-line require-yield, @typescript-eslint/require-await
      async *read() {
        throw new CdcFailure(code.DataLoss, 'gone')
      },
    }
    await expect(carry(ctx, snapshot, [], { job: { to: '102' }, reader: gone })).rejects.toMatchObject({ code: code.DataLoss })
  })

  test('is committed as it stands: receipts of a retry move the table exactly as far', async () => {
    const { ctx, snapshot } = await opened()
    const receipt = await carry(ctx, snapshot, [change(1), change(2)])
    const adopted = await carry(ctx, snapshot, [change(1), change(2)], { attempt: 2 })
    const once = await commitReceipts(ctx, snapshot, [receipt], provenance)
    const twice = await commitReceipts(ctx, once, [adopted], provenance)
    expect(twice).toEqual(once)
    expect(twice.positions).toEqual([{ partition: 0, base: '102', seen: '102', day, high: '114126400/114126424/-1' }])
  })
})

describe('where a new table begins', () => {
  const marks = { partition: 0, low: 100n, stable: 102n, high: 102n }
  const begin = (messages: readonly Message[], nowMs: number) => {
    const decoder = createDecoder({ placeholder: 'none', table, declared })
    return startDay({ reader: readerOf(messages), decoder, signal: new AbortController().signal }, topic, marks, nowMs)
  }

  test('the day is that of the first event that stands in the partition', async () => {
    expect(await begin([tombstone(1), change(1)], Date.parse('2026-11-25'))).toBe(day)
  })

  test('the day is today where there is no event, or none that can be read', async () => {
    const today = dayOfMs(Date.parse('2026-11-25'))
    expect(await begin([tombstone(1), tombstone(2)], Date.parse('2026-11-25'))).toBe(today)
    expect(await begin([junk, junk], Date.parse('2026-11-25'))).toBe(today)
  })
})

function readerAt(messages: readonly Message[], timestampMs: number): RangeReader {
  const reader = readerOf(messages)
  return {
    async *read(request) {
      for await (const step of reader.read(request)) {
        const blocks = [...step.blocks].map((block) => ({ ...block, timestamp: block.timestamp.map(() => timestampMs) }))
        yield { blocks, next: step.next }
      }
    },
  }
}
