/**
 * The SQL of the latest state against a model of the source: a table that changes, a connector that snapshots it, streams it,
 * reads it again in between, misses changes, loses its place and sends a part twice, over three partitions (SEMANTICS R1.4,
 * R1.12, R1.13, R1.15).
 */
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { latestState } from '../../../scripts/query/latestState.ts'

let duckdb: DuckDBConnection

beforeAll(async () => {
  duckdb = await (await DuckDBInstance.create(':memory:')).connect()
  await duckdb.run('SET threads = 1')
})

interface Sent {
  readonly op: string
  readonly id: number | null
  readonly value: number | null
  readonly commit: number | null
  readonly lsn: number | null
  readonly order: number | null
  readonly partition: number
  readonly snapshot: string | null
}

type Step =
  | { readonly kind: 'transaction'; readonly changes: readonly Change[] }
  /**
   * The rows of some keys are read in between: while it streams (`snapshot=incremental`), or while it waits. A `late` reader
   * still sees what the last transaction deleted, though its deletes were streamed.
   */
  | { readonly kind: 'incremental'; readonly keys: readonly number[]; readonly late: boolean }
  | { readonly kind: 'blocking'; readonly keys: readonly number[] }
  /**
   * The connector has lost its place and some transactions with it: it reads the whole table before it streams on. Where
   * `brokenOff` is set, it first reads so many rows only, and misses the last transaction after that.
   */
  | { readonly kind: 'resnapshot'; readonly missed: readonly (readonly Change[])[]; readonly brokenOff: number }
  /** The connector is set back by so many records, and dies again after some of them. */
  | { readonly kind: 'replay'; readonly records: number; readonly sent: number }

type Change =
  | { readonly kind: 'set' | 'delete'; readonly id: number }
  | { readonly kind: 'move'; readonly id: number; readonly to: number }
  | { readonly kind: 'truncate'; readonly partition: number }

const id = fc.nat({ max: 5 })
/** One in each partition: never deleted for good, so that every snapshot has something to read everywhere. */
const lasting = [6, 7, 8]
const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('set' as const), id }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('delete' as const), id }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('move' as const), id, to: id }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('truncate' as const), partition: fc.nat({ max: 2 }) }) },
)
const changes = fc.array(change, { minLength: 1, maxLength: 6 })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('transaction' as const), changes }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('incremental' as const),
      keys: fc.array(id, { maxLength: 4 }),
      late: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('blocking' as const), keys: fc.uniqueArray(id, { maxLength: 4 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('resnapshot' as const),
      missed: fc.array(changes, { maxLength: 3 }),
      brokenOff: fc.nat({ max: 6 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('replay' as const),
      records: fc.integer({ min: 1, max: 12 }),
      sent: fc.nat({ max: 12 }),
    }),
  },
)

interface History {
  readonly sent: readonly Sent[]
  readonly state: ReadonlyMap<number, number>
}

