/** The latest state by SQL, told by DuckDB itself over logs of changes made by hand. */
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api'
import { beforeAll, expect, test } from 'vitest'
import { latestState } from '../../../scripts/query/latestState.ts'

let duckdb: DuckDBConnection

beforeAll(async () => {
  duckdb = await (await DuckDBInstance.create(':memory:')).connect()
})

const columns = [
  { name: 'Id "x"', type: 'BIGINT' },
  { name: 'note', type: 'VARCHAR' },
  { name: '__op', type: 'VARCHAR' },
]

interface Change {
  readonly op: string
  readonly id: number | null
  readonly note?: string
  readonly lsn: number | null
  readonly order?: number
  readonly toast?: boolean
}

async function state(changes: readonly Change[]): Promise<unknown[]> {
  await duckdb.run(`CREATE OR REPLACE TABLE log ("Id ""x""" BIGINT, note VARCHAR, __op VARCHAR, __deleted BOOLEAN, __epoch INTEGER,
    __commit_lsn BIGINT, __lsn BIGINT, __tx_order BIGINT, __kafka_partition INTEGER, __kafka_offset BIGINT, __snapshot VARCHAR,
    __unchanged_toast VARCHAR[])`)
  for (const [at, { op, id, note, lsn, order, toast }] of changes.entries()) {
    const offset = op === 'r' ? at : 1000 - at
    const values = [
      id,
      note === undefined ? null : `'${note}'`,
      `'${op}'`,
      op === 'd',
      0,
      lsn,
      lsn,
      order ?? null,
      0,
      offset,
      null,
    ]
    await duckdb.run(
      `INSERT INTO log VALUES (${values.map((value) => value ?? 'NULL').join(', ')}, ${toast ? "['note']" : 'NULL'})`,
    )
  }
  const read = await duckdb.runAndReadAll(`${latestState('log', columns, ['Id "x"'])} ORDER BY 1`)
  return read.getRowsJson()
}

test('the newest change of each key counts, by the order of the database and not of Kafka', async () => {
  const changes: Change[] = [
    { op: 'r', id: 1, note: 'snapshot', lsn: null },
    { op: 'u', id: 1, note: 'second', lsn: 20 },
    { op: 'u', id: 1, note: 'first', lsn: 10 },
    { op: 'c', id: 2, note: 'b', lsn: 10, order: 2 },
    { op: 'u', id: 2, note: 'a', lsn: 10, order: 1 },
  ]
  expect(await state(changes)).toEqual([
    ['1', 'second'],
    ['2', 'b'],
  ])
})

test('a deleted key is gone, and back again when it was inserted later', async () => {
  const changes: Change[] = [
    { op: 'c', id: 1, note: 'a', lsn: 1 },
    { op: 'd', id: 1, lsn: 2 },
    { op: 'c', id: 2, note: 'b', lsn: 1 },
    { op: 'd', id: 2, lsn: 2 },
    { op: 'c', id: 2, note: 'again', lsn: 3 },
  ]
  expect(await state(changes)).toEqual([['2', 'again']])
})

test('a truncate takes away what stands before it and nothing else', async () => {
  const changes: Change[] = [
    { op: 'r', id: 1, note: 'snapshot', lsn: null },
    { op: 'c', id: 2, note: 'before', lsn: 4 },
    { op: 't', id: null, lsn: 5, order: 2 },
    { op: 'c', id: 3, note: 'same transaction, earlier', lsn: 5, order: 1 },
    { op: 'c', id: 4, note: 'after', lsn: 5, order: 3 },
  ]
  expect(await state(changes)).toEqual([['4', 'after']])
})

test('a large value that an update did not touch comes from the change that has it', async () => {
  const changes: Change[] = [
    { op: 'c', id: 1, note: 'large', lsn: 1 },
    { op: 'u', id: 1, lsn: 2, toast: true },
    { op: 'u', id: 1, lsn: 3, toast: true },
    { op: 'c', id: 2, note: 'large', lsn: 1 },
    { op: 'u', id: 2, lsn: 2 },
  ]
  expect(await state(changes)).toEqual([
    ['1', 'large'],
    ['2', null],
  ])
})
