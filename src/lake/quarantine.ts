/**
 * Records that no row can be made of, kept whole beside the table (DESIGN §4.7): an object of their own, put before the link that
 * names it. What no link in the log names does not count: an attempt that lost left it behind.
 */
import { createHash } from 'node:crypto'
import { BytesColumn, IntColumn, LongColumn } from '../core/columns.ts'
import { quarantineKey } from '../core/keys.ts'
import type { Quarantine } from '../core/receipts.ts'
import type { Column } from '../core/schema.ts'
import { keyIn, type LakeContext } from './context.ts'
import { openParquet } from './parquet.ts'

/** One record as it stood in Kafka, and why it is here. */
export interface SetAside {
  readonly offset: bigint
  /** -1: none. */
  readonly timestampMs: number
  readonly code: string
  readonly reason: string
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
}

const quarantineColumns = [
  { name: '__epoch', type: 'integer' },
  { name: '__kafka_partition', type: 'integer' },
  { name: '__kafka_offset', type: 'long' },
  { name: '__kafka_ts', type: 'timestamp' },
  { name: 'code', type: 'string' },
  { name: 'reason', type: 'string' },
  { name: 'key', type: 'binary' },
  { name: 'value', type: 'binary' },
] as const satisfies readonly Column[]

/** The same records make the same bytes. */
export async function quarantineFile(
  { epoch, partition }: { readonly epoch: number; readonly partition: number },
  records: readonly SetAside[],
): Promise<Uint8Array> {
  const encoder = new TextEncoder()
  const [epochs, partitions] = [new IntColumn('integer'), new IntColumn('integer')]
  const [offsets, times] = [new LongColumn('long'), new LongColumn('timestamp')]
  const [codes, reasons] = [new BytesColumn('string'), new BytesColumn('string')]
  const [keys, values] = [new BytesColumn('binary'), new BytesColumn('binary')]
  for (const { offset, timestampMs, code, reason, key, value } of records) {
    epochs.append(epoch)
    partitions.append(partition)
    offsets.append(offset)
    if (timestampMs < 0) times.appendNull()
    else times.appendNumber(timestampMs * 1000)
    codes.append(encoder.encode(code))
    reasons.append(encoder.encode(reason))
    appendBytes(keys, key)
    appendBytes(values, value)
  }
  const parts: Uint8Array[] = []
  const file = await openParquet(quarantineColumns, (bytes) => Promise.resolve(void parts.push(bytes)))
  await file.writeRowGroup([epochs, partitions, offsets, times, codes, reasons, keys, values])
  await file.finish({})
  return new Uint8Array(Buffer.concat(parts))
}

function appendBytes(column: BytesColumn, bytes: Uint8Array | null): void {
  if (bytes === null) column.appendNull()
  else column.append(bytes)
}

/**
 * What the link of name `link` is to say of the object. One that stands already has the same bytes, as its name tells by their hash.
 * Throws CDC5001 where the store does not say what stands.
 */
export async function putQuarantine(ctx: LakeContext, link: string, file: Uint8Array, records: number): Promise<Quarantine> {
  const sha256 = createHash('sha256').update(file).digest('hex')
  const key = quarantineKey(link, sha256)
  await ctx.store.putIfAbsent(keyIn(ctx, key), file)
  return { key, sha256, records }
}
