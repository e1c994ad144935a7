/** The footer of a data file: what a link says of itself without the log (DESIGN §4.4, SEMANTICS R2.19). */
import type { Column } from '../core/schema.ts'
import { columnsOf, schemaElements } from './parquetSchema.ts'
import { decodeStruct, encodeStruct, int64, thrift } from './parquetThrift.ts'

export interface ParquetFooter {
  readonly rows: number
  /** Everything the footer carries, `sparkKey` too. */
  readonly keyValues: Map<string, string>
  readonly columns: Column[]
  readonly rowGroups: RowGroupFooter[]
}

export interface RowGroupFooter {
  readonly rows: number
  readonly columns: ColumnChunkFooter[]
}

export interface ColumnChunkFooter {
  readonly name: string
  readonly nulls: number
  /** Bounds as PLAIN bytes without length; null where the file gives none. */
  readonly min: Uint8Array | null
  readonly max: Uint8Array | null
  readonly encodings: readonly string[]
  /** Bytes of its pages in the file, and what they were before compression. */
  readonly bytes: number
  readonly uncompressedBytes: number
}

export type RowGroup = InstanceType<typeof thrift.RowGroup>

const magic = Buffer.from('PAR1')
const encodingNames = new Map(Object.entries(thrift.Encoding).map(([name, value]) => [value, name] as [number, string]))
/** Without this key Spark 3.5 takes days before 1582 for the old calendar and refuses them (DESIGN §5). */
const sparkKey = 'org.apache.spark.version'
const sparkVersion = '3.5.0'

/** The end of the file: metadata, its length, and the magic bytes. Keys are sorted, so the same input makes the same bytes. */
export function encodeFooter(
  columns: readonly Column[],
  rows: number,
  rowGroups: RowGroup[],
  keyValues: Readonly<Record<string, string>>,
): Buffer {
  const pairs = [...Object.entries(keyValues).filter(([key]) => key !== sparkKey), [sparkKey, sparkVersion] as const]
  pairs.sort(([a], [b]) => (a < b ? -1 : 1))
  const metadata = new thrift.FileMetaData({
    version: 2,
    schema: schemaElements(columns),
    num_rows: int64(rows),
    row_groups: [],
    key_value_metadata: pairs.map(([key, value]) => new thrift.KeyValue({ key, value })),
    created_by: 'sluice',
    column_orders: columns.map(() => new thrift.ColumnOrder({ TYPE_ORDER: new thrift.TypeDefinedOrder() })),
  })
  // Given to the constructor, they would be copied one by one.
  metadata.row_groups = rowGroups
  const encoded = encodeStruct(metadata)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(encoded.length)
  return Buffer.concat([encoded, length, magic])
}

/** Bytes at the end of the file that `readFooter` needs, told from its last eight; throws where it is no Parquet file. */
export function footerBytes(tail: Uint8Array): number {
  const end = Buffer.from(tail.buffer, tail.byteOffset, tail.byteLength)
  if (end.length < 8) throw new Error(`not a Parquet file: only ${end.length} bytes`)
  if (!end.subarray(-4).equals(magic)) throw new Error('not a Parquet file: it does not end in PAR1')
  return end.readUInt32LE(end.length - 8) + 8
}

/**
 * Reads a file's footer from the whole file, or from its end if that holds the footer.
 * Throws a plain Error for a file that is broken, cut off, or not of a lake table's types.
 */
export function readFooter(file: Uint8Array): ParquetFooter {
  const length = footerBytes(file)
  if (length > file.length)
    throw new Error(`not enough of a Parquet file: the footer has ${length} bytes, here are ${file.length}`)
  const metadata = new thrift.FileMetaData()
  try {
    decodeStruct(metadata, file.subarray(file.length - length, file.length - 8))
    return footerOf(metadata)
  } catch (cause) {
    throw new Error(`broken Parquet footer: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

function footerOf(metadata: InstanceType<typeof thrift.FileMetaData>): ParquetFooter {
  const columns = columnsOf(metadata.schema)
  const keyValues = new Map((metadata.key_value_metadata ?? []).map(({ key, value }) => [key, value ?? '']))
  const rowGroups = metadata.row_groups.map((group) => ({
    rows: Number(group.num_rows),
    columns: group.columns.map((chunk) => chunkOf(chunk)),
  }))
  if (rowGroups.some((group) => group.columns.length !== columns.length)) throw new Error('a row group lacks columns')
  const rows = Number(metadata.num_rows)
  if (rowGroups.reduce((sum, group) => sum + group.rows, 0) !== rows) throw new Error('its row groups do not add up to its rows')
  return { rows, keyValues, columns, rowGroups }
}

function chunkOf({ meta_data: chunk }: InstanceType<typeof thrift.ColumnChunk>): ColumnChunkFooter {
  if (!chunk) throw new Error('a column chunk has no metadata')
  const statistics = chunk.statistics
  return {
    name: chunk.path_in_schema[0] ?? '',
    nulls: Number(statistics?.null_count ?? 0),
    min: statistics?.min_value ?? null,
    max: statistics?.max_value ?? null,
    encodings: chunk.encodings.map((encoding) => encodingNames.get(encoding) ?? String(encoding)),
    bytes: Number(chunk.total_compressed_size),
    uncompressedBytes: Number(chunk.total_uncompressed_size),
  }
}
