/** Every type that Debezium carries, through the whole pipeline, read back by three readers that are not ours. */
import { expect, test } from 'vitest'
import { roundtrip } from '../../scripts/roundtrip/roundtrip.ts'
import { stackFacts } from './harness.ts'

test('each value of every type is in the lake what PostgreSQL says, by DuckDB, pyarrow and deltalake', async () => {
  const report = await roundtrip(stackFacts(), { rows: 1500, seed: 20_261_125, progress: () => undefined })
  expect(report.changes).toBeGreaterThan(2000)
  const read = { rows: report.changes, missing: 0, surplus: 0, differences: {} }
  expect(report.readers).toEqual({ duckdb: read, pyarrow: read, deltalake: read })
  expect(report.equal).toBe(true)
}, 900_000)
