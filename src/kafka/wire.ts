/**
 * Primitive types of Kafka's wire format, for the flexible versions of its requests: compact strings and arrays, unsigned
 * varints, tagged fields. Field names follow the protocol guide's types, so that a request reads like its schema.
 */

/** Reads past the end throw RangeError: an answer cut short never becomes data. */
export class WireReader {
  private readonly bytes: Buffer
  private at: number

  constructor(bytes: Buffer, at = 0) {
    this.bytes = bytes
    this.at = at
  }

  get position(): number {
    return this.at
  }

  int8(): number {
    const value = this.bytes.readInt8(this.at)
    this.at += 1
    return value
  }

  int16(): number {
    const value = this.bytes.readInt16BE(this.at)
    this.at += 2
    return value
  }

  int32(): number {
    const value = this.bytes.readInt32BE(this.at)
    this.at += 4
    return value
  }

  int64(): bigint {
    const value = this.bytes.readBigInt64BE(this.at)
    this.at += 8
    return value
  }

  boolean(): boolean {
    return this.int8() !== 0
  }

  uvarint(): number {
    let value = 0
    for (let factor = 1; factor <= 2 ** 28; factor *= 128) {
      const byte = this.bytes.readUInt8(this.at++)
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
    }
    throw new RangeError('unsigned varint longer than five bytes')
  }

  /** As Kafka's tools print topic ids: base64url, 22 characters. */
  uuid(): string {
    return this.slice(16).toString('base64url')
  }

  nullableString(): string | null {
    const length = this.uvarint() - 1
    return length < 0 ? null : this.slice(length).toString('utf8')
  }

  string(): string {
    return this.nullableString() ?? ''
  }

  /** A view, not a copy. */
  nullableBytes(): Buffer | null {
    const length = this.uvarint() - 1
    return length < 0 ? null : this.slice(length)
  }

  /** A null array reads as an empty one. */
  array<T>(element: (reader: WireReader) => T): T[] {
    const count = this.uvarint() - 1
    const elements: T[] = []
    for (let i = 0; i < count; i++) elements.push(element(this))
    return elements
  }

  /** Skips the tagged fields that end every structure of a flexible version. */
  tags(): void {
    for (let left = this.uvarint(); left > 0; left--) {
      this.uvarint()
      this.slice(this.uvarint())
    }
  }

  private slice(length: number): Buffer {
    const end = this.at + length
    if (end > this.bytes.length) throw new RangeError('answer ends inside a field')
    const slice = this.bytes.subarray(this.at, end)
    this.at = end
    return slice
  }
}

export class WireWriter {
  private bytes = Buffer.alloc(256)
  private at = 0

  int8(value: number): this {
    this.at = this.reserve(1).writeInt8(value, this.at)
    return this
  }

  int16(value: number): this {
    this.at = this.reserve(2).writeInt16BE(value, this.at)
    return this
  }

  int32(value: number): this {
    this.at = this.reserve(4).writeInt32BE(value, this.at)
    return this
  }

  int64(value: bigint): this {
    this.at = this.reserve(8).writeBigInt64BE(value, this.at)
    return this
  }

  boolean(value: boolean): this {
    return this.int8(value ? 1 : 0)
  }

  uvarint(value: number): this {
    let rest = value
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.byte((rest % 128) | 128)
    return this.byte(rest)
  }

  uuid(id: string): this {
    const bytes = Buffer.from(id, 'base64url')
    if (bytes.length !== 16) throw new RangeError('not a topic id')
    return this.raw(bytes)
  }

  string(value: string | null): this {
    if (value === null) return this.uvarint(0)
    const bytes = Buffer.from(value, 'utf8')
    return this.uvarint(bytes.length + 1).raw(bytes)
  }

  array<T>(elements: readonly T[], write: (element: T, writer: WireWriter) => void): this {
    this.uvarint(elements.length + 1)
    for (const element of elements) write(element, this)
    return this
  }

  /** No tagged fields. */
  tags(): this {
    return this.uvarint(0)
  }

  end(): Buffer {
    return this.bytes.subarray(0, this.at)
  }

  private byte(value: number): this {
    this.at = this.reserve(1).writeUInt8(value, this.at)
    return this
  }

  private raw(bytes: Buffer): this {
    bytes.copy(this.reserve(bytes.length), this.at)
    this.at += bytes.length
    return this
  }

  private reserve(length: number): Buffer {
    if (this.at + length > this.bytes.length) {
      const larger = Buffer.alloc(Math.max(this.at + length, this.bytes.length * 2))
      this.bytes.copy(larger, 0, 0, this.at)
      this.bytes = larger
    }
    return this.bytes
  }
}
