/** How pages are compressed. */
import { gzipSync } from 'node:zlib'
import snappy from 'snappy'
import { thrift } from './parquetThrift.ts'

export type Codec = 'snappy' | 'none' | 'gzip'

// copyOutputData: the garbage collector does not see the size of snappy's own buffers and keeps gigabytes of them.
export const codecs: Record<Codec, { readonly id: number; compress(page: Uint8Array): Uint8Array }> = {
  snappy: { id: thrift.CompressionCodec.SNAPPY, compress: (page) => snappy.compressSync(page, { copyOutputData: true }) },
  gzip: { id: thrift.CompressionCodec.GZIP, compress: (page) => gzipSync(page, { level: 1 }) },
  none: { id: thrift.CompressionCodec.UNCOMPRESSED, compress: (page) => page.slice() },
}
