import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { writeAirline } from '../../../scripts/data/airline.ts'

let scratch: string
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'sluice-airline-'))
})
afterEach(() => rmSync(scratch, { recursive: true, force: true }))

const tables = ['customers', 'flights', 'bookings']
const read = (dir: string, table: string) => readFileSync(join(dir, `${table}.csv`), 'utf8')

test('the airline is the same bytes every time', () => {
  const [first, second] = [writeAirline(join(scratch, '1')), writeAirline(join(scratch, '2'))]
  for (const table of tables) expect(read(first, table)).toBe(read(second, table))
})

test('the airline has 2,000 customers, 500 flights and 20,000 bookings', () => {
  const dir = writeAirline(scratch)
  const rows = tables.map((table) => read(dir, table).trimEnd().split('\n').length - 1)
  expect(rows).toEqual([2_000, 500, 20_000])
})
