/** Latest states of tables whose columns were renamed, retyped or given defaults, told by DuckDB over logs made by hand. */
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api'
import { beforeAll, describe, expect, test } from 'vitest'
import { latestState } from '../../../scripts/query/latestState.ts'
import { storyOf, whyNoLatestState } from '../../../scripts/query/story.ts'
import type { ColumnStory, LakeColumn } from '../../../scripts/query/today.ts'

let duckdb: DuckDBConnection

beforeAll(async () => {
  duckdb = await (await DuckDBInstance.create(':memory:')).connect()
})

interface Change {
  readonly op: string
  readonly lsn: number | null
  readonly untold?: string
  readonly values: Readonly<Record<string, string | number>>
}

const change = (op: string, lsn: number | null, values: Change['values'], untold?: string): Change => ({
  op,
  lsn,
  values,
  ...(untold !== undefined && { untold }),
})

/** Rows of the latest state by their id, each as an object without its NULLs. */
async function state(
  types: Readonly<Record<string, string>>,
  changes: readonly Change[],
  story: ColumnStory,
  key = ['id'],
): Promise<Record<string, unknown>[]> {
  const columns: LakeColumn[] = Object.entries(types).map(([name, type]) => ({ name, type }))
  const typed = columns.map(({ name, type }) => `"${name}" ${type}`).join(', ')
  await duckdb.run(`CREATE OR REPLACE TABLE log (${typed}, __op VARCHAR, __deleted BOOLEAN, __snapshot VARCHAR, __epoch INTEGER, __commit_lsn BIGINT,
    __lsn BIGINT, __tx_order BIGINT, __kafka_partition INTEGER, __kafka_offset BIGINT, __unchanged_toast VARCHAR[])`)
  for (const [offset, { op, lsn, values, untold }] of changes.entries()) {
    const cells = columns.map(({ name }) => (values[name] === undefined ? 'NULL' : `'${values[name]}'`))
    const toast = untold === undefined ? 'NULL' : `['${untold}']`
    await duckdb.run(
      `INSERT INTO log VALUES (${cells.join(', ')}, '${op}', ${op === 'd'}, NULL, 0, ${op === 'r' ? null : lsn}, ${lsn}, 1, 0, ${offset}, ${toast})`,
    )
  }
  const read = await duckdb.runAndReadAll(`${latestState('log', columns, key, story)} ORDER BY ALL`)
  return read.getRowObjectsJson().map((row) => Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)))
}

