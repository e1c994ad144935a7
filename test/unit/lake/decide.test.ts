/** Decisions of people in the table's log: recorded once, read by every carrier, and no link written before them is in the way. */
import { describe, expect, test } from 'vitest'
import { columnDecision, type ColumnDecision } from '../../../src/core/decisions.ts'
import { code } from '../../../src/core/failures.ts'
import { canonicalSchema, givenTo, parseCanonicalSchema } from '../../../src/core/schema.ts'
import { adoptLink, decide, growSchema, positionOf, readSnapshot, recordLearned } from '../../../src/lake/table.ts'
import { columns, entryOf, fixture, openGrown, provenance, write } from './tableFixture.ts'

const beside = decisionOf({ columns: { price: { as: 'price__2' } } })

function decisionOf(decision: Record<string, unknown>): ColumnDecision {
  const parsed = columnDecision(decision)
  if (parsed === null) throw new Error('no decision about columns')
  return parsed
}

describe('a decision about columns', () => {
  test('stands in the log and in the schema that links are written under, and comes back from both', async () => {
    const ctx = fixture()
    const table = await decide(ctx, await openGrown(ctx), beside, provenance)
    const read = await readSnapshot(ctx)
    expect(read).toEqual(table)
    expect(read?.schema.rules).toEqual([{ source: 'price', as: 'price__2' }])
    const { metaData } = entryOf(ctx, table.version).find((action) => action['metaData'])!
    expect(metaData!['configuration']).toMatchObject({ 'cdc.columns': '[["price","price__2"]]' })
    expect(parseCanonicalSchema(canonicalSchema(table.schema))).toEqual(table.schema)
  })

  test('given twice makes one entry, and the newest of a column counts', async () => {
    const ctx = fixture()
    const once = await decide(ctx, await openGrown(ctx), beside, provenance)
    expect((await decide(ctx, once, beside, provenance)).version).toBe(once.version)
    const other = await decide(ctx, once, decisionOf({ columns: { price: { ignore: true } } }), provenance)
    expect(other.schema.rules?.at(-1)).toEqual({ source: 'price', as: null })
    expect(other.schema.rules).toHaveLength(2)
  })

  test('taken on a stale view loses nothing of what others recorded meanwhile', async () => {
    const ctx = fixture()
    const stale = await openGrown(ctx)
    await growSchema(ctx, stale, { columns: [{ name: 'note', type: 'string' }], key: null }, provenance)
    const table = await decide(ctx, stale, beside, provenance)
    expect(table.schema.columns.map(({ name }) => name)).toEqual(['id', 'note'])
    expect(table.schema.rules).toHaveLength(1)
  })

  test('leaves a link that was written under an older decision as it stands: it is adopted', async () => {
    const ctx = fixture()
    const before = await openGrown(ctx)
    const outcome = await write(ctx, before, 0, 110)
    const after = await decide(ctx, before, beside, provenance)
    const link = await adoptLink(ctx, after, positionOf(after, 0))
    expect(outcome).toMatchObject({ link: { sha256: link?.sha256 } })
    expect(link?.schemaId).toBe(before.schemaId)
    expect(after.schemaId).not.toBe(before.schemaId)
  })

  test('to a name that the lake keeps, or that differs from a column only in case, is refused', async () => {
    const ctx = fixture()
    const table = await openGrown(ctx)
    for (const as of ['__op', 'cdc_date', 'CDC_DATE', 'ID']) {
      await expect(decide(ctx, table, decisionOf({ columns: { price: { as } } }), provenance)).rejects.toThrow(
        code.DecisionRefused,
      )
    }
    expect((await readSnapshot(ctx))?.version).toBe(table.version)
  })

  test('that sends values into a column that was there says first that it is still that of its own name', async () => {
    const ctx = fixture()
    const joined = await decide(
      ctx,
      await openGrown(ctx),
      decisionOf({ columns: { old: { as: 'id' }, other: { as: 'id' } } }),
      provenance,
    )
    const rules = ['id', 'old', 'other'].map((source) => ({ source, as: 'id' }))
    expect(joined.schema.rules).toEqual(rules)
    expect(await decide(ctx, joined, decisionOf({ columns: { old: { as: 'id' } } }), provenance)).toBe(joined)
    expect(rules.map(({ source }) => givenTo('id', [{ source, as: 'id' }]))).toEqual([null, 'old', 'other'])
  })

  test('about the key keeps the former key with the commit until which it held', async () => {
    const ctx = fixture()
    const table = await openGrown(ctx)
    const moved = await decide(ctx, table, decisionOf({ key: ['id', 'region'], since: '77' }), provenance)
    expect(moved.schema).toMatchObject({ key: ['id', 'region'], formerKeys: [{ key: ['id'], until: '77' }] })
    expect(await readSnapshot(ctx)).toEqual(moved)
    const back = await decide(ctx, moved, decisionOf({ key: ['id'] }), provenance)
    expect(back.schema).toMatchObject({ key: ['id'], formerKeys: [{ key: ['id', 'region'], until: null }] })
  })
})

describe('what a column was given later', () => {
  test('columns that come after the first ones are recorded with their first commit', async () => {
    const ctx = fixture()
    const first = await openGrown(ctx)
    expect(first.metaData.configuration['cdc.added']).toBeUndefined()
    const note = { columns: [{ name: 'note', type: 'string' as const }], key: null, since: '4711' }
    const table = await growSchema(ctx, first, note, provenance)
    expect(table.metaData.configuration['cdc.added']).toBe('[["note","4711"]]')
    const more = {
      columns: [...note.columns, ...columns.columns, { name: 'late', type: 'long' as const }],
      key: null,
      since: '9',
    }
    expect((await growSchema(ctx, table, more, provenance)).metaData.configuration['cdc.added']).toBe(
      '[["note","4711"],["late","9"]]',
    )
  })

  test('defaults and renames are recorded beside the schema, and what stands there already makes no entry', async () => {
    const ctx = fixture()
    const table = await openGrown(ctx)
    const both = [
      ['price', '7.50'],
      ['note', 'none'],
    ] as const
    const once = await recordLearned(ctx, table, { defaults: both, renames: [['cost', 'fee', '1000']] }, provenance)
    const again = { defaults: [both[1]], renames: [['cost', 'fee', '1000']] as const }
    expect(await recordLearned(ctx, once, again, provenance)).toBe(once)
    expect(once.schemaId).toBe(table.schemaId)
  })

  test('the newest default of a column counts, and renames stand in the order of the database', async () => {
    const ctx = fixture()
    const once = await recordLearned(
      ctx,
      await openGrown(ctx),
      { defaults: [['price', '7.50']], renames: [['cost', 'fee', '1000']] },
      provenance,
    )
    const newer = await recordLearned(ctx, once, { defaults: [['price', '8']], renames: [['price', 'cost', '99']] }, provenance)
    expect(newer.metaData.configuration).toMatchObject({
      'cdc.defaults': '[["price","8"]]',
      'cdc.renames': '[["price","cost","99"],["cost","fee","1000"]]',
    })
  })
})
