/**
 * How long one change takes from its bytes to typed columns, for two versions of the code in the same run:
 * `npx tsx bench/decode.ts BEFORE [AFTER]`, both revisions of git; without AFTER the working tree. A table of 12 plain columns.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { emptySchema } from '../src/core/schema.ts'
import type { createDecoder } from '../src/debezium/decoder.ts'
import type { createRowBatch } from '../src/rows/rowBatch.ts'
import { blockOf, envelope, keySchema, valueSchema, wrapped, type SchemaField } from '../test/unit/debezium/messages.ts'

interface Decoding {
  readonly createDecoder: typeof createDecoder
}
interface Rows {
  readonly createRowBatch: typeof createRowBatch
}
interface Version extends Decoding, Rows {
  readonly name: string
}

const rounds = 15
const rowsARound = 50_000
const rowsABlock = 500
const root = fileURLToPath(new URL('..', import.meta.url))
const numeric = { type: 'NUMERIC', length: '12', scale: '2' }
const fields: SchemaField[] = [
  { field: 'booking_id', type: 'int64' },
  { field: 'customer_id', type: 'int64' },
  { field: 'flight_id', type: 'int32' },
  { field: 'price', type: 'string', parameters: withPrefix(numeric) },
  { field: 'seat', type: 'string' },
  { field: 'booked_at', type: 'string', name: 'io.debezium.time.ZonedTimestamp' },
  { field: 'status', type: 'string' },
  { field: 'departs_at', type: 'string', name: 'io.debezium.time.IsoTimestamp' },
  { field: 'day', type: 'string', name: 'io.debezium.time.IsoDate' },
  { field: 'paid', type: 'boolean' },
  { field: 'weight', type: 'double' },
  { field: 'note', type: 'string' },
]

function withPrefix(source: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(source).map(([key, value]) => [`__debezium.source.column.${key}`, value]))
}

const schema = valueSchema(fields)
const ofKey = keySchema([fields[0]!])

function messageOf(n: number) {
  const us = String(n % 1_000_000).padStart(6, '0')
  const after = `{"booking_id":${n},"customer_id":${(n * 7) % 100_000},"flight_id":${n % 3000},"price":"${n % 900}.${String(n % 100).padStart(2, '0')}","seat":"${n % 40}A","booked_at":"2026-02-03T04:05:06.${us}Z","status":"${n % 3 ? 'BOOKED' : 'CANCELLED'}","departs_at":"2026-03-03T14:05:00Z","day":"2026-02-03Z","paid":${n % 2 === 0},"weight":${(n % 100) / 4},"note":"window seat please ${n}"}`
  const lsn = 114_126_424 + n * 56
  const transaction = `{"id":"744:${lsn}","total_order":${(n % 10) + 1},"data_collection_order":${(n % 10) + 1}}`
  const source = { lsn, sequence: `["${lsn - (n % 10) * 56}","${lsn}"]`, txId: 744 + n - (n % 10) }
  return { key: wrapped(ofKey, `{"booking_id":${n}}`), value: wrapped(schema, envelope({ after, source, transaction })) }
}

const blocks = Array.from({ length: 20 }, (_, b) =>
  blockOf(Array.from({ length: rowsABlock }, (_, i) => messageOf(1_000_000 + b * rowsABlock + i))),
)

async function versionAt(revision: string | undefined, scratch: string): Promise<Version> {
  let folder = root
  if (revision !== undefined) {
    folder = mkdtempSync(join(scratch, 'version-'))
    const archive = execFileSync('git', ['archive', revision, 'src'], { cwd: root, maxBuffer: 2 ** 28 })
    execFileSync('tar', ['-x', '-C', folder], { input: archive })
    symlinkSync(join(root, 'package.json'), join(folder, 'package.json'))
  }
  const load = (path: string): Promise<unknown> => import(pathToFileURL(join(folder, path)).href)
  const decoding = (await load('src/debezium/decoder.ts')) as Decoding
  const rows = (await load('src/rows/rowBatch.ts')) as Rows
  return { name: revision ?? 'working tree', createDecoder: decoding.createDecoder, createRowBatch: rows.createRowBatch }
}

/** CPU time of one row, in us. */
function timeOf(version: Version): number {
  const decoder = version.createDecoder({ placeholder: 'none', table: { schema: 'public', table: 'bookings' } })
  const place = { epoch: 0, partition: 0 }
  const growth = version.createRowBatch(emptySchema, place).need(decoder.decode(blocks[0]!, 0)!)!
  const batch = version.createRowBatch({ columns: growth.columns, key: growth.key ?? [] }, place)
  const from = process.cpuUsage()
  let rows = 0
  while (rows < rowsARound) {
    for (const block of blocks) {
      for (let i = 0; i < block.count; i++, rows++) {
        const event = decoder.decode(block, i)!
        if (batch.need(event) !== null) throw new Error('the schema changed')
        batch.append(event, block.baseOffset + BigInt(block.offsetDelta[i]!), block.timestamp[i]!)
      }
    }
  }
  const { user, system } = process.cpuUsage(from)
  return (user + system) / rows
}

const scratch = mkdtempSync(join(tmpdir(), 'sluice-bench-'))
try {
  const [before, after] = process.argv.slice(2)
  if (before === undefined) throw new Error('usage: npx tsx bench/decode.ts BEFORE [AFTER]')
  const versions = [await versionAt(before, scratch), await versionAt(after, scratch)]
  const best = versions.map(() => Infinity)
  // Alternating, and the least of many: what else the machine does falls on both alike.
  for (let round = 0; round < rounds; round++) {
    versions.forEach((version, i) => (best[i] = Math.min(best[i]!, timeOf(version))))
  }
  versions.forEach(({ name }, i) => console.log(`${name}: ${best[i]!.toFixed(2)} us a row`))
  console.log(`change: ${((best[1]! / best[0]! - 1) * 100).toFixed(1)} %`)
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
