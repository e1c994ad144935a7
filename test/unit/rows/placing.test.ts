/** Where values go when the columns of a table change: by name, by rules of the log, by the table's policy. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ChangeEvent, Field } from '../../../src/core/events.ts'
import type { Growth } from '../../../src/core/receipts.ts'
import { emptySchema, type Column, type ColumnRule, type LakeType, type TableSchema } from '../../../src/core/schema.ts'
import { mergeGrowth } from '../../../src/lake/deltaSchema.ts'
import { growthFor, planRows } from '../../../src/rows/plan.ts'
import type { SchemaChange } from '../../../src/rows/placing.ts'
import { failureOf } from '../failureOf.ts'

const policies: readonly SchemaChange[] = ['evolve', 'try_evolve', 'lenient', 'exception', 'ignore']
const columns: readonly Column[] = [
  { name: 'id', type: 'long' },
  { name: 'price', type: 'long' },
]
const table: TableSchema = { columns, key: ['id'] }

function shape(...fields: readonly (readonly [name: string, type: LakeType])[]): { fields: Field[] } {
  return { fields: fields.map(([name, type]) => ({ name, type, append: () => undefined })) }
}

const id = ['id', 'long'] as const

/** Lake column -> source column, as the plan has it. */
function placed(at: TableSchema, rows: { fields: Field[] }, policy: SchemaChange = 'evolve') {
  const { fields, special, missing, decided } = planRows(at, rows, policy)
  const filled = at.columns.flatMap(({ name }, i) => (fields[i]! < 0 ? [] : [[name, rows.fields[fields[i]!]!.name]]))
  return {
    filled: Object.fromEntries(filled) as Record<string, string>,
    special: special.map((i) => rows.fields[i]!.name),
    added: missing.map(({ name }) => name),
    decided,
  }
}

function withRules(...rules: readonly (readonly [source: string, as: string | null])[]): TableSchema {
  return { ...table, rules: rules.map(([source, as]) => ({ source, as })) }
}

const event = (over: Partial<ChangeEvent> = {}): ChangeEvent => ({
  op: 'c',
  key: ['id'],
  image: null,
  sourceTsUs: null,
  commitLsn: 77n,
  lsn: null,
  txId: null,
  txOrder: null,
  snapshot: null,
  ...over,
})

describe('a column that leaves its type class', () => {
  const changed = shape(id, ['price', 'string'])

  test('parks with the decisions that may be given to resume', () => {
    const failure = failureOf(() => planRows(table, changed))
    expect(failure?.code).toBe('CDC4002')
    expect(failure?.details).toEqual({
      column: 'price',
      from: 'long',
      to: 'string',
      choices: [
        { columns: { price: { as: 'price__2' } } },
        { columns: { price: { as: '__special' } } },
        { columns: { price: { ignore: true } } },
      ],
    })
  })

  test('goes to the column that a rule names, and changes of the old type still to the old column', () => {
    const ruled = withRules(['price', 'price__2'])
    expect(placed(ruled, changed)).toMatchObject({ filled: { id: 'id' }, added: ['price__2'], decided: [] })
    const grown = { ...ruled, columns: [...columns, { name: 'price__2', type: 'string' as const }] }
    expect(placed(grown, changed).filled).toEqual({ id: 'id', price__2: 'price' })
    expect(placed(grown, shape(id, ['price', 'long'])).filled).toEqual({ id: 'id', price: 'price' })
  })

  test('parks again where it leaves the class of the second column too, with the next name', () => {
    const grown = { ...withRules(['price', 'price__2']), columns: [...columns, { name: 'price__2', type: 'string' as const }] }
    const failure = failureOf(() => planRows(grown, shape(id, ['price', 'boolean'])))
    expect(failure?.code).toBe('CDC4002')
    expect(failure?.details).toMatchObject({ choices: [{ columns: { price: { as: 'price__3' } } }, {}, {}] })
  })

  test('is kept as text in __special, or left out, where a rule says so', () => {
    expect(placed(withRules(['price', '__special']), changed)).toMatchObject({ filled: { id: 'id' }, special: ['price'] })
    expect(placed(withRules(['price', null]), changed)).toMatchObject({ filled: { id: 'id' }, special: [], added: [] })
  })

  test('a new name is none that the lake, a rule or the row has', () => {
    const crowded = { ...withRules(['other', 'PRICE__3']), columns: [...columns, { name: 'Price__2', type: 'long' as const }] }
    const failure = failureOf(() => planRows(crowded, shape(id, ['price', 'string'], ['price__4', 'long'])))
    expect(failure?.details).toMatchObject({ choices: [{ columns: { price: { as: 'price__5' } } }, {}, {}] })
  })

  test('of the key parks with the column beside it as the only choice, under every policy but lenient', () => {
    for (const policy of policies.filter((each) => each !== 'lenient')) {
      const failure = failureOf(() => planRows(table, shape(['id', 'string'], ['price', 'long']), policy))
      expect([policy, failure?.code, failure?.details['choices']]).toEqual([
        policy,
        'CDC4002',
        [{ columns: { id: { as: 'id__2' } } }],
      ])
    }
  })
})

