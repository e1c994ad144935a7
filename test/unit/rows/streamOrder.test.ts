import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ChangeEvent } from '../../../src/core/events.ts'
import { StreamOrder } from '../../../src/rows/streamOrder.ts'

type Place = readonly [commit: number | null, lsn: number | null, order: number | null]

function event([commit, lsn, order]: Place, rest: Partial<ChangeEvent> = {}): ChangeEvent {
  const big = (n: number | null) => (n === null ? null : BigInt(n))
  return {
    op: 'u',
    image: null,
    key: ['id'],
    sourceTsUs: 0,
    commitLsn: big(commit),
    lsn: big(lsn),
    txId: 1n,
    txOrder: big(order),
    snapshot: null,
    ...rest,
  }
}

function count(events: readonly ChangeEvent[], high: string | null = null) {
  const order = new StreamOrder(high)
  for (const each of events) order.add(each)
  return order.soFar
}

/** A stream as Debezium sends it: transactions in the order of their commits, changes in order inside each. */
const streams = fc
  .array(fc.array(fc.nat({ max: 2 }), { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 6 })
  .map((transactions) => {
    let lsn = 100
    let commit: number | null = null
    return transactions.flatMap((steps) => {
      const events = steps.map((step, i) => event([commit, (lsn += step), i + 1]))
      commit = lsn += 8
      lsn += 1
      return events
    })
  })

describe('the order of streamed events', () => {
  test('counts nothing in a stream that was sent once, whatever shares an LSN', () => {
    fc.assert(
      fc.property(streams, (stream) => {
        expect(count(stream)).toMatchObject({ replayed: 0, resnapshot: 0 })
      }),
    )
  })

  test('counts exactly the events that were sent again, wherever the replay begins and the links are cut', () => {
    fc.assert(
      fc.property(streams, fc.nat(), fc.nat(), fc.nat(), (stream, a, b, c) => {
        const crash = 1 + (a % stream.length)
        const back = b % crash
        const sent = [...stream.slice(0, crash), ...stream.slice(back)]
        const cut = c % sent.length
        const first = count(sent.slice(0, cut))
        const second = count(sent.slice(cut), first.high)
        expect(first.replayed + second.replayed).toBe(crash - back)
        expect(second.high).toBe(count(stream).high)
      }),
    )
  })

  test('takes COPY rows, which share one LSN, for what they are: new ones by their order, ordinary where there is none', () => {
    const copy = (ordered: boolean) => Array.from({ length: 1000 }, (_, i) => event([10, 20, ordered ? i + 1 : null]))
    expect(count(copy(true)).replayed).toBe(0)
    expect(count([...copy(true), ...copy(true).slice(500)]).replayed).toBe(500)
    expect(count(copy(false)).replayed).toBe(0)
    expect(count([...copy(false), event([9, 19, null])]).replayed).toBe(1)
  })

  test('counts a replay even where the connector has learned the last commit meanwhile', () => {
    expect(count([event([null, 50, 1]), event([null, 51, 2]), event([40, 50, 1]), event([40, 51, 2])]).replayed).toBe(2)
  })

  test('sees a database that went back', () => {
    expect(count([event([500, 510, 1]), event([100, 110, 1]), event([110, 120, 1])])).toEqual({
      high: '500/510/1',
      replayed: 2,
      resnapshot: 0,
    })
  })

  test('counts rows of a full snapshot once streaming has begun, in this link or in the chain before; incremental ones never', () => {
    const read = event([null, 5, null], { op: 'r', snapshot: 'true' })
    const incremental = event([null, null, null], { op: 'r', snapshot: 'incremental' })
    expect(count([read, read, event([null, 6, 1]), incremental])).toMatchObject({ resnapshot: 0, replayed: 0 })
    expect(count([event([null, 6, 1]), read, incremental, read])).toMatchObject({ resnapshot: 2, replayed: 0 })
    expect(count([read], '6/6/1')).toEqual({ high: '6/6/1', replayed: 0, resnapshot: 1 })
  })

  test('leaves the greatest place as it was where nothing streams', () => {
    expect(count([]).high).toBeNull()
    expect(count([event([null, 5, null], { op: 'r', snapshot: 'first' })]).high).toBeNull()
    expect(count([event([null, null, null])], '7/8/9').high).toBe('7/8/9')
  })
})
