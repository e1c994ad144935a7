/** The text of a JSON token as `__special` keeps it: a string without its quotes, anything else as it stands; null stays null. */
const decoder = new TextDecoder()

export function textOf(bytes: Uint8Array, start: number, end: number): string | null {
  const token = decoder.decode(bytes.subarray(start, end))
  if (token === 'null') return null
  return token.startsWith('"') ? (JSON.parse(token) as string) : token
}
