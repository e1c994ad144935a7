/**
 * Columns -> one Parquet file. parquetjs' envelope writes it section by section and keeps its row groups; pages, statistics and
 * footer are ours (DESIGN §5). Each page leaves as soon as it exists: the envelope's own `writeRowGroup` would first join all
 * columns of a row group, anew for each column.
 */
import { gzipSync } from 'node:zlib'
import { ParquetEnvelopeWriter, ParquetSchema } from '@dsnp/parquetjs'
import snappy from 'snappy'
import type { ColumnBuilder } from '../core/columns.ts'
import type { Column } from '../core/schema.ts'
import { dictionaryOf, type Dictionary } from './dictionary.ts'
import { PageBytes } from './pageBytes.ts'
import { leafOf, levelsOf, pageRanges, writeDataPage, writeDictionaryPage } from './pages.ts'
import { encodeFooter, type RowGroup } from './parquetFooter.ts'
import { leafOfColumn } from './parquetSchema.ts'
import { encodeStruct, int64, thrift } from './parquetThrift.ts'
import { boundsOf } from './statistics.ts'

export type Codec = 'snappy' | 'none' | 'gzip'

export interface ParquetWriter {
  /** One builder for each column of the file, in its order and type, all with the same number of rows. They are left as they are. */
  writeRowGroup(columns: readonly ColumnBuilder[]): Promise<void>
  /** Writes the footer. Nothing can be written after it. */
  finish(keyValues: Readonly<Record<string, string>>): Promise<void>
}

// copyOutputData: the garbage collector does not see the size of snappy's own buffers and keeps gigabytes of them.
const codecs: Record<Codec, { readonly id: number; compress(page: Uint8Array): Uint8Array }> = {
  snappy: { id: thrift.CompressionCodec.SNAPPY, compress: (page) => snappy.compressSync(page, { copyOutputData: true }) },
  gzip: { id: thrift.CompressionCodec.GZIP, compress: (page) => gzipSync(page, { level: 1 }) },
  none: { id: thrift.CompressionCodec.UNCOMPRESSED, compress: (page) => page.slice() },
}

/**
 * Begins a file. Its bytes go to `write` in order, each as soon as it exists and none changed afterwards; one call ends before the
 * next begins. The same columns, rows and key values make the same bytes. A writer whose `write` failed is of no more use.
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
  private readonly codec: (typeof codecs)[Codec]
  private readonly envelope: ParquetEnvelopeWriter
  private readonly page = new PageBytes()
  private written = Promise.resolve()
  private rows = 0
  private state: 'ready' | 'busy' | 'ended' = 'ready'

  constructor(columns: readonly Column[], write: (bytes: Uint8Array) => Promise<void>, codec: Codec) {
    this.columns = columns
    this.codec = codecs[codec]
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
        const chunk = await this.writeChunk(column, columns[i]!)
        uncompressed += Number(chunk.total_uncompressed_size)
        group.columns.push(new thrift.ColumnChunk({ file_offset: int64(0), meta_data: chunk }))
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

  private async writeChunk(column: Column, builder: ColumnBuilder): Promise<InstanceType<typeof thrift.ColumnMetaData>> {
    const { path, type } = leafOfColumn(column)
    const { Encoding, PageType } = thrift
    const leaf = leafOf(builder)
    const levels = levelsOf(builder)
    const dictionary = dictionaryOf(leaf)
    const encoding = dictionary ? Encoding.RLE_DICTIONARY : Encoding.PLAIN
    const start = this.offset
    let uncompressed = 0
    if (dictionary) {
      this.page.clear()
      writeDictionaryPage(this.page, leaf, dictionary)
      const header = new thrift.DictionaryPageHeader({ num_values: dictionary.size, encoding: Encoding.PLAIN })
      uncompressed += await this.writePage(PageType.DICTIONARY_PAGE, { dictionary_page_header: header })
    }
    const dataStart = this.offset
    let pages = 0
    for (const range of pageRanges(leaf, levels, dictionary)) {
      this.page.clear()
      writeDataPage(this.page, leaf, levels, dictionary, range)
      const header = new thrift.DataPageHeader({
        num_values: range.entryEnd - range.entry,
        encoding,
        definition_level_encoding: Encoding.RLE,
        repetition_level_encoding: Encoding.RLE,
      })
      uncompressed += await this.writePage(PageType.DATA_PAGE, { data_page_header: header })
      pages++
    }
    const counts = [new thrift.PageEncodingStats({ page_type: PageType.DATA_PAGE, encoding, count: pages })]
    const chunk = new thrift.ColumnMetaData({
      type,
      encodings: dictionary ? [Encoding.PLAIN, Encoding.RLE, Encoding.RLE_DICTIONARY] : [Encoding.PLAIN, Encoding.RLE],
      path_in_schema: [...path],
      codec: this.codec.id,
      num_values: int64(levels.entries),
      total_uncompressed_size: int64(uncompressed),
      total_compressed_size: int64(this.offset - start),
      data_page_offset: int64(dataStart),
      statistics: statisticsOf(leaf, levels.entries - leaf.values, dictionary),
      encoding_stats: counts,
    })
    if (dictionary) {
      chunk.dictionary_page_offset = int64(start)
      counts.unshift(new thrift.PageEncodingStats({ page_type: PageType.DICTIONARY_PAGE, encoding: Encoding.PLAIN, count: 1 }))
    }
    return chunk
  }

  /** Compresses and writes the page at hand; returns its size before compression, header included. */
  private async writePage(type: number, header: object): Promise<number> {
    const body = this.page.view()
    const compressed = this.codec.compress(body)
    const sizes = { type, uncompressed_page_size: body.length, compressed_page_size: compressed.length }
    const head = encodeStruct(new thrift.PageHeader({ ...sizes, ...header }))
    await this.section(head)
    await this.section(compressed)
    return head.length + body.length
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

function statisticsOf(leaf: ColumnBuilder, nulls: number, dictionary: Dictionary | null): InstanceType<typeof thrift.Statistics> {
  const statistics = new thrift.Statistics({ null_count: int64(nulls) })
  const bounds = boundsOf(leaf, dictionary)
  if (bounds?.min) {
    statistics.min_value = Buffer.from(bounds.min)
    statistics.is_min_value_exact = bounds.minExact
    if (bounds.signed) statistics.min = statistics.min_value
  }
  if (bounds?.max) {
    statistics.max_value = Buffer.from(bounds.max)
    statistics.is_max_value_exact = bounds.maxExact
    if (bounds.signed) statistics.max = statistics.max_value
  }
  return statistics
}
