/** The least that each step can cost in this runtime: the same bytes, and nothing made of them. */
import { connect } from 'node:net'
import type { RecordBlock, TopicState } from '../src/core/records.ts'
import { decompress } from '../src/kafka/compression.ts'
import { fetchRequest, readFetch } from '../src/kafka/fetch.ts'
import { fetchBytes } from '../src/workers/doors.ts'

/** The records of a batch as they came. */
export interface Section {
  readonly codec: number
  readonly bytes: Buffer
}

/** Every record batch of the topic through a plain socket, headers looked at only for where to go on. */
export async function fetchAll(broker: string, { identity, partitions }: TopicState, keep: boolean): Promise<Section[]> {
  const socket = openSocket(broker)
  const sections: Section[] = []
  try {
    for (const { partition, low, stable } of partitions) {
      for (let offset = low; offset < stable;) {
        const place = { topicId: identity.id, partition, leaderEpoch: -1, offset, maxBytes: fetchBytes }
        const { records } = readFetch(await socket.ask(fetchRequest(place).body), partition)
        const from = offset
        for (let at = 0; at + 61 <= records.length;) {
          const end = at + 12 + records.readInt32BE(at + 8)
          if (end > records.length) break
          offset = records.readBigInt64BE(at) + BigInt(records.readInt32BE(at + 23)) + 1n
          if (keep) sections.push({ codec: records.readInt16BE(at + 21) & 7, bytes: Buffer.from(records.subarray(at + 61, end)) })
          at = end
        }
        if (offset === from) throw new Error(`the broker answers with no whole batch at ${offset}`)
      }
    }
    return sections
  } finally {
    socket.close()
  }
}

/** Returns how many bytes they held. */
export function decompressAll(sections: readonly Section[]): number {
  return sections.reduce((sum, { codec, bytes }) => sum + decompress(codec, bytes, Infinity, 'bench').length, 0)
}

const [quote, backslash, comma, open, close] = [0x22, 0x5c, 0x2c, 0x7b, 0x7d]

/** Looks at each byte of each value, once: enough to see where members begin. Returns how many did. */
export function scanAll(blocks: readonly RecordBlock[]): number {
  let members = 0
  for (const { bytes, count, valueStart, valueEnd } of blocks) {
    for (let i = 0; i < count; i++) members += membersOf(bytes, valueStart[i]!, valueEnd[i]!)
  }
  return members
}

function membersOf(bytes: Uint8Array, start: number, end: number): number {
  let members = 0
  for (let at = start, inText = false; at < end; at++) {
    const byte = bytes[at]!
    if (inText) {
      if (byte === quote) inText = false
      else if (byte === backslash) at++
    } else if (byte === quote) inText = true
    else if (byte === comma || byte === open || byte === close) members++
  }
  return members
}

/** Answers come in one memory that is used again: each is to be done with before the next is asked for. */
function openSocket(broker: string) {
  let answer = Buffer.allocUnsafe(fetchBytes + (1 << 20))
  let filled = 0
  let answered: ((answer: Buffer) => void) | null = null
  const take = (bytes: Buffer): void => {
    if (filled + bytes.length > answer.length) answer = Buffer.concat([answer.subarray(0, filled)], (filled + bytes.length) * 2)
    bytes.copy(answer, filled)
    filled += bytes.length
    if (filled < 4 || filled < 4 + answer.readInt32BE(0)) return
    const length = filled
    filled = 0
    // Behind the length stands the number of the request.
    answered?.(answer.subarray(8, length))
  }
  const callback = (length: number, buffer: Uint8Array): boolean => {
    take(Buffer.from(buffer.buffer, buffer.byteOffset, length))
    return true
  }
  const [host, port] = [broker.slice(0, broker.lastIndexOf(':')), Number(broker.slice(broker.lastIndexOf(':') + 1))]
  const socket = connect({ host, port, onread: { buffer: Buffer.allocUnsafe(1 << 18), callback } })
  return {
    ask(body: Buffer): Promise<Buffer> {
      // Fetch v13: key, version, number of the request, a client without a name.
      const head = Buffer.from([0, 0, 0, 0, 0, 1, 0, 13, 0, 0, 0, 1, 0xff, 0xff])
      head.writeInt32BE(head.length - 4 + body.length, 0)
      return new Promise((resolve, reject) => {
        answered = resolve
        socket.once('error', reject)
        socket.write(Buffer.concat([head, body]), () => socket.off('error', reject))
      })
    },
    close: () => void socket.destroy(),
  }
}
