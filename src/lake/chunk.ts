/**
 * One column of one row group: how its values are best encoded, its pages, and what the footer says of it. All at once, so that every
 * chunk of a thread is made in the same memory.
 */
import type { ColumnBuilder } from '../core/columns.ts'
import type { Column } from '../core/schema.ts'
import { codecs, type Codec } from './codecs.ts'
import { dictionaryOf, dictionaryValues, type Dictionary } from './dictionary.ts'
import { distancesOf } from './distances.ts'
import { packedBytes, packedValues } from './packedDifferences.ts'
import { PageBytes } from './pageBytes.ts'
import { leafOf, levelsOf, pageRanges, writeDataPage, writeDictionaryPage } from './pages.ts'
import { leafOfColumn } from './parquetSchema.ts'
import { encodeStruct, int64, thrift } from './parquetThrift.ts'
import { plainBytes, plainValues } from './plainValues.ts'
import { boundsOf, type Bounds } from './statistics.ts'
import type { EncodedValues } from './values.ts'

export interface Chunk {
  /** Headers and bodies, in the order of the file. */
  readonly pages: readonly Uint8Array[]
  readonly metadata: InstanceType<typeof thrift.ColumnMetaData>
}

const page = new PageBytes()

/** `start`: where in the file its first page will stand. */
export function encodeChunk(column: Column, builder: ColumnBuilder, codec: Codec, start: number): Chunk {
  const { path, type } = leafOfColumn(column)
  const { Encoding, PageType } = thrift
  const leaf = leafOf(builder)
  const levels = levelsOf(builder)
  const { dictionary, values, bounds } = encodingOf(leaf)
  const { encoding } = values
  const pages = new Pages(codec)
  const counts: InstanceType<typeof thrift.PageEncodingStats>[] = []
  if (dictionary) {
    page.clear()
    writeDictionaryPage(page, leaf, dictionary)
    const header = new thrift.DictionaryPageHeader({ num_values: dictionary.size, encoding: Encoding.PLAIN })
    pages.add(PageType.DICTIONARY_PAGE, { dictionary_page_header: header })
    counts.push(new thrift.PageEncodingStats({ page_type: PageType.DICTIONARY_PAGE, encoding: Encoding.PLAIN, count: 1 }))
  }
  const dataStart = start + pages.bytes
  let count = 0
  for (const range of pageRanges(levels, values)) {
    page.clear()
    writeDataPage(page, levels, values, range)
    const header = new thrift.DataPageHeader({
      num_values: range.entryEnd - range.entry,
      encoding,
      definition_level_encoding: Encoding.RLE,
      repetition_level_encoding: Encoding.RLE,
    })
    pages.add(PageType.DATA_PAGE, { data_page_header: header })
    count++
  }
  counts.push(new thrift.PageEncodingStats({ page_type: PageType.DATA_PAGE, encoding, count }))
  const metadata = new thrift.ColumnMetaData({
    type,
    encodings: dictionary ? [Encoding.PLAIN, Encoding.RLE, encoding] : [encoding, Encoding.RLE],
    path_in_schema: [...path],
    codec: codecs[codec].id,
    num_values: int64(levels.entries),
    total_uncompressed_size: int64(pages.uncompressed),
    total_compressed_size: int64(pages.bytes),
    data_page_offset: int64(dataStart),
    statistics: statisticsOf(bounds, levels.entries - leaf.values),
    encoding_stats: counts,
  })
  if (dictionary) metadata.dictionary_page_offset = int64(start)
  return { pages: pages.parts, metadata }
}

/** The smallest encoding of the values, and their bounds, which are told on the way. */
function encodingOf(leaf: ColumnBuilder): { dictionary: Dictionary | null; values: EncodedValues; bounds: Bounds | null } {
  const plain = plainBytes(leaf, 0, leaf.values)
  const distances = distancesOf(leaf)
  const packed = distances ? packedBytes(distances) : Infinity
  const dictionary = dictionaryOf(leaf, distances, Math.min(plain, packed))
  const bounds = boundsOf(leaf, distances, dictionary)
  if (dictionary) return { dictionary, values: dictionaryValues(dictionary), bounds }
  return { dictionary, values: distances && packed < plain ? packedValues(distances) : plainValues(leaf), bounds }
}

class Pages {
  readonly parts: Uint8Array[] = []
  bytes = 0
  /** What the pages were before compression, headers included. */
  uncompressed = 0
  private readonly codec: Codec

  constructor(codec: Codec) {
    this.codec = codec
  }

  /** Compresses the page at hand. */
  add(type: number, header: object): void {
    const body = page.view()
    const compressed = codecs[this.codec].compress(body)
    const sizes = { type, uncompressed_page_size: body.length, compressed_page_size: compressed.length }
    const head = encodeStruct(new thrift.PageHeader({ ...sizes, ...header }))
    this.parts.push(head, compressed)
    this.bytes += head.length + compressed.length
    this.uncompressed += head.length + body.length
  }
}

function statisticsOf(bounds: Bounds | null, nulls: number): InstanceType<typeof thrift.Statistics> {
  const statistics = new thrift.Statistics({ null_count: int64(nulls) })
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
