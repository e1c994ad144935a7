/**
 * What Debezium sends for a TOASTed value that an update did not touch, by the type of its column (SEMANTICS R1.8). The text is
 * the connector's `unavailable.value.placeholder`, random for each deployment, so that no value of a user is taken for it.
 */
import { tokenOf } from './jsonString.ts'
import { nameUuid } from './nameUuid.ts'
import type { Placeholders } from './typeTable.ts'

const encoder = new TextEncoder()

export function placeholdersOf(placeholder: string): Placeholders {
  const utf8 = encoder.encode(placeholder)
  const base64 = btoa(String.fromCharCode(...utf8))
  const list = (elements: readonly (string | number)[]): Uint8Array => encoder.encode(JSON.stringify(elements))
  return {
    text: tokenOf(placeholder),
    base64: tokenOf(base64),
    hstore: tokenOf(JSON.stringify({ [placeholder]: placeholder })),
    texts: list([placeholder]),
    base64s: list([base64]),
    // Java counts bytes from -128.
    numbers: list([...utf8].map((byte) => (byte << 24) >> 24)),
    uuids: list([nameUuid(utf8)]),
  }
}
