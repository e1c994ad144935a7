/**
 * Reads one JSON object of known names: where each one's value stands. Names are first looked for where they stood in the
 * object before, which takes a comparison of bytes; any other order, spelling (escapes) and white space is read as well.
 */
import { stringOf, tokenOf } from './jsonString.ts'
import { isSpace, skipColon, skipSpace, skipString, skipValue, undecodable } from './scan.ts'

const maxStrangers = 32

/** A name that was not asked for: throws, or returns to have its value skipped. */
export type OnStranger = (name: string, at: number) => void

export class ObjectReader {
  readonly names: readonly string[]
  /** Value i stands at [start[i], end[i]) of the bytes read last; a start of -1 is a name that was absent. */
  readonly start: Int32Array
  readonly end: Int32Array
  /** Where set, value i is read by another reader if it is an object; otherwise it is skipped. */
  readonly inner: (ObjectReader | null)[]
  /** How many members the object read last had. */
  members = 0
  /** Grows whenever a name stands elsewhere than in the object before. */
  moves = 0
  private readonly index = new Map<string, number>()
  private readonly tokens: NameToken[] = []
  private readonly order: Int32Array
  private readonly onStranger: OnStranger | null

  constructor(names: readonly string[], onStranger: OnStranger | null = null) {
    this.names = names
    const room = names.length + maxStrangers
    this.start = new Int32Array(room).fill(-1)
    this.end = new Int32Array(room)
    this.order = new Int32Array(room).fill(-1)
    this.inner = names.map(() => null)
    this.onStranger = onStranger
    for (const name of names) this.learn(name, this.tokens.length)
  }

  /** `pos` is at the opening brace; returns the position after the closing one. Throws CDC3001, doubled names included. */
  read(bytes: Uint8Array, pos: number, end: number): number {
    const { start, order, tokens } = this
    for (let i = 0, count = tokens.length; i < count; i++) start[i] = -1
    if (pos >= end || bytes[pos] !== 0x7b) throw undecodable('a JSON object is needed here', pos)
    const view = viewOf(bytes)
    let at = pos + 1
    this.members = 0
    for (let place = 0; ; place++) {
      let index = place < order.length ? order[place]! : -1
      let value = index < 0 ? -1 : afterName(view, at, end, tokens[index]!)
      if (value < 0) {
        at = skipSpace(bytes, at, end)
        if (place === 0 && at < end && bytes[at] === 0x7d) return at + 1
        if (at >= end || bytes[at] !== 0x22) throw undecodable('no name where JSON needs one', at)
        const nameEnd = skipString(bytes, at, end)
        index = this.find(stringOf(bytes, at, nameEnd), at, place)
        value = skipColon(bytes, nameEnd, end)
      } else if (value < end && isSpace(bytes[value])) value = skipSpace(bytes, value, end)

      const inner = index < 0 ? null : this.inner[index]
      const head = bytes[value]
      const stop =
        head === 0x22
          ? skipString(bytes, plainWords(view, value + 1, end) - 1, end)
          : inner && head === 0x7b
            ? inner.read(bytes, value, end)
            : skipValue(bytes, value, end)
      if (index >= 0) {
        if (start[index] !== -1) throw undecodable('a name stands twice in a JSON object', value)
        start[index] = value
        this.end[index] = stop
      }

      at = stop
      if (at < end && isSpace(bytes[at])) at = skipSpace(bytes, at, end)
      if (at >= end) throw undecodable('JSON ends within an object', at)
      if (bytes[at] === 0x7d) {
        this.members = place + 1
        return at + 1
      }
      if (bytes[at] !== 0x2c) throw undecodable('no comma where JSON needs one', at)
      at++
    }
  }

  /** The object read last had each of the names and nothing else. */
  get exact(): boolean {
    if (this.members !== this.names.length) return false
    for (let i = 0; i < this.names.length; i++) if (this.start[i]! < 0) return false
    return true
  }

  /** Names by number, in the order of the object read last; before the first one, those it is made for. Null: some have none. */
  get lastOrder(): readonly number[] | null {
    const order = [...this.order.subarray(0, this.members || this.names.length)]
    return this.members > this.order.length || order.includes(-1) ? null : order
  }

  /** `"name":` as it usually stands. */
  tokenAt(index: number): Uint8Array {
    return this.tokens[index]!.bytes
  }

  private find(name: string, at: number, place: number): number {
    this.moves++
    let index = this.index.get(name) ?? -1
    if (index < 0) {
      this.onStranger?.(name, at)
      if (this.tokens.length < this.start.length) index = this.learn(name, place)
    }
    if (place < this.order.length) this.order[place] = index
    return index
  }

  private learn(name: string, place: number): number {
    const index = this.tokens.length
    this.tokens.push(nameToken(name))
    this.index.set(name, index)
    this.start[index] = -1
    if (place < this.order.length) this.order[place] = index
    return index
  }
}

/** `"name":` as words of four bytes, the last one reaching back into the one before it. */
interface NameToken {
  readonly bytes: Uint8Array
  readonly length: number
  readonly words: Int32Array
}

function nameToken(name: string): NameToken {
  const token = tokenOf(name)
  const bytes = new Uint8Array(token.length + 1)
  bytes.set(token)
  bytes[token.length] = 0x3a
  const view = new DataView(bytes.buffer)
  // Shorter than a word are only names of no letter at all.
  const words = bytes.length < 4 ? [] : Array.from({ length: Math.ceil(bytes.length / 4) }, (_, k) => k * 4)
  return {
    bytes,
    length: bytes.length,
    words: Int32Array.from(words, (at) => view.getInt32(Math.min(at, bytes.length - 4), true)),
  }
}

/** The position after `"name":` if just that stands at `at`, else -1. */
function afterName(view: DataView, at: number, end: number, token: NameToken): number {
  const { length, words } = token
  const stop = at + length
  const last = words.length - 1
  if (stop > end || last < 0) return -1
  for (let k = 0; k < last; k++) if (view.getInt32(at + k * 4, true) !== words[k]) return -1
  return view.getInt32(stop - 4, true) === words[last] ? stop : -1
}

/** Behind the words of four bytes from `at` on that hold neither quote nor backslash nor control character. */
function plainWords(view: DataView, at: number, end: number): number {
  let to = at
  for (const last = end - 4; to <= last; to += 4) {
    const word = view.getInt32(to, true)
    const quote = word ^ 0x22222222
    const backslash = word ^ 0x5c5c5c5c
    const found = ((word - 0x20202020) & ~word) | ((quote - 0x01010101) & ~quote) | ((backslash - 0x01010101) & ~backslash)
    if ((found & 0x80808080) !== 0) break
  }
  return to
}

let viewed: Uint8Array | null = null
let lastView: DataView = new DataView(new ArrayBuffer(0))

/** Blocks hold thousands of objects: one view serves all of them. */
function viewOf(bytes: Uint8Array): DataView {
  if (bytes !== viewed) {
    viewed = bytes
    lastView = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }
  return lastView
}

/** The names of an object's members in their order; `pos` is at its opening brace. For what is seldom asked. */
export function memberNames(bytes: Uint8Array, pos: number, end: number): string[] {
  const names: string[] = []
  const walker = new ObjectReader([], (name) => void names.push(name))
  walker.read(bytes, pos, end)
  return names
}