describe('names', () => {
  test.each(['__op', 'CDC_DATE'])('%s has a name of the lake and goes where a rule sends it', (name) => {
    const rows = shape(id, ['price', 'long'], [name, 'string'])
    const failure = failureOf(() => planRows(table, rows))
    expect([failure?.code, failure?.details['choices']]).toMatchObject([
      'CDC4003',
      [{ columns: { [name]: { as: `${name}__2` } } }, {}, {}],
    ])
    expect(placed(withRules([name, 'user_op']), rows).added).toEqual(['user_op'])
    expect(placed(withRules([name, null]), rows).added).toEqual([])
  })

  test('that differ only in case go where a rule sends one of them', () => {
    const rows = shape(id, ['price', 'long'], ['Price', 'long'])
    expect(failureOf(() => planRows(table, rows))?.code).toBe('CDC4004')
    expect(placed(withRules(['Price', 'price_2']), rows)).toMatchObject({ filled: { price: 'price' }, added: ['price_2'] })
  })

  test('a renamed column goes on in its old place where a rule says so, and never two columns in one', () => {
    const renamed = withRules(['price', 'price'], ['cost', 'price'])
    expect(placed(renamed, shape(id, ['cost', 'long'])).filled).toEqual({ id: 'id', price: 'cost' })
    expect(placed(renamed, shape(id, ['price', 'long'])).filled).toEqual({ id: 'id', price: 'price' })
    expect(failureOf(() => planRows(renamed, shape(id, ['cost', 'long'], ['price', 'long'])))?.code).toBe('CDC4004')
  })
})

describe('a column that is named like one that a rule made for another', () => {
  const grown: TableSchema = {
    ...withRules(['price', 'price__2']),
    columns: [...columns, { name: 'price__2', type: 'string' }],
  }
  const both = shape(id, ['price', 'string'], ['price__2', 'string'])

  test('parks with a name of its own as a choice, whether the type fits or not, and before the rule has made its column', () => {
    for (const at of [grown, withRules(['price', 'price__2'])]) {
      for (const type of ['string', 'boolean'] as const) {
        for (const rows of [shape(id, ['price', 'string'], ['price__2', type]), shape(id, ['price__2', type])]) {
          const failure = failureOf(() => planRows(at, rows))
          expect([failure?.code, failure?.details]).toMatchObject([
            'CDC4004',
            { columns: ['price', 'price__2'], choices: [{ columns: { price__2: { as: 'price__2__2' } } }, {}, {}] },
          ])
        }
      }
    }
  })

  test('goes on beside it once that is decided, or by itself under lenient and try_evolve', () => {
    const ruled = { ...grown, rules: [...grown.rules!, { source: 'price__2', as: 'own' }] }
    expect(placed(ruled, both)).toMatchObject({ filled: { id: 'id', price__2: 'price' }, added: ['own'] })
    expect(placed(grown, both, 'lenient')).toMatchObject({ filled: { id: 'id', price__2: 'price' }, added: ['price__2__2'] })
    expect(placed(grown, both, 'try_evolve')).toMatchObject({ filled: { id: 'id', price__2: 'price' }, special: ['price__2'] })
  })

  test('that came first keeps its column when a policy proposes the same name for another at the same time', () => {
    const rules: ColumnRule[] = [{ source: 'price', as: 'price__2' }]
    const own = { ...table, columns: grown.columns }
    expect(mergeGrowth(own, { columns: [{ name: 'price__2', type: 'string' }], key: null, rules }, 'none')).toBe(own)
    expect(mergeGrowth(grown, { columns: [{ name: 'price__2', type: 'string' }], key: null, rules }, 'none')).toBe(grown)
  })
})

