import { describe, expect, test } from 'vitest'
import { checkDecision, columnDecision } from '../../../src/core/decisions.ts'
import { code } from '../../../src/core/failures.ts'

describe('a decision', () => {
  test('says where the values of columns go, or what the key is', () => {
    const columns = { price: { as: 'price__2' }, note: { ignore: true }, state: { as: '__special' } }
    expect(columnDecision({ columns })).toEqual({
      rules: [
        { source: 'price', as: 'price__2' },
        { source: 'note', as: null },
        { source: 'state', as: '__special' },
      ],
      key: null,
      since: null,
    })
    expect(columnDecision({ key: ['id', 'region'], since: '77' })).toEqual({ rules: [], key: ['id', 'region'], since: '77' })
    expect(columnDecision(null)).toBeNull()
  })

  test.each([
    [{ columns: ['price'] }],
    [{ columns: { price: 'price__2' } }],
    [{ columns: { price: { as: '' } } }],
    [{ columns: { price: { as: 'a', ignore: true } } }],
    [{ columns: { price: { ignore: false } } }],
    [{ key: 'id' }],
    [{ key: [''] }],
    [{ key: ['id'], since: 77 }],
    [{ colums: {} }],
    [{}],
  ])('%j is none and is refused before anything is recorded', (decision) => {
    expect(() => checkDecision(decision, true)).toThrow(code.InvalidInput)
  })
})
