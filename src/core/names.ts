/** Names from outside as parts of a key (SEMANTICS R3.9). */
import { CdcFailure, code } from './failures.ts'

/** `<database>/<schema>/<table>`, each part encoded: the table's folder below the lake's URL. */
export function tableRoot(database: string, schema: string, table: string): string {
  return [database, schema, table].map(encodeName).join('/')
}

/**
 * Keeps `A-Za-z0-9_.-` and writes each other byte as `!XX`; a leading `_` or `.` too, as readers skip folders named so. Not as
 * `%XX`: DuckDB's delta_scan decodes that on the way and then finds no file. One to one, so two names never share a folder.
 * Throws CDC1001 for what no folder can be named.
 */
export function encodeName(name: string): string {
  const hex = (byte: number): string => `!${byte.toString(16).toUpperCase().padStart(2, '0')}`
  let encoded = ''
  for (const byte of new TextEncoder().encode(name)) {
    if (byte < 32 || byte === 127)
      throw new CdcFailure(code.InvalidInput, `a name holds a control character: ${JSON.stringify(name)}`)
    const char = String.fromCharCode(byte)
    encoded += byte < 128 && (encoded === '' ? /[A-Za-z0-9-]/ : /[A-Za-z0-9_.-]/).test(char) ? char : hex(byte)
  }
  if (encoded === '' || encoded.length > 255)
    throw new CdcFailure(code.InvalidInput, `a name is empty or too long: ${JSON.stringify(name)}`)
  return encoded
}

/** The name that `encodeName` made a folder's name of. */
export function decodeName(folder: string): string {
  return decodeURIComponent(folder.replaceAll('!', '%'))
}