describe('a renamed column', () => {
  const types = { id: 'BIGINT', price: 'BIGINT', cost: 'BIGINT', fee: 'BIGINT' }
  const once = { renames: [{ from: 'price', to: 'cost', lsn: '100' }] }

  test('shows under its new name what rows had before the rename, and nothing under the old one', async () => {
    const changes = [
      change('c', 10, { id: 1, price: 5 }),
      change('c', 20, { id: 2, price: 6 }),
      change('u', 110, { id: 2, cost: 7 }),
      change('c', 20, { id: 3, price: 8 }),
      change('u', 120, { id: 3 }),
      change('c', 10, { id: 4 }),
    ]
    expect(await state(types, changes, once)).toEqual([{ id: '1', cost: '5' }, { id: '2', cost: '7' }, { id: '3' }, { id: '4' }])
  })

  test('goes on when a new column takes the old name, when it is renamed again, and when two change places', async () => {
    const again = { renames: [...once.renames, { from: 'cost', to: 'fee', lsn: '200' }] }
    const changes = [
      change('c', 10, { id: 1, price: 5 }),
      change('c', 110, { id: 2, cost: 6, price: 1 }),
      change('c', 210, { id: 3, fee: 7, price: 2 }),
    ]
    expect(await state(types, changes, again)).toEqual([
      { id: '1', fee: '5' },
      { id: '2', price: '1', fee: '6' },
      { id: '3', price: '2', fee: '7' },
    ])
    const swapped = [
      { from: 'price', to: 'fee', lsn: '100' },
      { from: 'cost', to: 'price', lsn: '101' },
      { from: 'fee', to: 'cost', lsn: '102' },
    ]
    const both = [change('c', 10, { id: 1, price: 5, cost: 6 }), change('c', 110, { id: 2, price: 7, cost: 8 })]
    expect(await state(types, both, { renames: swapped })).toEqual([
      { id: '1', price: '6', cost: '5' },
      { id: '2', price: '7', cost: '8' },
    ])
  })

  test('of a row that a snapshot read is the one that it has, whatever its LSN', async () => {
    const rows = [
      change('r', 50, { id: 1, price: 5 }),
      change('r', 50, { id: 2, cost: 6 }),
      change('r', null, { id: 3, price: 7 }),
    ]
    expect(await state(types, rows, once)).toEqual([
      { id: '1', cost: '5' },
      { id: '2', cost: '6' },
      { id: '3', cost: '7' },
    ])
  })

  test('keeps a large value that no update touched, across the rename', async () => {
    const texts = { id: 'BIGINT', note: 'VARCHAR', remark: 'VARCHAR' }
    const changes = [
      change('c', 10, { id: 1, note: 'large' }),
      change('u', 20, { id: 1 }, 'note'),
      change('u', 110, { id: 1 }, 'remark'),
      change('c', 10, { id: 2, note: 'large' }),
      change('u', 20, { id: 2 }, 'note'),
    ]
    expect(await state(texts, changes, { renames: [{ from: 'note', to: 'remark', lsn: '100' }] })).toEqual([
      { id: '1', remark: 'large' },
      { id: '2', remark: 'large' },
    ])
  })

  test('has the default that it was added with, and goes through the columns that its types gave it', async () => {
    const late = { ...once, defaults: [{ column: 'price', text: '9', since: '50' }] }
    const changes = [change('c', 10, { id: 1 }), change('c', 60, { id: 2 }), change('c', 110, { id: 3 })]
    expect(await state(types, changes, late)).toEqual([{ id: '1', cost: '9' }, { id: '2' }, { id: '3' }])
    const retyped = { id: 'BIGINT', price: 'BIGINT', price__2: 'VARCHAR', cost: 'VARCHAR' }
    const old = [
      change('c', 10, { id: 1, price: 5 }),
      change('c', 60, { id: 2, price__2: 'x' }),
      change('c', 110, { id: 3, cost: 'y' }),
    ]
    expect(await state(retyped, old, { ...once, rules: [{ source: 'price', as: 'price__2' }] })).toEqual([
      { id: '1', price: '5' },
      { id: '2', cost: 'x' },
      { id: '3', cost: 'y' },
    ])
  })

  test('of the key makes no other rows', async () => {
    const keyed = { id: 'BIGINT', ident: 'BIGINT', note: 'VARCHAR' }
    const changes = [
      change('c', 10, { id: 1, note: 'a' }),
      change('c', 10, { id: 2, note: 'b' }),
      change('u', 110, { ident: 1, note: 'c' }),
      change('d', 120, { ident: 2 }),
    ]
    expect(await state(keyed, changes, { renames: [{ from: 'id', to: 'ident', lsn: '100' }] }, ['ident'])).toEqual([
      { ident: '1', note: 'c' },
    ])
  })
})

test('a key column that changed its type is one key under both', async () => {
  const types = { id: 'BIGINT', id__2: 'VARCHAR', note: 'VARCHAR' }
  const changes = [
    change('c', 10, { id: 1, note: 'a' }),
    change('c', 10, { id: 2, note: 'b' }),
    change('c', 10, { id: 3, note: 'c' }),
    change('u', 110, { id__2: '1', note: 'd' }),
    change('d', 120, { id__2: '2' }),
  ]
  expect(await state(types, changes, { rules: [{ source: 'id', as: 'id__2' }] })).toEqual([
    { id: '3', note: 'c' },
    { id__2: '1', note: 'd' },
  ])
})

describe('why there is no latest state', () => {
  const columns = ['id', 'ident', 'region'].map((name) => ({ name, type: 'BIGINT' }))
  const settings = (over: Readonly<Record<string, unknown>>) =>
    storyOf(Object.fromEntries(Object.entries(over).map(([name, value]) => [`cdc.${name}`, JSON.stringify(value)])))
  const former = [{ key: ['id'], until: null }]

  test('is said where the key changed, and not where a rename is all that happened to it', () => {
    const changed = settings({ key: ['ident'], formerKeys: former })
    expect(whyNoLatestState(changed, columns)).toMatch(/its key was \(id\) and is \(ident\)/)
    const renamed = settings({ key: ['ident'], formerKeys: former, renames: [['id', 'ident', '100']] })
    expect(whyNoLatestState(renamed, columns)).toBeNull()
    const longer = settings({ key: ['ident', 'region'], formerKeys: former, renames: [['id', 'ident', '100']] })
    expect(whyNoLatestState(longer, columns)).toMatch(/is \(ident, region\)/)
  })

  test('is said where there is no key, or one whose types cannot be compared', () => {
    expect(whyNoLatestState(settings({ key: [] }), columns)).toBe('it has no key')
    const rules = [['id', 'id__2']]
    const retyped = (type: string) =>
      whyNoLatestState(settings({ key: ['id'], columns: rules }), [...columns, { name: 'id__2', type }])
    expect(retyped('VARCHAR')).toBeNull()
    expect(retyped('TIMESTAMP')).toMatch(/key column id had several types/)
  })
})
