/** Data files as the protocol sees them, in Parquet. */
import type { LinkFormat } from './context.ts'
import { openParquet } from './parquet.ts'
import { readFooter } from './parquetFooter.ts'

export const parquetLink: LinkFormat = {
  read: readFooter,
  async empty(columns, keyValues) {
    const parts: Uint8Array[] = []
    const file = await openParquet(columns, (bytes) => Promise.resolve(void parts.push(bytes)))
    await file.finish(keyValues)
    return new Uint8Array(Buffer.concat(parts))
  },
}
