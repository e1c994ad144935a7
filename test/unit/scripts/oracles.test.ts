/** Each oracle of chaos sees what it is there for: a lake that is right passes, and one with a single flaw does not. */
import { Readable } from 'node:stream'
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { tellingRuns } from '../../../scripts/chaos/oracles/histories.ts'
import { entryOf, wrongOffsets, wrongRanges, type LoggedEntry } from '../../../scripts/chaos/oracles/log.ts'
import { numbersIn, wrongNumbers } from '../../../scripts/chaos/oracles/numbers.ts'
import { backwards } from '../../../scripts/chaos/oracles/order.ts'
import { wrongSums, type BalanceRow } from '../../../scripts/chaos/oracles/sums.ts'
import { compareSides, type Querying } from '../../../scripts/verify/compare.ts'
import { lakeSides } from '../../../scripts/verify/sides.ts'

let duckdb: DuckDBConnection
const lake: Querying = {
  run: async (sql) => void (await duckdb.run(sql)),
  async rows(sql) {
    const result = await duckdb.runAndReadAll(sql)
    const names = result.columnNames()
    return result
      .getRows()
      .map((row) => Object.fromEntries(names.map((name, i) => [name, row[i] === null ? null : String(row[i])])))
  },
}

beforeAll(async () => {
  duckdb = await (await DuckDBInstance.create(':memory:')).connect()
  await duckdb.run('SET threads = 1')
})

describe('the comparison with the journal', () => {
  const key = { table: 't', key: ['id'] }
  /** Transaction, op, id, n, body. The lake has the same, each at the next offset; updates of 1 and 3 leave the body untold. */
  const changes: readonly (readonly [tx: number | null, op: string, id: number | null, n: number | null, body: string | null])[] =
    [
      [null, 'r', 1, 0, 'a'],
      [null, 'r', 2, 0, 'b'],
      [700, 'u', 1, 1, 'a'],
      [701, 'd', 2, null, null],
      [701, 'c', 2, 5, 'c'],
      [702, 't', null, null, null],
      [703, 'c', 3, 0, 'd'],
      [703, 'u', 3, 1, 'd'],
      [704, 'c', 4, 0, 'e'],
      [705, 'u', 4, 1, 'e'],
    ]

  beforeEach(async () => {
    const user = 'id BIGINT, n BIGINT, body VARCHAR'
    const metadata = `__op VARCHAR, __deleted BOOLEAN, __epoch INTEGER, __commit_lsn BIGINT, __lsn BIGINT, __tx_id BIGINT, __tx_order BIGINT,
      __kafka_partition INTEGER, __kafka_offset BIGINT, __snapshot VARCHAR, __unchanged_toast VARCHAR[], filename VARCHAR`
    await duckdb.run(`CREATE OR REPLACE TABLE journal (${user}, journal_op VARCHAR, journal_tx BIGINT, journal_seq BIGINT)`)
    await duckdb.run(`CREATE OR REPLACE TABLE state (${user}); INSERT INTO state VALUES (3, 1, 'd'), (4, 1, 'e')`)
    for (const side of lakeSides) await duckdb.run(`CREATE OR REPLACE TABLE ${side} (${user}, ${metadata})`)
    const sql = (value: string | number | boolean | null) => (typeof value === 'string' ? `'${value}'` : String(value))
    for (const [at, [tx, op, id, n, body]] of changes.entries()) {
      await duckdb.run(`INSERT INTO journal VALUES (${[id, n, body, op, tx, at].map(sql).join(', ')})`)
      const untold = op === 'u' && id !== 4
      const place = tx === null ? [null, 10, null, null] : [tx * 10 + 9, tx * 10, tx, at]
      const row = [id, n, untold ? null : body, op, op === 'd', 0, ...place, 0, at, tx === null ? 'true' : null].map(sql)
      row.push(untold ? `['body']` : 'NULL', `'data/one.parquet'`)
      for (const side of lakeSides) await duckdb.run(`INSERT INTO ${side} VALUES (${row.join(', ')})`)
    }
  })

  const flawless = { missing: 0, surplus: 0, misplaced: 0, twice: 0 }

  test('finds nothing wrong with a lake that has everything once, truncates and values out of line included', async () => {
    const expected = { delta: flawless, glob: flawless, stateMissing: 0, stateSurplus: 0, equal: true }
    expect(await compareSides(lake, key)).toMatchObject(expected)
    expect(await lake.rows(backwards('lake_glob', ['id']))).toEqual([])
  })

  test('does not mind rows that a snapshot read again', async () => {
    await duckdb.run(`INSERT INTO lake_delta SELECT * REPLACE (__kafka_offset + 100 AS __kafka_offset, 'incremental' AS __snapshot)
      FROM lake_delta WHERE __op = 'r'`)
    expect((await compareSides(lake, key)).delta).toEqual({ ...flawless, found: changes.length })
  })

  const flaws: Readonly<Record<string, readonly [sql: string, seen: object]>> = {
    'a row that is missing': [
      'DELETE FROM lake_glob WHERE __kafka_offset = 8',
      { glob: { missing: 1, surplus: 0, misplaced: 0 } },
    ],
    'a row that is there twice': [
      'INSERT INTO lake_delta SELECT * FROM lake_delta WHERE __kafka_offset = 9',
      { delta: { surplus: 1, missing: 0, twice: 1 } },
    ],
    'a row that was sent twice': [
      'INSERT INTO lake_delta SELECT * REPLACE (50 AS __kafka_offset) FROM lake_delta WHERE __kafka_offset = 9',
      { delta: { surplus: 1, missing: 0, twice: 0 } },
    ],
    'a wrong value': [
      'UPDATE lake_delta SET n = 7 WHERE __kafka_offset = 9',
      { delta: { surplus: 1, missing: 1 }, stateMissing: 1 },
    ],
    'the wrong value out of line': [
      `UPDATE lake_delta SET body = 'x' WHERE __kafka_offset = 6`,
      { delta: { surplus: 2, missing: 2 }, stateSurplus: 1 },
    ],
    'a row of a transaction that was rolled back': [
      'INSERT INTO lake_delta SELECT * REPLACE (9 AS id, 50 AS __kafka_offset) FROM lake_delta WHERE __kafka_offset = 8',
      { delta: { surplus: 1, missing: 0 }, stateSurplus: 1 },
    ],
    'two changes of a key that have changed places': [
      'UPDATE lake_delta SET __commit_lsn = CASE __kafka_offset WHEN 8 THEN 8000 ELSE 7000 END WHERE id = 4',
      { delta: { misplaced: 2, surplus: 0, missing: 0 } },
    ],
    'a truncate that is missing': [`DELETE FROM lake_delta WHERE __op = 't'`, { delta: { missing: 1 }, stateSurplus: 2 }],
  }
  test.each(Object.entries(flaws))('finds %s', async (_flaw, [sql, seen]) => {
    await duckdb.run(sql)
    expect(await compareSides(lake, key)).toMatchObject({ ...seen, equal: false })
  })

  test('finds a key whose offsets go back', async () => {
    await duckdb.run('UPDATE lake_glob SET __kafka_offset = 2 WHERE __kafka_offset = 9')
    expect(await lake.rows(backwards('lake_glob', ['id']))).toMatchObject([{ id: '4', offset: '2', before: '8', partition: '0' }])
  })
})