describe('policies', () => {
  const wider = shape(id, ['price', 'long'], ['note', 'string'])
  const retyped = shape(id, ['price', 'string'])

  test('evolve, try_evolve and lenient add a new column; exception parks; ignore leaves it out and records that', () => {
    for (const policy of ['evolve', 'try_evolve', 'lenient'] as const)
      expect(placed(table, wider, policy).added).toEqual(['note'])
    const failure = failureOf(() => planRows(table, wider, 'exception'))
    const choices = [{ columns: { note: { as: 'note' } } }, { columns: { note: { ignore: true } } }]
    expect([failure?.code, failure?.details]).toEqual(['CDC4006', { column: 'note', type: 'string', choices }])
    expect(placed(table, wider, 'ignore')).toMatchObject({ added: [], decided: [{ source: 'note', as: null }] })
  })

  test('a changed type parks, goes to __special (try_evolve) or to a column beside it (lenient)', () => {
    for (const policy of ['evolve', 'exception', 'ignore'] as const) {
      expect([policy, failureOf(() => planRows(table, retyped, policy))?.code]).toEqual([policy, 'CDC4002'])
    }
    expect(placed(table, retyped, 'try_evolve')).toMatchObject({
      special: ['price'],
      decided: [{ source: 'price', as: '__special' }],
    })
    const beside = { added: ['price__2'], decided: [{ source: 'price', as: 'price__2' }] }
    expect(placed(table, retyped, 'lenient')).toMatchObject(beside)
  })

  test('the first columns of a table are no change, and what the log decided counts under every policy', () => {
    for (const policy of policies) {
      expect(placed(emptySchema, wider, policy).added).toEqual(['id', 'price', 'note'])
      expect(placed(withRules(['note', 'note']), wider, policy).added).toEqual(['note'])
      expect(placed(withRules(['note', null], ['note', 'note']), wider, policy).added).toEqual(['note'])
      expect(placed(withRules(['note', null]), wider, policy)).toMatchObject({ added: [], decided: [] })
    }
  })

  test('lenient and try_evolve never stop: whatever shapes follow one another, every value has a place after one entry at most, and no two columns share one', () => {
    const types: LakeType[] = ['long', 'string', 'boolean', 'array<string>']
    const names = fc.constantFrom('price', 'Price', 'price__2', 'a', '__op', 'cdc_date')
    const fields = fc.uniqueArray(fc.tuple(names, fc.constantFrom(...types)), {
      selector: ([name]) => name,
    })
    fc.assert(
      fc.property(fc.constantFrom('lenient' as const, 'try_evolve' as const), fc.array(fields), (policy, shapes) => {
        let at: TableSchema = table
        const sourceOf = new Map<string, string>()
        for (const extra of shapes) {
          const rows = shape(id, ...extra)
          for (let entries = 0; ; entries++) {
            const plan = planRows(at, rows, policy)
            const growth = growthFor(at, plan, event())
            if (growth === null) {
              const filled = plan.fields.filter((field) => field >= 0).length
              expect(filled + plan.special.length).toBe(rows.fields.length)
              for (const [name, source] of Object.entries(placed(at, rows, policy).filled)) {
                expect(sourceOf.get(name) ?? source).toBe(source)
                sourceOf.set(name, source)
              }
              break
            }
            expect(entries).toBe(0)
            at = mergeGrowth(at, growth, 'none')
          }
        }
      }),
    )
  })

  test('a schema that flips back and forth asks for an entry once, not at every turn', () => {
    const shapes = [wider, retyped, shape(id), shape(id, ['price', 'boolean'])]
    let at: TableSchema = table
    let entries = 0
    for (let turn = 0; turn < 100; turn++) {
      const growth = growthFor(at, planRows(at, shapes[turn % shapes.length]!, 'lenient'), event())
      if (growth === null) continue
      entries++
      at = mergeGrowth(at, growth, 'none')
    }
    expect(entries).toBe(3)
    expect(at.columns.map(({ name }) => name)).toEqual(['id', 'price', 'note', 'price__2', 'price__3'])
  })
})

describe('growth', () => {
  test('carries what the policy decided and the commit since which there is such a column', () => {
    const plan = planRows(table, shape(id, ['price', 'string']), 'lenient')
    const growth: Growth = {
      columns: [{ name: 'price__2', type: 'string' }],
      key: null,
      rules: [{ source: 'price', as: 'price__2' }],
      since: '77',
    }
    expect(growthFor(table, plan, event())).toEqual(growth)
  })

  test('that another carrier has overtaken with another type of the same name is left away, not fatal', () => {
    const rules: ColumnRule[] = [{ source: 'price', as: 'price__2' }]
    const grown = mergeGrowth(table, { columns: [{ name: 'price__2', type: 'string' }], key: null, rules }, 'none')
    const late = { columns: [{ name: 'price__2', type: 'boolean' as const }], key: null, rules }
    expect(mergeGrowth(grown, late, 'none')).toBe(grown)
  })
})

describe('a key that changed', () => {
  const rows = shape(id, ['price', 'long'])

  test('parks with the decision that takes it over and the commit from which it holds', () => {
    const failure = failureOf(() => growthFor(table, planRows(table, rows), event({ key: ['id', 'price'] })))
    const choices = [{ key: ['id', 'price'], since: '77' }]
    expect([failure?.code, failure?.details]).toEqual(['CDC4005', { from: ['id'], to: ['id', 'price'], choices }])
  })

  test('once taken over, changes under the former key are still carried', () => {
    const now: TableSchema = { ...table, key: ['id', 'price'], formerKeys: [{ key: ['id'], until: '77' }] }
    for (const key of [['id'], ['id', 'price']]) expect(growthFor(now, planRows(now, rows), event({ key }))).toBeNull()
    expect(failureOf(() => growthFor(now, planRows(now, rows), event({ key: ['price'] })))?.code).toBe('CDC4005')
  })
})
