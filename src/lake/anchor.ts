/** The hash of one Kafka record, for anchors: a topic that was cut back holds another record at the same offset (DESIGN §4.8). */
import { createHash } from 'node:crypto'

/** SHA-256 over key and value, each behind its length (-1 for null), so that no two records share their bytes. */
export function recordHash(key: Uint8Array | null, value: Uint8Array | null): string {
  const hash = createHash('sha256')
  for (const part of [key, value]) {
    hash.update(`${part === null ? -1 : part.length}:`)
    if (part !== null) hash.update(part)
  }
  return hash.digest('hex')
}
