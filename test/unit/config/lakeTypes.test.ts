import { expect, test } from 'vitest'
import { loadConfig } from '../../../src/config/config.ts'
import { resolveTable } from '../../../src/config/tables.ts'
import { CdcFailure } from '../../../src/core/failures.ts'
import { chosenTypes } from '../../../src/workers/chosenTypes.ts'

function chosen(type: string): unknown {
  const tables = { 'public.payments': { lakeTypes: { amount: type } } }
  const readFile = () =>
    JSON.stringify({
      pipeline: { topicPrefix: 'a', database: 'd' },
      lake: { url: 'file:///lake' },
      kafka: { brokers: ['b:1'] },
      tables,
    })
  try {
    return resolveTable(loadConfig({}, { readFile }), 'payments').lakeTypes
  } catch (error) {
    if (error instanceof CdcFailure) return error.details['problems']
    throw error
  }
}

test('a table may name lake types by column, however they are spaced', () => {
  expect(chosen('decimal(38, 10)')).toEqual({ amount: 'decimal(38,10)' })
  expect(chosen('String')).toEqual({ amount: 'string' })
  expect(chosen('array<decimal(18,2)>')).toEqual({ amount: 'array<decimal(18,2)>' })
})

test('a type that the lake does not have is a problem of the configuration', () => {
  for (const type of ['decimal', 'decimal(10,2)', 'decimal(38,39)', 'double', 'array<array<string>>', '']) {
    expect(chosen(type)).toEqual([
      { path: 'tables.public.payments.lakeTypes.amount', expected: expect.stringContaining('decimal(38,s)') as string },
    ])
  }
})

test('what the log says comes before what the file says, and the file counts for columns that are new', () => {
  const known = { columns: [{ name: 'amount', type: 'decimal(18,2)' as const }], key: [] }
  const types = chosenTypes({ amount: 'string', note: 'string' }, known)
  expect(Object.fromEntries(types)).toEqual({ amount: ['decimal(18,2)', 'string'], note: ['string'] })
})
