/** What `npm run columns` asks the database of: columns that came later, under the names that they have there today. */
import { describe, expect, test } from 'vitest'
import { screen } from '../../../scripts/columns/columns.ts'
import { laterColumns } from '../../../scripts/columns/later.ts'

const all = ['id', 'price', 'extra', 'more', 'op', 'price__2']
const later = (added: readonly string[], story: Parameters<typeof laterColumns>[2]) =>
  laterColumns(added, all, story).map(({ column, source, leftOut }) => [column, source, leftOut])

describe('a column that came later', () => {
  test('is asked for under its name today, once, whatever it was renamed to', () => {
    const renames = [{ from: 'extra', to: 'more', lsn: '9' }]
    expect(later(['extra', 'more', 'op'], { renames })).toEqual([
      ['extra', 'more', false],
      ['op', 'op', false],
    ])
  })

  test('goes by the name that the database has for it where a rule gave it another, and not at all where it goes on with a type', () => {
    const rules = [
      { source: '__op', as: 'op' },
      { source: 'price', as: 'price__2' },
    ]
    expect(later(['op', 'price__2'], { rules })).toEqual([['op', '__op', false]])
  })

  test('that was ignored or kept as text before is told apart: no default may be shown for what it had then', () => {
    for (const as of [null, '__special']) {
      const rules = [
        { source: 'extra', as },
        { source: 'extra', as: 'extra' },
      ]
      expect(later(['extra'], { rules })).toEqual([['extra', 'extra', true]])
    }
  })
})

test('the screen says of each column what its old rows have, and which were renamed', () => {
  const columns = [
    { column: 'extra', source: 'more', kind: 'constant' as const, text: '7.50' },
    { column: 'op', source: '__op', kind: 'left out' as const, text: null },
  ]
  expect(screen('public.flights', columns, [{ from: 'extra', to: 'more', lsn: '9' }])).toBe(
    `public.flights: columns that came later

  extra  7.50  rows from before it show this in the latest state
  op           was left out of changes that were carried: npm run backfill has its values

renamed

  extra  is more now`,
  )
  expect(screen('public.flights', [], [])).toBe('public.flights has all its columns from the beginning.')
})
