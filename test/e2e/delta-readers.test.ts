/** A table written by the shipped code, read by readers that are not ours, with filters on every column. */
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { duckdbDelta, readersPython } from '../../scripts/stack/readers.ts'
import { nothing } from '../../src/core/failpoints.ts'
import { fileColumns, type Column } from '../../src/core/schema.ts'
import { folderStore } from '../../src/lake/folder.ts'
import { openParquet } from '../../src/lake/parquet.ts'
import { parquetLink } from '../../src/lake/parquetLink.ts'
import * as lake from '../../src/lake/table.ts'
import { builderOf, type Value } from '../unit/lake/lakeFile.ts'

interface Report {
  readonly rows: Record<string, [number, number][]>
  readonly filters: Record<string, { asked: number; wrong: unknown[] }>
  readonly columns: string[]
  readonly types: Record<string, string>
  readonly version: number
  readonly positions: Record<string, number>
}

const run = promisify(execFile)
const day = 20_781
const provenance = { writer: 'sluice/test', workflowId: 'w', runId: 'r' }
const first: Column[] = [
  { name: 'id', type: 'long' },
  { name: 'odd name, with ✈ and "quotes"', type: 'string' },
  { name: 'price', type: 'decimal(18,2)' },
  { name: 'at', type: 'timestamp_ntz' },
]
const later: Column[] = [
  { name: 'flag', type: 'boolean' },
  { name: 'tags', type: 'array<string>' },
  { name: 'born', type: 'date' },
]

/** Some values are null, in every column; times lie between two milliseconds. */
function valueOf({ name, type }: Column, partition: number, offset: number, timed: boolean): Value {
  const us = 1_790_000_000_000_000n + BigInt(offset) * 1_000_001n
  if (name === '__kafka_partition') return partition
  if (name === '__kafka_offset') return BigInt(offset)
  if (name === '__source_ts') return timed ? us : null
  if (name === '__op') return 'c'
  if (name === '__deleted') return offset % 5 === 0
  if (offset % 7 === 3) return null
  switch (type) {
    case 'long':
    case 'decimal(18,2)':
      return BigInt(offset * 3)
    case 'timestamp':
    case 'timestamp_ntz':
      return us
    case 'integer':
      return 0
    case 'date':
      return day + (offset % 3)
    case 'boolean':
      return offset % 2 === 0
    case 'array<string>':
      return ['a', null, String(offset)]
    default:
      return `value ${offset % 4}`
  }
}

async function write(
  ctx: lake.LakeContext,
  table: lake.Snapshot,
  partition: number,
  offsets: number[],
  over: Partial<lake.LinkFacts>,
  timed = true,
) {
  const columns = fileColumns(table.schema)
  const link = lake.openLink(ctx, table, lake.positionOf(table, partition))
  const file = await openParquet(columns, (bytes) => link.write(bytes))
  const built = columns.map((column) =>
    builderOf(
      column.type,
      offsets.map((offset) => valueOf(column, partition, offset, timed)),
    ),
  )
  if (offsets.length > 0) await file.writeRowGroup(built)
  const times = offsets.map((offset) => valueOf({ name: '__source_ts', type: 'timestamp' }, partition, offset, timed))
  const facts: lake.LinkFacts = {
    next: String((offsets.at(-1) ?? 0) + 1),
    nextDay: lake.positionOf(table, partition).day,
    rows: offsets.length,
    stats:
      offsets.length === 0
        ? null
        : {
            minOffset: String(offsets[0]),
            maxOffset: String(offsets.at(-1)),
            minSourceTs: times[0] === null ? null : String(times[0]),
            maxSourceTs: times[0] === null ? null : String(times.at(-1)),
          },
    lsn: null,
    anchor: null,
    quarantine: null,
    rules: '1',
    ...over,
  }
  await file.finish(link.footer(facts))
  const outcome = await link.complete()
  if (outcome === 'again') throw new Error('nothing stands there')
  return lake.commitReceipts(ctx, table, [lake.receiptOf(outcome.link, outcome.adopted, ctx.clock())], provenance)
}

const span = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)

