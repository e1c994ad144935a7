/** What a row may cost, counted instead of timed: calls that make text or memory must not grow with the rows. */
import { afterEach, expect, test, vi } from 'vitest'
import { bookings, changesOfBookings } from '../../../bench/messages.ts'
import { scanRange } from '../../../src/carry/rangeScan.ts'
import { emptySchema, fileColumns, type TableSchema } from '../../../src/core/schema.ts'
import { createDecoder } from '../../../src/debezium/decoder.ts'
import { openParquet } from '../../../src/lake/parquet.ts'
import { createRowBatch } from '../../../src/rows/rowBatch.ts'
import { blockOf } from '../debezium/messages.ts'

afterEach(() => vi.restoreAllMocks())

const [few, many] = [1_000, 4_000]
const columns = Object.entries(bookings.columns).map(([name, type]) => ({ name, type }))
const limits = { maxRows: 1e9, maxBytes: 1e9, maxAgeMs: 0, idleWaitMs: 0 }
const topic = { clusterId: 'c', topic: 't', id: 'i' }
const job = { table: bookings.name, topic, epoch: 0, partition: 0, base: '0', day: 100_000, from: '0', to: '0', limits }

function blockOfRows(rows: number, schemas: boolean) {
  return blockOf([...changesOfBookings({ messages: rows, topicPrefix: 'bench', partitions: 1, schemas, seed: 1 })])
}

/** Decodes a block into columns and those into a file. Returns how often each kind of call was made. */
async function effort(rows: number, schemas: boolean): Promise<Record<string, number>> {
  const block = blockOfRows(rows, schemas)
  const declared = schemas ? null : { columns, key: bookings.key }
  const decoder = createDecoder({ placeholder: 'none', table: { schema: 'public', table: 'bookings' }, declared })
  const first = createRowBatch(emptySchema, { epoch: 0, partition: 0 }).need(decoder.decode(block, 0)!)!
  const schema: TableSchema = { columns: first.columns, key: first.key ?? [] }

  const spies = {
    parse: vi.spyOn(JSON, 'parse'),
    stringify: vi.spyOn(JSON, 'stringify'),
    decode: vi.spyOn(TextDecoder.prototype, 'decode'),
    encode: vi.spyOn(TextEncoder.prototype, 'encode'),
    toString: vi.spyOn(Buffer.prototype, 'toString'),
    slice: vi.spyOn(Uint8Array.prototype, 'slice'),
    from: vi.spyOn(Buffer, 'from'),
    concat: vi.spyOn(Buffer, 'concat'),
  }
  const scan = scanRange(job, schema, decoder)
  expect(scan.take({ blocks: [block], next: BigInt(rows) })).toBe(false)
  expect(scan.batch.rows).toBeGreaterThan(rows * 0.9)
  const file = await openParquet(fileColumns(schema), () => Promise.resolve())
  await file.writeRowGroup(scan.batch.columns)
  await file.finish({})
  const calls = Object.fromEntries(Object.entries(spies).map(([name, spy]) => [name, spy.mock.calls.length]))
  vi.restoreAllMocks()
  return calls
}

test.each([
  ['without', false],
  ['with', true],
] as const)('rows %s schemas are carried without any text or buffer of their own', async (_, schemas) => {
  const [less, more] = [await effort(few, schemas), await effort(many, schemas)]
  // Columns grow by doubling, pages and dictionaries with them: a call for each hundred rows would already be far beyond that.
  const grown = Object.keys(more).filter((name) => more[name]! - less[name]! > (many - few) / 100)
  expect(grown).toEqual([])
})