describe('the numbers of the writers', () => {
  const writers = [{ writer: 1, committed: 3, tried: 4 }]
  const numbers = (...of: number[]) => of.map((number) => ({ writer: 1, number, times: 1, doomed: false }))

  test('are all there, each once', () => expect(wrongNumbers(numbers(1, 2, 3), writers)).toEqual({ missing: [], surplus: [] }))

  test('are missed where one is not there', () => expect(wrongNumbers(numbers(1, 3), writers).missing).toHaveLength(1))

  test.each([
    ['twice', { number: 3, times: 2, doomed: false }],
    ['beyond the last that was committed', { number: 4, times: 1, doomed: false }],
    ['rolled back', { number: 3, times: 1, doomed: true }],
  ])('are too many where one is there that is %s', (_why, one) => {
    expect(
      wrongNumbers([...numbers(1, 2), ...(one.number === 4 ? numbers(3) : []), { writer: 1, ...one }], writers).surplus,
    ).toHaveLength(1)
  })

  test('are counted in the lake: reads of a snapshot once, inserts each', async () => {
    await duckdb.run(`CREATE OR REPLACE TABLE lake_delta (writer INTEGER, number BIGINT, doomed BOOLEAN, __op VARCHAR)`)
    await duckdb.run(
      `INSERT INTO lake_delta VALUES (0, 1, false, 'r'), (0, 1, false, 'r'), (1, 1, false, 'c'), (1, 1, false, 'c')`,
    )
    const counted = await lake.rows(`${numbersIn('lake_delta')} ORDER BY writer`)
    expect(counted.map(({ times }) => times)).toEqual(['1', '2'])
  })
})

