/**
 * The door to parquetjs' thrift classes: they are not among its exports, and its own footer has neither logical types nor
 * column orders (DESIGN §5), so page headers and the footer are made of these. Held by the exact pin of its version.
 */
import thrift from '@dsnp/parquetjs/dist/gen-nodejs/parquet_types.js'
import { decodeThrift } from '@dsnp/parquetjs/dist/lib/util.js'
import Int64 from 'node-int64'
import { CompactProtocol } from './compactProtocol.ts'

export { thrift }

/** By this name thrift's structs write themselves. */
const write = Symbol.for('write')

export function encodeStruct(struct: object): Uint8Array {
  const protocol = new CompactProtocol()
  ;(struct as { [write](protocol: CompactProtocol): void })[write](protocol)
  return protocol.bytes()
}

/** Fills `struct` from bytes in thrift's compact protocol. */
export function decodeStruct(struct: object, bytes: Uint8Array): void {
  decodeThrift(struct as Parameters<typeof decodeThrift>[0], Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
}

/** Sizes and offsets: exact up to 2^53. Given a number, Int64 itself makes its bytes in a way that Node takes long to deprecate. */
export function int64(value: number): Int64 {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(BigInt(value))
  return new Int64(bytes)
}

/** Not by its constructor: that copies the metadata, and makes a number in the way told of above. */
export function columnChunk(metadata: InstanceType<typeof thrift.ColumnMetaData>): InstanceType<typeof thrift.ColumnChunk> {
  const chunk = Object.create(thrift.ColumnChunk.prototype) as InstanceType<typeof thrift.ColumnChunk>
  return Object.assign(chunk, { file_offset: int64(0), meta_data: metadata })
}
