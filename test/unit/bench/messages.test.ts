import { describe, expect, test } from 'vitest'
import { bookings, changesOfBookings } from '../../../bench/messages.ts'
import { emptySchema } from '../../../src/core/schema.ts'
import { createDecoder } from '../../../src/debezium/decoder.ts'
import { createRowBatch } from '../../../src/rows/rowBatch.ts'
import { blockOf } from '../debezium/messages.ts'

const plan = { messages: 3000, topicPrefix: 'bench', partitions: 3, schemas: false, seed: 7 }
const messages = [...changesOfBookings(plan)]
const declared = { columns: Object.entries(bookings.columns).map(([name, type]) => ({ name, type })), key: bookings.key }

describe('the messages of the bench', () => {
  test('are the same for a seed, and others for another', () => {
    expect([...changesOfBookings(plan)]).toEqual(messages)
    expect([...changesOfBookings({ ...plan, seed: 8 })]).not.toEqual(messages)
  })

  test('are as many as asked for, a tombstone of its key behind each delete', () => {
    expect(messages).toHaveLength(plan.messages)
    messages.forEach(({ key, value, partition }, i) => {
      if (value === null)
        expect(messages[i - 1]).toMatchObject({ key, partition, value: expect.stringContaining('"op":"d"') as string })
    })
  })

  test('keep the changes of a row in one partition, and use all of them', () => {
    const partitions = new Map(messages.map(({ key, partition }) => [key, partition]))
    for (const { key, partition } of messages) expect(partition).toBe(partitions.get(key))
    expect(new Set(partitions.values())).toEqual(new Set([0, 1, 2]))
  })

  test.each([false, true])('become the same rows of twelve columns, whether they bring their schema or not (%s)', (schemas) => {
    const block = blockOf([...changesOfBookings({ ...plan, schemas })])
    const table = { schema: 'public', table: 'bookings' }
    const decoder = createDecoder({ placeholder: 'none', table, declared: schemas ? null : declared })
    const { columns, key } = createRowBatch(emptySchema, { epoch: 0, partition: 0 }).need(decoder.decode(block, 0)!)!
    expect(columns.map(({ name }) => name)).toEqual(Object.keys(bookings.columns))
    expect(columns.map(({ type }) => type)).toEqual([
      ...['long', 'long', 'long', 'decimal(18,2)', 'string', 'timestamp', 'string', 'timestamp_ntz', 'date', 'boolean'],
      ...['double', 'string'],
    ])
    const batch = createRowBatch({ columns, key: key ?? [] }, { epoch: 0, partition: 0 })
    for (let i = 0; i < block.count; i++) {
      const event = decoder.decode(block, i)
      if (event) batch.append(event, BigInt(i), block.timestamp[i]!)
    }
    expect(batch.rows).toBe(messages.filter(({ value }) => value !== null).length)
  })
})