/** `interrupted`: rows that the first snapshot had read when it was broken off and begun anew. */
function play(rowsBefore: readonly number[], interrupted: number, steps: readonly Step[]): History {
  const state = new Map<number, number>()
  const sent: Sent[] = []
  let clock = 1000
  let values = 0
  let commit: number | null = null
  /** What streamed, in its order: what a replay sends again. */
  let streamed: Sent[] = []
  /** Rows that the last transaction deleted. */
  let deleted = new Map<number, number>()

  const partitionOf = (key: number) => key % 3
  const stream = (op: string, key: number | null, order: number, partition: number, value: number | null) => {
    const record = { op, id: key, value, commit, lsn: (clock += order % 2), order, partition, snapshot: null }
    sent.push(record)
    streamed.push(record)
  }
  const read = (
    keys: readonly number[],
    lsn: number | null,
    mark: (nth: number) => string,
    { after = null, from = state }: { after?: number | null; from?: ReadonlyMap<number, number> } = {},
  ) => {
    for (const [nth, key] of keys.entries()) {
      const value = from.get(key)
      if (value === undefined) continue
      sent.push({ op: 'r', id: key, value, commit: after, lsn, order: null, partition: partitionOf(key), snapshot: mark(nth) })
    }
  }
  const marks = (rows: number) => (nth: number) =>
    nth === rows - 1 ? 'last_in_data_collection' : nth === 0 ? 'first_in_data_collection' : 'true'
  const brokenSnapshot = (rows: number) =>
    read([...state.keys()].slice(0, Math.min(rows, state.size - 1)), clock, marks(Infinity))
  const snapshot = () => {
    commit = null
    streamed = []
    deleted = new Map()
    read([...state.keys()], clock, marks(state.size))
    // A transaction that was under way when the snapshot was taken and committed later: its changes lie before it in the log.
    clock -= 5
  }
  const apply = (changes: readonly Change[], seen = true) => {
    clock += 3
    deleted = new Map()
    let order = 0
    const tell = (...record: Parameters<typeof stream>) => void (seen && stream(...record))
    const put = (op: string, key: number) => {
      state.set(key, ++values)
      tell(op, key, ++order, partitionOf(key), values)
    }
    const remove = (key: number) => {
      if (!state.has(key)) return
      deleted.set(key, state.get(key)!)
      state.delete(key)
      tell('d', key, ++order, partitionOf(key), null)
    }
    for (const each of changes) {
      if (each.kind === 'set') put(state.has(each.id) ? 'u' : 'c', each.id)
      else if (each.kind === 'delete') remove(each.id)
      else if (each.kind === 'move' && state.has(each.id) && !state.has(each.to)) {
        remove(each.id)
        put('c', each.to)
      } else if (each.kind === 'truncate') {
        clock++
        tell('t', null, ++order, each.partition, null)
        state.clear()
        // Nobody reads a table while it is truncated.
        deleted.clear()
        for (const key of lasting) put('c', key)
      }
    }
    clock += 10
    if (seen) commit = clock
  }

  for (const key of [...rowsBefore, ...lasting]) state.set(key, ++values)
  brokenSnapshot(interrupted)
  clock += 7
  snapshot()
  for (const each of steps) {
    if (each.kind === 'transaction') apply(each.changes)
    else if (each.kind === 'incremental') {
      read(each.keys, null, () => 'incremental', each.late ? { from: new Map([...deleted, ...state]) } : {})
    } else if (each.kind === 'blocking') {
      const living = each.keys.filter((key) => state.has(key))
      if (commit !== null) read(living, commit, marks(living.length), { after: commit })
    } else if (each.kind === 'replay') sent.push(...streamed.slice(-each.records).slice(0, each.sent))
    else {
      clock += 20
      for (const missed of each.missed.slice(0, -1)) apply(missed, false)
      brokenSnapshot(each.brokenOff)
      for (const missed of each.missed.slice(-1)) apply(missed, false)
      clock += 7
      snapshot()
    }
  }
  apply(lasting.map((key) => ({ kind: 'set', id: key })))
  return { sent, state }
}

async function stateBySql(sent: readonly Sent[], shuffle: readonly number[]): Promise<Map<number, number>> {
  const offsets = [0, 0, 0]
  const rows = sent.map(({ op, id: key, value, commit, lsn, order, partition, snapshot }) => {
    const offset = offsets[partition]!++
    const cells = [key, value, `'${op}'`, op === 'd', 0, commit, lsn, order, partition, offset, snapshot && `'${snapshot}'`, null]
    return `(${cells.map((cell) => cell ?? 'NULL').join(', ')})`
  })
  // The table has no order of its own.
  const order = rows.map((row, i) => ({ row, at: shuffle[i % shuffle.length]! + i * 0.001 })).sort((a, b) => a.at - b.at)
  await duckdb.run(`CREATE OR REPLACE TABLE log (id BIGINT, value BIGINT, __op VARCHAR, __deleted BOOLEAN, __epoch INTEGER,
    __commit_lsn BIGINT, __lsn BIGINT, __tx_order BIGINT, __kafka_partition INTEGER, __kafka_offset BIGINT, __snapshot VARCHAR,
    __unchanged_toast VARCHAR[])`)
  if (rows.length > 0) await duckdb.run(`INSERT INTO log VALUES ${order.map(({ row }) => row).join(', ')}`)
  const columns = ['id', 'value'].map((name) => ({ name, type: 'BIGINT' }))
  const found = await duckdb.runAndReadAll(latestState('log', columns, ['id']))
  return new Map(found.getRows().map(([key, value]) => [Number(key), Number(value)]))
}

