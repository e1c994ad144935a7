/** The WebAssembly module of this thread (its source: assembly/), made when it is first needed. */
import { readFileSync } from 'node:fs'

/** The little that is used here: Node's types leave it out, and those of browsers would bring in all of theirs. */
interface WebAssemblyApi {
  readonly Memory: new (size: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer }
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown }
}
const { Memory, Module, Instance } = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly

type Global<T = number> = { value: T }

/** What assembly/ exports; see there. */
export interface KernelExports {
  decode(first: number, count: number): number
  truncate(rows: number): void
  clear(): void
  account(): void
  compact(from: number, present: number): number
  lz4Block(from: number, end: number, to: number, first: number, limit: number): number
  readonly block: Global
  readonly slotStarts: Global
  readonly slotEnds: Global
  readonly slotFlags: Global
  readonly columns: Global
  readonly columnCount: Global
  readonly keyStarts: Global
  readonly keyEnds: Global
  readonly valueStarts: Global
  readonly valueEnds: Global
  readonly offsetDeltas: Global
  readonly timestamps: Global
  readonly valueHead: Global
  readonly valueHeadLength: Global
  readonly valueLayout: Global
  readonly valueTail: Global
  readonly keyHead: Global
  readonly keyHeadLength: Global
  readonly keyLayout: Global
  readonly keyTail: Global
  readonly oldRows: Global
  readonly rowLayout: Global
  readonly snapshots: Global
  readonly snapshotCount: Global
  readonly ops: Global
  readonly sourceTs: Global
  readonly commitLsns: Global
  readonly lsns: Global
  readonly txIds: Global
  readonly txOrders: Global
  readonly snapshotOf: Global
  readonly offsets: Global
  readonly kafkaTs: Global
  readonly late: Global
  readonly lateCount: Global
  readonly lateRoom: Global
  readonly rowRoom: Global
  readonly rows: Global
  readonly rowsLeft: Global
  readonly bytesLeft: Global<bigint>
  readonly dayEnd: Global<bigint>
  readonly baseOffset: Global<bigint>
  readonly stopped: Global
  readonly minTs: Global<bigint>
  readonly maxTs: Global<bigint>
  readonly minLsn: Global<bigint>
  readonly maxLsn: Global<bigint>
  readonly highCommit: Global<bigint>
  readonly highLsn: Global<bigint>
  readonly highOrder: Global<bigint>
  readonly replayed: Global
  readonly resnapshot: Global
  readonly incremental: Global
}

export interface Kernel {
  readonly wasm: KernelExports
  readonly buffer: ArrayBuffer
  readonly bytes: Uint8Array
  readonly words: Int32Array
}

/** 176 MiB of addresses, of which only what is touched takes memory; it never grows, so that views of it stay. */
const pages = 2816
/** What stands below is the module's own. */
export const firstFree = 65_536

/** Where batches stand as they came, and where they are decompressed. Some bytes behind both may be read and written. */
export const inputAt = 100 * 1024 * 1024
export const inputRoom = 12 * 1024 * 1024 - 64
export const blockAt = 112 * 1024 * 1024
export const blockRoom = pages * 65_536 - blockAt - 64

let instance: Kernel | null = null

export function kernel(): Kernel {
  return (instance ??= instantiate())
}

function instantiate(): Kernel {
  const memory = new Memory({ initial: pages, maximum: pages })
  const module = new Module(readFileSync(new URL('./kernel.wasm', import.meta.url)))
  const { exports } = new Instance(module, { env: { memory } })
  const { buffer } = memory
  return {
    wasm: exports as KernelExports,
    buffer,
    bytes: new Uint8Array(buffer),
    words: new Int32Array(buffer),
  }
}
