/** JSON strings as JavaScript strings: for names and the few texts of an envelope, never for values of rows. */
import { undecodable } from './scan.ts'

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const encoder = new TextEncoder()

export function utf8(bytes: Uint8Array, start: number, end: number): string {
  try {
    return decoder.decode(bytes.subarray(start, end))
  } catch {
    throw undecodable('not UTF-8', start)
  }
}

/** [start, end) is a string token that the scanner passed, quotes included. */
export function stringOf(bytes: Uint8Array, start: number, end: number): string {
  if (bytes[start] !== 0x22) throw undecodable('a JSON string is needed here', start)
  const text = utf8(bytes, start, end)
  return text.includes('\\') ? (JSON.parse(text) as string) : text.slice(1, -1)
}

/** A string as most writers of JSON print it, quotes included. */
export function tokenOf(text: string): Uint8Array {
  return encoder.encode(JSON.stringify(text))
}
