/**
 * Columns -> one Parquet file. parquetjs' envelope writes it section by section and keeps its row groups; pages, statistics and
 * footer are ours (DESIGN §5). Pages leave chunk by chunk: the envelope's own `writeRowGroup` would first join all columns of a row
 * group, anew for each column.
 */
import { ParquetEnvelopeWriter, ParquetSchema } from '@dsnp/parquetjs'
import type { ColumnBuilder } from '../core/columns.ts'
import type { Column } from '../core/schema.ts'
import { encodeChunk } from './chunk.ts'
import type { Codec } from './codecs.ts'
import { encodeFooter, type RowGroup } from './parquetFooter.ts'
import { columnChunk, int64, thrift } from './parquetThrift.ts'

export type { Codec } from './codecs.ts'

export interface ParquetWriter {
  /** One builder for each column of the file, in its order and type, all with the same number of rows. They are left as they are. */
  writeRowGroup(columns: readonly ColumnBuilder[]): Promise<void>
  /** Writes the footer. Nothing can be written after it. */
  finish(keyValues: Readonly<Record<string, string>>): Promise<void>
}

/**
 * Begins a file. Its bytes go to `write` in order, page by page, and none are changed afterwards; one call ends before the next
 * begins. The same columns, rows and key values make the same bytes. A writer whose `write` failed is of no more use.
 */
export async function openParquet(
  columns: readonly Column[],
  write: (bytes: Uint8Array) => Promise<void>,
  options: { codec?: Codec } = {},
): Promise<ParquetWriter> {
  const file = new ParquetFile(columns, write, options.codec ?? 'snappy')
  await file.begin()
  return file
}

class ParquetFile implements ParquetWriter {
  private readonly columns: readonly Column[]
  private readonly codec: Codec
  private readonly envelope: ParquetEnvelopeWriter
  private written = Promise.resolve()
  private rows = 0
  private state: 'ready' | 'busy' | 'ended' = 'ready'

  constructor(columns: readonly Column[], write: (bytes: Uint8Array) => Promise<void>, codec: Codec) {
    this.columns = columns
    this.codec = codec
    const take = (bytes: Uint8Array): void => {
      this.written = write(bytes)
    }
    // It is given no schema: parquetjs keeps columns as keys of an object, which reorders names like "1" and loses "__proto__".
    this.envelope = new ParquetEnvelopeWriter(new ParquetSchema({}), take, () => {}, int64(0), { pageIndex: false })
  }

  async begin(): Promise<void> {
    this.envelope.writeHeader()
    await this.written
  }

  async writeRowGroup(columns: readonly ColumnBuilder[]): Promise<void> {
    this.check(columns)
    const rows = columns[0]?.rows ?? 0
    if (rows === 0) return
    await this.exclusively('ready', async () => {
      const group = new thrift.RowGroup({ columns: [], total_byte_size: int64(0), num_rows: int64(rows) })
      const start = this.offset
      let uncompressed = 0
      for (const [i, column] of this.columns.entries()) {
        const { pages, metadata } = encodeChunk(column, columns[i]!, this.codec, this.offset)
        for (const page of pages) await this.section(page)
        uncompressed += Number(metadata.total_uncompressed_size)
        group.columns.push(columnChunk(metadata))
      }
      group.total_byte_size = int64(uncompressed)
      group.total_compressed_size = int64(this.offset - start)
      group.file_offset = int64(start)
      this.envelope.rowGroups.push(group)
      this.rows += rows
    })
  }

  async finish(keyValues: Readonly<Record<string, string>>): Promise<void> {
    const groups: RowGroup[] = this.envelope.rowGroups
    await this.exclusively('ended', async () => {
      await this.section(encodeFooter(this.columns, this.rows, groups, keyValues))
    })
  }

  private async section(bytes: Uint8Array): Promise<void> {
    this.envelope.writeSection(bytes as Buffer)
    await this.written
  }

  private get offset(): number {
    return this.envelope.offset.valueOf()
  }

  private check(columns: readonly ColumnBuilder[]): void {
    if (columns.length !== this.columns.length) {
      throw new Error(`the file has ${this.columns.length} columns, the row group ${columns.length}`)
    }
    for (const [i, { name, type }] of this.columns.entries()) {
      const column = columns[i]!
      if (column.type !== type) throw new Error(`column ${name} is ${type} in the file and ${column.type} in the row group`)
      if (column.rows !== columns[0]!.rows) throw new Error(`column ${name} has ${column.rows} rows, others ${columns[0]!.rows}`)
    }
  }

  /** Interleaved writes would make a file that nobody can read, and so would going on after a failed one. */
  private async exclusively(next: 'ready' | 'ended', work: () => Promise<void>): Promise<void> {
    if (this.state !== 'ready') {
      throw new Error(this.state === 'busy' ? 'the last row group is not written yet, or failed' : 'the file has ended')
    }
    this.state = 'busy'
    await work()
    this.state = next
  }
}
