/** A page in the making: bytes that grow. Parquet is little-endian throughout, as are the typed arrays of the machines we run on. */
export class PageBytes {
  data: Uint8Array<ArrayBuffer>
  length = 0

  constructor(room = 64 * 1024) {
    this.data = new Uint8Array(room)
  }

  clear(): void {
    this.length = 0
  }

  /** Room for `count` more bytes; returns where they begin. The caller fills them all. */
  take(count: number): number {
    const at = this.length
    const length = at + count
    if (length > this.data.length) {
      const data = new Uint8Array(Math.max(length, this.data.length * 2))
      data.set(this.data.subarray(0, at))
      this.data = data
    }
    this.length = length
    return at
  }

  byte(value: number): void {
    const at = this.take(1)
    this.data[at] = value
  }

  uint32(value: number): void {
    this.uint32At(this.take(4), value)
  }

  uint32At(at: number, value: number): void {
    const data = this.data
    data[at] = value
    data[at + 1] = value >>> 8
    data[at + 2] = value >>> 16
    data[at + 3] = value >>> 24
  }

  /** Unsigned LEB128; `value` is a whole number up to 2^53. */
  varint(value: number): void {
    while (value > 0x7f) {
      this.byte((value & 0x7f) | 0x80)
      value = value > 0xffff_ffff ? Math.floor(value / 128) : value >>> 7
    }
    this.byte(value)
  }

  /** LEB128 of a signed 64-bit number, its sign in the lowest bit. */
  zigzag(value: bigint): void {
    let rest = BigInt.asUintN(64, (value << 1n) ^ (value < 0n ? -1n : 0n))
    for (; rest > 0x7fn; rest >>= 7n) this.byte(Number(rest & 0x7fn) | 0x80)
    this.byte(Number(rest))
  }

  bytes(from: Uint8Array, start = 0, end = from.length): void {
    const at = this.take(end - start)
    if (end - start > 32) this.data.set(from.subarray(start, end), at)
    else for (let i = start, to = at; i < end; i++, to++) this.data[to] = from[i]!
  }

  view(): Uint8Array {
    return this.data.subarray(0, this.length)
  }
}