function withoutTruncates(step: Step): Step {
  const kept = (all: readonly Change[]) => all.filter(({ kind }) => kind !== 'truncate')
  if (step.kind === 'transaction') return { ...step, changes: kept(step.changes) }
  return step.kind === 'resnapshot' ? { ...step, missed: step.missed.map(kept) } : step
}

describe('the latest state', () => {
  test('is the source at its end, whatever was read again, sent again, moved or truncated', { timeout: 120_000 }, async () => {
    const keys = fc.uniqueArray(id)
    const shuffle = fc.array(fc.nat({ max: 1000 }), { minLength: 1, maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(keys, fc.nat({ max: 4 }), fc.array(step, { maxLength: 12 }), shuffle, async (rows, broken, steps, mix) => {
        const { sent, state } = play(rows, broken, steps)
        const found = await stateBySql(sent, mix)
        expect([...found].sort()).toEqual([...state].sort())
      }),
      { numRuns: 100 },
    )
  })

  test(
    'never lacks a key that lived all the time, however far each partition has been carried',
    { timeout: 120_000 },
    async () => {
      const progress = fc.tuple(...lasting.map(() => fc.nat({ max: 40 })))
      await fc.assert(
        fc.asyncProperty(fc.uniqueArray(id), fc.array(step, { maxLength: 12 }), progress, async (rows, steps, most) => {
          const far = [0, 0, 0]
          const carried = play(rows, 0, steps.map(withoutTruncates)).sent.filter(
            ({ partition }) => far[partition]!++ < most[partition]!,
          )
          const found = await stateBySql(carried, [0])
          expect(lasting.filter((key) => carried.some(({ id }) => id === key) && !found.has(key))).toEqual([])
        }),
        { numRuns: 40 },
      )
    },
  )

  test('of a hundred rows, a truncate and five more is five rows, whichever partition the truncate stands in', async () => {
    const set = (from: number, count: number) => Array.from({ length: count }, (_, i) => ({ kind: 'set' as const, id: from + i }))
    for (const partition of [0, 1, 2]) {
      for (const transactions of [
        [set(0, 100), [{ kind: 'truncate' as const, partition }], set(50, 5)],
        [set(0, 100), [{ kind: 'truncate' as const, partition }, ...set(50, 5)]],
      ]) {
        const steps = transactions.map((changes) => ({ kind: 'transaction' as const, changes }))
        const found = [...(await stateBySql(play([], 0, steps).sent, [0])).keys()]
        expect(found.filter((key) => !lasting.includes(key)).sort()).toEqual([50, 51, 52, 53, 54])
      }
    }
  })

  test('has rows that a new snapshot found after a truncate, though nothing of theirs was streamed', async () => {
    const row = (op: string, key: number | null, commit: number | null, lsn: number, partition: number): Sent => {
      return { op, id: key, value: key, commit, lsn, order: op === 'r' ? null : 1, partition, snapshot: null }
    }
    const before = [row('c', 0, 10, 20, 0), row('c', 1, 30, 40, 1), row('t', null, 50, 60, 2)]
    expect([...(await stateBySql(before, [0])).keys()]).toEqual([])
    expect([...(await stateBySql([...before, row('r', 3, null, 80, 0)], [0])).keys()]).toEqual([3])
    // A snapshot that was taken before the truncate.
    expect([...(await stateBySql([row('r', 3, null, 15, 0), ...before], [0])).keys()]).toEqual([])
  })

  test('of 8,000 updates of one row in one transaction is the last of them', async () => {
    const changes = Array.from({ length: 8000 }, () => ({ kind: 'set' as const, id: 1 }))
    const { sent, state } = play([1], 0, [{ kind: 'transaction', changes }])
    const sameLsn = sent.map((record) => (record.op === 'u' ? { ...record, lsn: 2000 } : record))
    expect(await stateBySql(sameLsn, [5, 3, 9, 1])).toEqual(state)
  })
})
