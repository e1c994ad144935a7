import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { endsOf } from '../../../src/core/batchPlan.ts'
import type { Position, Receipt } from '../../../src/core/receipts.ts'
import { parseInput } from '../../../src/core/tableInput.ts'
import {
  advance,
  changed,
  committed,
  follow,
  healthOf,
  looked,
  newState,
  reached,
  statusOf,
  upgradeState,
  type TableState,
} from '../../../src/core/tableState.ts'
import { receiptOf } from '../../fakes/rooms.ts'

const at = '2026-11-25T12:00:00.000Z'
const position = (partition: number, base: string, seen = base): Position => ({ partition, base, seen, day: 20_000 })
const receipt = (partition: number, base: string, next: string): Receipt =>
  receiptOf({ epoch: 0, partition, base, from: base, day: 20_000 }, next)
const nothingKept = (partition: number, base: string, next: string): Receipt => ({
  ...receipt(partition, base, next),
  link: null,
})

const state: fc.Arbitrary<TableState> = fc.record({
  v: fc.constant(1 as const),
  startedAt: fc.constant(at),
  paused: fc.boolean(),
  stopped: fc.boolean(),
  block: fc.option(
    fc.record({
      code: fc.constant('CDC4002'),
      message: fc.string(),
      hint: fc.string(),
      details: fc.dictionary(fc.string(), fc.jsonValue()),
      since: fc.constant(at),
    }),
  ),
  limits: fc.record({ maxRows: fc.nat() }, { requiredKeys: [] }),
  positions: fc.array(fc.tuple(fc.nat(9), fc.nat()).map(([p, n]) => position(p, String(n)))),
  ends: fc.array(fc.record({ partition: fc.nat(9), end: fc.nat().map(String) })),
  heldSince: fc.option(fc.constant(at)),
  rows: fc.nat(),
  batches: fc.nat(),
  bytes: fc.nat(),
  quarantined: fc.nat(),
  lastCommit: fc.option(fc.record({ version: fc.nat(), at: fc.constant(at) })),
  since: fc.constant(at),
})

describe('the state', () => {
  test('is plain JSON: a round trip through a history changes nothing', () => {
    fc.assert(
      fc.property(state, (state) => {
        const carried = JSON.parse(JSON.stringify({ table: 'flights', state })) as unknown
        expect(parseInput(carried).state).toEqual(JSON.parse(JSON.stringify(state)))
      }),
    )
    expect(JSON.parse(JSON.stringify(newState(at)))).toEqual(newState(at))
  })

  test('of an unknown version is refused', () => {
    for (const wrong of [{ v: 2 }, {}, null, 'text', 1]) expect(() => upgradeState(wrong)).toThrow(/^CDC1001 state of version/)
  })

  test('notes when the health turned, and only then', () => {
    const running = newState(at)
    const paused = changed(running, { paused: true }, 'later')
    expect([healthOf(paused), paused.since]).toEqual(['paused', 'later'])
    expect(changed(paused, { limits: { maxRows: 1 } }, 'even later').since).toBe('later')
    expect(healthOf({ ...paused, block: { code: 'CDC4002', message: '', hint: '', details: {}, since: at } })).toBe('blocked')
    expect(healthOf({ ...paused, stopped: true })).toBe('stopped')
  })

  test('takes its positions from the commit and adds up what was carried', () => {
    const done = { version: 7, positions: [position(0, '9')], rows: 3, bytes: 30, newestSourceTs: null }
    const once = committed(newState(at), done, 'later')
    const twice = committed(once, { ...done, version: 8, positions: [position(0, '12')] }, 'last')
    expect(twice).toMatchObject({ rows: 6, bytes: 60, batches: 2, lastCommit: { version: 8, at: 'last' } })
    const ends = [{ partition: 0, end: '20' }]
    expect(statusOf('public.flights', { ...twice, ends }, null)).toMatchObject({ health: 'running', lag: { records: 8 } })
  })
})

describe('records behind a transaction that is still open', () => {
  const held = (end: string, high: string) => [
    { partition: 0, end: '7' },
    { partition: 1, end, high },
  ]

  test('are counted beside the lag, with the time since when the same transaction holds them back', () => {
    const first = looked(newState(at), held('20', '25'), 'first')
    const later = looked(first, held('20', '40'), 'later')
    expect(statusOf('t', later, null).lag).toEqual({ records: 27, held: 20, heldSince: 'first' })
    const another = looked(later, held('40', '41'), 'last')
    expect(statusOf('t', another, null).lag).toEqual({ records: 47, held: 1, heldSince: 'last' })
    expect(looked(another, [{ partition: 1, end: '41' }], 'over').heldSince).toBeNull()
  })

  test('are what lies between the stable offset and the high watermark', () => {
    const marks = [
      { partition: 0, low: 0n, stable: 7n, high: 7n },
      { partition: 1, low: 0n, stable: 20n, high: 25n },
    ]
    expect(endsOf(marks)).toEqual(held('20', '25'))
  })
})

describe('positions', () => {
  test('advance to the end of each link; a range with nothing to keep moves only what was seen', () => {
    const before = [position(0, '5'), position(1, '5'), position(2, '5', '8')]
    expect(advance(before, [receipt(0, '5', '9'), nothingKept(1, '5', '7')])).toEqual([
      position(0, '9'),
      position(1, '5', '7'),
      position(2, '5', '8'),
    ])
    const dayTurn = { ...receipt(2, '5', '5'), link: receipt(2, '5', '6').link, nextDay: 20_001 }
    expect(advance(before, [dayTurn])[2]).toEqual({ partition: 2, base: '5', seen: '8', day: 20_001 })
  })

  test('a receipt follows only from the base that the table has', () => {
    const receipts = [receipt(0, '5', '9'), receipt(1, '5', '9'), receipt(7, '0', '1')]
    expect(follow(receipts, [position(0, '5'), position(1, '6')])).toEqual([receipts[0]])
  })

  test('have reached an end when everything below it was carried or seen', () => {
    const ends = [
      { partition: 0, end: '9' },
      { partition: 1, end: '0' },
    ]
    expect(reached([position(0, '5', '9')], ends)).toBe(true)
    expect(reached([position(0, '8'), position(1, '3')], ends)).toBe(false)
  })
})

describe('the input', () => {
  test('names every problem and the known fields', () => {
    expect(() => parseInput({ tabel: 'flights', rows: 3 })).toThrow(
      'unknown field "tabel"; unknown field "rows"; table is missing; known fields: table',
    )
    for (const wrong of [undefined, null, [], 'flights', 3]) expect(() => parseInput(wrong)).toThrow(/^CDC1001 .*one JSON object/)
    expect(() => parseInput({ table: 5 })).toThrow('table must be text, got number')
    expect(parseInput({ table: 'flights' })).toEqual({ table: 'flights' })
  })
})