describe.each<lake.DeltaCompat>(['none', 'v1'])('a table of deltaCompat %s', (deltaCompat) => {
  let folder: string
  let ctx: lake.LakeContext
  let table: lake.Snapshot
  let report: Report
  const look = async (): Promise<Report> => {
    const script = fileURLToPath(new URL('../readers/delta.py', import.meta.url))
    const { stdout } = await run(await readersPython(), [script, join(folder, ctx.root), await duckdbDelta()], {
      maxBuffer: 64 << 20,
    })
    return JSON.parse(stdout) as Report
  }
  const expected = [
    ...[...span(100, 130), ...span(130, 150)].map((n) => [0, n]),
    ...[...span(0, 10), ...span(12, 20)].map((n) => [1, n]),
  ]

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-delta-'))
    ctx = {
      store: folderStore(folder),
      root: 'airline/public/flights',
      clock: Date.now,
      random: randomUUID,
      reach: nothing,
      format: parquetLink,
    }
    const claimed = { clusterId: 'cluster', topic: 'airline.public.flights', topicId: 'id', deltaCompat }
    const starts = [100n, 0n].map((offset, partition) => ({ partition, offset, day }))
    table = await lake.openTable(ctx, claimed, () => Promise.resolve(starts), provenance)
    table = await lake.growSchema(ctx, table, { columns: first, key: ['id'] }, provenance)
    table = await write(ctx, table, 0, span(100, 130), {})
    table = await write(ctx, table, 1, span(0, 10), {}, false)
    table = await write(ctx, table, 0, [], { next: '130', nextDay: day + 1 })
    table = await lake.growSchema(ctx, table, { columns: later, key: null }, provenance)
    table = await write(ctx, table, 0, span(130, 150), {})
    table = await write(ctx, table, 1, [], { next: '12' })
    table = await write(ctx, table, 1, span(12, 20), {})
    report = await look()
  })

  afterAll(() => rm(folder, { recursive: true }))

  it('shows every reader every row once, by the log and by a glob', () => {
    for (const [reader, rows] of Object.entries(report.rows)) expect(rows, reader).toEqual(expected)
  })

  it('loses no row to a filter on any column', () => {
    for (const [reader, { asked, wrong }] of Object.entries(report.filters)) {
      expect(asked, reader).toBeGreaterThan(80)
      expect(wrong, reader).toEqual([])
    }
  })

  it('has the columns and types of the schema, wall-clock times as UTC only where old readers are to read it', () => {
    expect(report.columns).toEqual([...fileColumns(table.schema).map(({ name }) => name), 'cdc_date'])
    expect(report.types['at']).toBe(deltaCompat === 'v1' ? 'timestamp[us, tz=UTC]' : 'timestamp[us]')
    expect(report.types['__source_ts']).toBe('timestamp[us, tz=UTC]')
    expect(report.types['price']).toBe('decimal128(18, 2)')
  })

  it('tells the position in Kafka as transactions', () => {
    expect(report.positions).toEqual({ '0/0': 150, '0/1': 20, '0/1/seen': 20, '0/0/day': day + 1 })
    expect(report.version).toBe(table.version)
  })

  it('reads itself back: from the start, and from the footers of its links', async () => {
    expect(await lake.readSnapshot(ctx)).toEqual(table)
    const link = await lake.adoptLink(ctx, table, { partition: 0, base: '130', seen: '130', day: day + 1 })
    expect(link).toMatchObject({ next: '150', rows: 20, schemaId: table.schemaId })
  })

  it('goes on after delta-rs has compacted it and made a checkpoint, and shows every row once still', async () => {
    const program = 'import deltalake, sys; t = deltalake.DeltaTable(sys.argv[1]); t.optimize.compact(); t.create_checkpoint()'
    await run(await readersPython(), ['-c', program, join(folder, ctx.root)])
    table = await write(ctx, await lake.catchUp(ctx, table), 1, span(20, 25), {})
    const after = await look()
    expect(await lake.readSnapshot(ctx)).toEqual(table)
    expect(after.rows['deltalake']).toEqual([...expected, ...span(20, 25).map((n) => [1, n])])
    expect(after.rows['duckdb']).toEqual(after.rows['deltalake'])
    expect(after.rows['duckdb glob']).toEqual(after.rows['deltalake'])
    for (const [reader, { wrong }] of Object.entries(after.filters)) expect(wrong, reader).toEqual([])
  })
})
