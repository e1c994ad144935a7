import { expect, test } from 'vitest'
import { renderConnector } from '../../../scripts/stack/connector.ts'

const plan = {
  name: 'airline',
  postgres: { host: 'db', port: 5432, user: 'someone', password: 'something' },
  database: 'airline',
  topicPrefix: 'air',
  slot: 'cdc_air',
  publication: 'cdc_air',
  tables: ['public.bookings', 'odd schema.a-b'],
}

test('the rendered connector has no placeholder left', async () => {
  const config = await renderConnector(plan)
  expect(JSON.stringify(config)).not.toContain('${')
  expect(config).toMatchObject({ 'database.port': '5432', 'topic.prefix': 'air', 'slot.name': 'cdc_air' })
})

test('table names are patterns for Debezium, so whatever is special in a pattern is escaped; its own tables are listed', async () => {
  const config = await renderConnector(plan)
  const patterns = config['table.include.list']!.split(',').map((pattern) => new RegExp(`^${pattern}$`))
  for (const table of [...plan.tables, 'cdc.heartbeat', 'cdc.signal'])
    expect(patterns.filter((each) => each.test(table))).toHaveLength(1)
  expect(patterns.some((each) => each.test('publicXbookings'))).toBe(false)
})

test('every deployment has a placeholder of its own for values that did not change', async () => {
  const setting = 'unavailable.value.placeholder'
  expect((await renderConnector(plan))[setting]).not.toBe((await renderConnector(plan))[setting])
  expect((await renderConnector({ ...plan, unavailablePlaceholder: 'mine' }))[setting]).toBe('mine')
})

test('a test may change a setting of the profile', async () => {
  expect(await renderConnector({ ...plan, overrides: { 'poll.interval.ms': '500' } })).toMatchObject({
    'poll.interval.ms': '500',
  })
})
