/**
 * Thrift's compact protocol, the side that writes: parquetjs' structs write themselves into it. The one that comes with them makes
 * a Buffer of each byte by a deprecated constructor, for which Node walks the stack each time: a third of a second in each worker.
 */
import { PageBytes } from './pageBytes.ts'

/** Thrift's numbers of types -> those of the compact protocol; no struct of Parquet has a map. */
const compactTypes: Readonly<Record<number, number>> = { 2: 1, 3: 3, 4: 7, 6: 4, 8: 5, 10: 6, 11: 8, 12: 12, 14: 10, 15: 9 }
const isTrue = 1
const isFalse = 2
const encoder = new TextEncoder()

/** The methods are those that the structs call, by Thrift's names. */
export class CompactProtocol {
  private readonly out = new PageBytes(256)
  private readonly enclosing: number[] = []
  private lastField = 0
  /** A bool field's value stands in its header, which therefore waits for it. */
  private boolField: number | null = null

  bytes(): Uint8Array {
    return this.out.view()
  }

  writeStructBegin(): void {
    this.enclosing.push(this.lastField)
    this.lastField = 0
  }

  writeStructEnd(): void {
    this.lastField = this.enclosing.pop()!
  }

  writeFieldBegin(_name: string, type: number, id: number): void {
    const compact = compactTypes[type]!
    if (compact === isTrue) this.boolField = id
    else this.fieldHeader(compact, id)
  }

  writeFieldEnd(): void {}

  writeFieldStop(): void {
    this.out.byte(0)
  }

  writeListBegin(type: number, size: number): void {
    const compact = compactTypes[type]!
    if (size < 15) return this.out.byte((size << 4) | compact)
    this.out.byte(0xf0 | compact)
    this.out.varint(size)
  }

  writeListEnd(): void {}

  writeBool(value: boolean): void {
    const compact = value ? isTrue : isFalse
    if (this.boolField === null) return this.out.byte(compact)
    this.fieldHeader(compact, this.boolField)
    this.boolField = null
  }

  writeByte(value: number): void {
    this.out.byte(value)
  }

  writeI16(value: number): void {
    this.writeI32(value)
  }

  writeI32(value: number): void {
    this.out.varint(((value << 1) ^ (value >> 31)) >>> 0)
  }

  /** `value`: an Int64 or a number, exact up to 2^53. */
  writeI64(value: number | { valueOf(): number }): void {
    this.out.zigzag(BigInt(Number(value)))
  }

  writeString(value: string | Uint8Array): void {
    const bytes = typeof value === 'string' ? encoder.encode(value) : value
    this.out.varint(bytes.length)
    this.out.bytes(bytes)
  }

  writeBinary(value: string | Uint8Array): void {
    this.writeString(value)
  }

  private fieldHeader(compact: number, id: number): void {
    const delta = id - this.lastField
    if (delta > 0 && delta <= 15) this.out.byte((delta << 4) | compact)
    else {
      this.out.byte(compact)
      this.writeI32(id)
    }
    this.lastField = id
  }
}
