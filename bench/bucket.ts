/** What stands in the stack's store. */
import type { StoreFacts } from '../scripts/stack/store.ts'
import { s3Store, type S3Store } from '../src/lake/s3.ts'

/** Keys are relative to the bucket. To be closed. */
export function openBucket({ bucket, endpoint, region, accessKeyId, secretAccessKey }: StoreFacts): S3Store {
  const credentials = { accessKeyId, secretAccessKey }
  return s3Store({ bucket, prefix: '', endpoint, region, credentials, forcePathStyle: true })
}

/** The Parquet files below a folder. */
export async function filesBelow(facts: StoreFacts, prefix: string): Promise<{ files: number; bytes: number }> {
  const store = openBucket(facts)
  let [files, bytes] = [0, 0]
  try {
    for await (const { key, size } of store.list(`${prefix}/`)) {
      if (!key.endsWith('.parquet')) continue
      files++
      bytes += size
    }
  } finally {
    store.close()
  }
  return { files, bytes }
}