describe('the sums', () => {
  const row = (tx: string | null, account: string, balance: number): BalanceRow => ({
    op: tx === null ? 'r' : 'u',
    tx,
    account,
    balance,
  })
  const rows = [
    row(null, 'a', 50),
    row(null, 'b', 50),
    row('7', 'a', 40),
    row('7', 'b', 60),
    row('8', 'b', 50),
    row('8', 'a', 50),
  ]
  const ends = new Map([
    ['7', 2],
    ['8', 2],
  ])

  test('hold at each boundary, the snapshot included', () => {
    expect(wrongSums(rows, ends, 100)).toEqual({ boundaries: 3, wrong: [] })
  })

  test.each([
    ['a balance is off', rows.with(3, row('7', 'b', 61)), 'behind transaction 7 the balances add up to 101, not 100'],
    ['half a transaction is missing', rows.toSpliced(3, 1), 'transaction 7 had 2 changes, and 1 are in the lake'],
    ['a whole one is missing', rows.toSpliced(2, 2), 'transaction 7 had 2 changes, and none is in the lake'],
    [
      'another one lies between its halves',
      [...rows.slice(0, 3), ...rows.slice(4), rows[3]!],
      'the changes of transaction 7 do not stand together',
    ],
  ])('do not where %s', (_flaw, flawed, said) => expect(wrongSums(flawed, ends, 100).wrong).toContain(said))
})

describe('the log', () => {
  const entry = (version: number, base: number, link?: { from: number; rows: number; path?: string }): LoggedEntry => {
    const lines: object[] = [
      { commitInfo: {} },
      { txn: { appId: '0/0', version: base } },
      { txn: { appId: '0/0/day', version: 20_000 } },
    ]
    lines.push({ txn: { appId: '0/0/seen', version: base } })
    if (link) {
      const tags = { 'cdc.partition': '0', 'cdc.from': String(link.from), 'cdc.next': String(base) }
      lines.push({ add: { path: link.path ?? `${link.from}.parquet`, stats: JSON.stringify({ numRecords: link.rows }), tags } })
    }
    return entryOf(version, lines.map((line) => JSON.stringify(line)).join('\n') + '\n')
  }
  /** Offset 2 is a tombstone, 3 the end of a transaction. */
  const records = new Map([[0, [0, 1, 4, 5]]])
  const entries = [entry(0, 0), entry(1, 3, { from: 0, rows: 2 }), entry(2, 6, { from: 3, rows: 2 })]
  const rows = [0, 1, 4, 5].map((offset) => ({ path: offset < 3 ? '0.parquet' : '3.parquet', offset }))

  test('is right where ranges join and every record is one row', () => {
    expect(wrongRanges(entries)).toEqual([])
    expect(wrongOffsets(entries, rows, records)).toEqual([])
  })

  test.each([
    ['ranges overlap', [entries[0]!, entries[1]!, entry(2, 6, { from: 2, rows: 2 })], 'overlaps the range up to 3'],
    ['one leaves a gap', [entries[0]!, entries[1]!, entry(2, 6, { from: 4, rows: 2 })], 'leaves a gap behind 3'],
    ['a position is not the end of its range', [entries[0]!, entries[1]!, entry(2, 6)], 'the base of partition 0 is 6'],
    ['a position goes back', [entries[0]!, entries[1]!, entries[2]!, entry(3, 3)], 'went back to 3'],
    ['an entry is missing', [entries[0]!, entries[2]!], 'the log has no entry 1'],
  ])('is wrong where %s', (_flaw, flawed, said) => expect(wrongRanges(flawed).join('\n')).toContain(said))

  test.each([
    ['has no row for a record', rows.slice(1), records, 'no row has offset 0, which Kafka has'],
    ['has a row twice', [...rows, rows[1]!], records, 'offset 1 has a row too many'],
    ['has a row without a record', [...rows, { path: '3.parquet', offset: 3 }], records, 'offset 3 has a row too many'],
    ['has a row in the wrong file', rows.with(0, { path: '3.parquet', offset: 0 }), records, 'no row has offset 0'],
    ['has a file that no entry names', [...rows, { path: '6.parquet', offset: 6 }], records, 'no entry names the file 6.parquet'],
    ['has other rows than the log says', rows.slice(0, 3), records, 'the log says 2 rows, the file has 1'],
    ['ends before Kafka does', rows, new Map([[0, [0, 1, 4, 5, 6]]]), '1 records of Kafka lie in no range, the last one at 6'],
    ['lacks a partition', rows, new Map([...records, [1, [0]]]), 'partition 1: 1 records of Kafka lie in no range'],
  ])('does not account for every offset where the lake %s', (_flaw, flawed, kafka, said) => {
    expect(wrongOffsets(entries, flawed, kafka).join('\n')).toContain(said)
  })
})

describe('the histories', () => {
  test('are searched for values of rows, in plain text and in payloads', async () => {
    const run = (runId: string, history: object) => ({ workflowId: 'w', runId, json: JSON.stringify(history) })
    const payload = (text: string) => ({ payloads: [{ data: Buffer.from(text).toString('base64') }] })
    const runs = [
      run('none', payload('base 17')),
      run('plain', { message: 'not canary!' }),
      run('hidden', payload('{"a":"canary"}')),
    ]
    const told = await tellingRuns(Readable.from(runs), 'canary')
    expect(told.map((text) => /run (\w+)/.exec(text)?.[1])).toEqual(['plain', 'hidden'])
  })
})
