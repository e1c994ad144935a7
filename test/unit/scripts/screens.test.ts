/** Screens of the command line, each as a file to look at. */
import { describe, expect, test } from 'vitest'
import { catalogScreen, resultScreen } from '../../../scripts/query/screens.ts'
import { bytes, flushScreen, listScreen, span, statusScreen, type Shown } from '../../../scripts/table/screens.ts'
import type { TableStatus } from '../../../src/core/tableState.ts'

const now = Date.parse('2026-11-25T12:00:00Z')
const flowing: TableStatus = {
  table: 'public.flights',
  health: 'running',
  block: null,
  positions: [
    { partition: 0, base: '9007199254740123', seen: '9007199254740990', day: 20_782 },
    { partition: 1, base: '0', seen: '0', day: 20_781 },
  ],
  rows: 1_234_567,
  batches: 89,
  bytes: 98_765_432,
  quarantined: 0,
  lastCommit: { version: 91, at: '2026-11-25T11:59:56Z' },
  lag: { records: 1200, held: 0, heldSince: null },
  limits: null,
  startedAt: '2026-11-24T09:00:00Z',
  since: '2026-11-24T09:00:01Z',
}
const workflowId = 'tableCdc/airline/public.flights'
const blocked: TableStatus = {
  ...flowing,
  health: 'blocked',
  block: {
    code: 'CDC2004',
    message: 'CDC2004 partition 0 of airline.public.flights begins at 500, the table stands at 120',
    hint: 'Raise retention, then resume.',
    details: { partition: 0, position: '120', low: '500' },
    since: '2026-11-25T11:00:00Z',
  },
  since: '2026-11-25T11:00:00Z',
}
const young: TableStatus = {
  ...flowing,
  positions: [],
  rows: 0,
  batches: 0,
  bytes: 0,
  lastCommit: null,
  lag: { ...flowing.lag, records: 0 },
}

async function shows(name: string, screen: string): Promise<void> {
  await expect(`${screen}\n`).toMatchFileSnapshot(`../../golden/screens/${name}.txt`)
}

describe('a status', () => {
  const screen = (shown: Partial<Shown>) => statusScreen({ workflowId, status: flowing, retrying: null, ...shown }, now)

  test('of a table that flows has its position in each partition, its lag and its last commit', () => shows('status', screen({})))
  test('of a blocked table begins with what happened and what to do', () => shows('status-blocked', screen({ status: blocked })))
  test('of a table that tries again and again says what it tries', () => {
    const retrying = {
      activity: 'openTable',
      attempt: 7,
      message: 'CDC2002 topic a.public.f does not exist',
      hint: 'Check the connector.',
    }
    return shows('status-trying', screen({ status: young, retrying }))
  })
  test('of a table whose records are held back says by what, and since when', () => {
    const lag = { records: 0, held: 35, heldSince: '2026-11-25T11:56:00Z' }
    return shows('status-held', screen({ status: { ...flowing, lag } }))
  })
  test('of a block without a code of ours points to no page', () => {
    const block = { ...blocked.block!, code: 'unknown', details: {} }
    expect(screen({ status: { ...blocked, block } })).not.toContain('docs/errors.md')
  })
})

test('a list has one line a table, those that do not answer too', () =>
  shows(
    'list',
    listScreen(
      [
        { table: 'public.bookings', workflowId: 'b', status: blocked, problem: null },
        { table: 'public.flights', workflowId, status: flowing, problem: null },
        { table: 'sales.orders', workflowId: 'c', status: null, problem: 'its workflow has ended' },
      ],
      'airline',
      now,
    ),
  ))

test('an empty list says how to start', () => {
  expect(listScreen([], 'airline', now)).toBe(
    'No table of pipeline airline is carried. Start one: npm run table -- start <table>',
  )
})

test('a flush tells what was committed for it', async () => {
  await shows('flush', flushScreen({ ...flowing, rows: flowing.rows + 1024 }, flowing))
  expect(flushScreen(flowing, flowing)).toContain('nothing was waiting')
})

test('spans are told in their two largest units', () => {
  const spans = [-5, 0, 59_999, 60_000, 3_599_999, 3_600_000, 86_399_999, 90_000_000].map(span)
  expect(spans).toEqual(['0 s', '0 s', '59 s', '1 min', '59 min', '1 h 0 min', '23 h 59 min', '1 d 1 h'])
})

test('sizes are told in decimal units', () => {
  expect([0, 999, 1000, 1_234_567, 5e12, 7e15].map(bytes)).toEqual([
    '0 bytes',
    '999 bytes',
    '1.0 kB',
    '1.2 MB',
    '5.0 TB',
    '7000.0 TB',
  ])
})

describe('a query', () => {
  test('shows numbers to the right, text to the left, NULL as such, and long or broken text in one line', () => {
    const columns = [
      { name: 'id', type: 'BIGINT' },
      { name: 'note', type: 'VARCHAR' },
      { name: 'price', type: 'DECIMAL(18,2)' },
    ]
    const rows = [
      ['9223372036854775807', 'two\nlines', '1.50'],
      ['1', 'x'.repeat(100), null],
      ['22', null, '1000.00'],
    ]
    return shows('query', resultScreen(columns, rows, 1000))
  })

  test('says so where not all rows are shown', () => {
    const screen = resultScreen([{ name: 'n', type: 'BIGINT' }], [['1'], ['2'], ['3']], 2)
    expect(screen).toBe('n\n1\n2\n\nmore than 2 rows\n(only the first 2 rows; --json has all)')
  })

  test('without SQL lists tables, columns and how many rows they have', () => {
    const columns = [
      { name: 'flight_id', type: 'BIGINT', key: true },
      { name: 'departs_at', type: 'TIMESTAMP', key: false },
    ]
    const flights = {
      database: 'airline',
      schema: 'public',
      table: 'flights',
      url: 's3://lake/airline/public/flights',
      changes: 1559,
      rows: 500,
      whyNot: null,
      columns,
    }
    return shows(
      'query-catalog',
      catalogScreen([
        flights,
        { ...flights, table: 'log', url: 's3://lake/airline/public/log', rows: null, whyNot: 'it has no key' },
      ]),
    )
  })
})
