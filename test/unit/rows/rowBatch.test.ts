import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { BytesColumn, LongColumn } from '../../../src/core/columns.ts'
import type { ChangeEvent, Field, Op } from '../../../src/core/events.ts'
import { CdcFailure, code } from '../../../src/core/failures.ts'
import { emptySchema, metadataColumns, type LakeType, type TableSchema } from '../../../src/core/schema.ts'
import { dayOfEvent } from '../../../src/rows/day.ts'
import { createRowBatch, type RowBatch } from '../../../src/rows/rowBatch.ts'
import { valuesOf } from '../debezium/columnValues.ts'
import { failureOf } from '../failureOf.ts'

const encoder = new TextEncoder()

/** Fields whose tokens are: digits = a long, `u` = unchanged, `s` = special, `!` = refused after being noted, else text. */
function field(name: string, type: LakeType): Field {
  return {
    name,
    type,
    append(bytes, start, end, column, notes) {
      const token = Buffer.from(bytes.subarray(start, end)).toString()
      if (token === 'u' || token === '!') notes.unchanged(name)
      if (token === 's' || token === '!') notes.special(name, 'infi"nity')
      if (token === '!') throw new CdcFailure(code.ValueOutOfRange, 'does not fit')
      if (token === 'u' || token === 's' || token === 'null') column.appendNull()
      else if (type === 'long') (column as LongColumn).append(BigInt(token))
      else (column as BytesColumn).append(encoder.encode(token))
    },
  }
}

const idAndName = { fields: [field('id', 'long'), field('name', 'string')] }

function event(tokens: (string | null)[] | null, rest: Partial<ChangeEvent> & { rows?: { fields: Field[] } } = {}): ChangeEvent {
  const { rows = idAndName, ...changes } = rest
  const present = (tokens ?? []).map((token) => token ?? '')
  const ends = present.map((_, i) => present.slice(0, i + 1).join('').length)
  return {
    op: 'c',
    key: ['id'],
    sourceTsUs: 1_770_091_506_123_456,
    commitLsn: 1n,
    lsn: 2n,
    txId: 3n,
    txOrder: 4n,
    snapshot: 'false',
    image: tokens && {
      schema: rows,
      bytes: encoder.encode(present.join('')),
      start: Int32Array.from(tokens, (token, i) => (token === null ? -1 : i === 0 ? 0 : ends[i - 1]!)),
      end: Int32Array.from(ends),
    },
    ...changes,
  }
}

const schema: TableSchema = {
  columns: [
    { name: 'id', type: 'long' },
    { name: 'name', type: 'string' },
  ],
  key: ['id'],
}
const batchOf = (of: TableSchema = schema): RowBatch => createRowBatch(of, { epoch: 2, partition: 5 })
const rowsOf = (batch: RowBatch) => batch.columns.map(valuesOf)
const column = (batch: RowBatch, name: string) => valuesOf(batch.columns[batch.fileColumns.findIndex((c) => c.name === name)]!)

describe('rows', () => {
  test('a row stands in the columns of the file, the metadata after the user columns', () => {
    const batch = batchOf()
    batch.append(event(['7', 'Anna']), 41n, 1_770_091_506_500)
    const cells = batch.fileColumns.map(({ name }, i) => [name, valuesOf(batch.columns[i]!)[0]])
    expect(cells).toEqual([
      ['id', 7n],
      ['name', 'Anna'],
      ['__op', 'c'],
      ['__deleted', false],
      ['__source_ts', 1_770_091_506_123_456n],
      ['__commit_lsn', 1n],
      ['__lsn', 2n],
      ['__tx_id', 3n],
      ['__tx_order', 4n],
      ['__snapshot', null],
      ['__epoch', 2],
      ['__kafka_partition', 5],
      ['__kafka_offset', 41n],
      ['__kafka_ts', 1_770_091_506_500_000n],
      ['__unchanged_toast', null],
      ['__special', null],
    ])
  })

  test('a batch in the memory of one that was given back has its own rows only', () => {
    const rowsIn = (batch: RowBatch): unknown => {
      for (let i = 0; i < 40; i++) batch.append(event([i % 3 === 0 ? null : String(i), i % 2 === 0 ? null : 'Ben']), BigInt(i), 0)
      return rowsOf(batch)
    }
    const fresh = rowsIn(batchOf())
    const before = batchOf()
    const names = { ...schema, columns: schema.columns.toReversed() }
    for (let i = 0; i < 3000; i++) before.append(event([String(i), 'a longer name than Ben']), BigInt(i), 5)
    before.giveBack()
    const after = batchOf()
    expect(after.columns[0]).toBe(before.columns[0])
    expect(rowsIn(after)).toEqual(fresh)
    after.giveBack()
    expect(createRowBatch(names, { epoch: 2, partition: 5 }).columns.map(({ rows, values }) => [rows, values])).toEqual(
      after.columns.map(() => [0, 0]),
    )
  })

  test('what the source does not say is NULL', () => {
    const batch = batchOf()
    const unknown = { sourceTsUs: null, commitLsn: null, lsn: null, txId: null, txOrder: null, snapshot: null }
    batch.append(event(['7', null], unknown), 1n, -1)
    for (const name of ['name', '__source_ts', '__commit_lsn', '__lsn', '__tx_id', '__tx_order', '__snapshot', '__kafka_ts']) {
      expect([name, column(batch, name)]).toEqual([name, [null]])
    }
    expect(batch.facts()).toMatchObject({ stats: { minOffset: '1', maxOffset: '1', minSourceTs: null }, lsn: null })
  })

  test('only a delete is marked deleted, and only a snapshot row names its snapshot', () => {
    const batch = batchOf()
    const ops: Op[] = ['r', 'c', 'u', 'd']
    ops.forEach((op, i) => batch.append(event([String(i), 'x'], { op, snapshot: op === 'r' ? 'first' : 'false' }), BigInt(i), 0))
    batch.append(event(null, { op: 't', key: [] }), 4n, 0)
    expect(column(batch, '__op')).toEqual(['r', 'c', 'u', 'd', 't'])
    expect(column(batch, '__deleted')).toEqual([false, false, false, true, false])
    expect(column(batch, '__snapshot')).toEqual(['first', null, null, null, null])
    expect(column(batch, 'id')).toEqual([0n, 1n, 2n, 3n, null])
    expect(batch.facts().ops).toEqual({ r: 1, c: 1, u: 1, d: 1, t: 1 })
  })

  test('unchanged and special values are named beside their NULL, for their row alone', () => {
    const batch = batchOf()
    batch.append(event(['1', 'u']), 1n, 0)
    batch.append(event(['2', 's']), 2n, 0)
    batch.append(event(['3', 'x']), 3n, 0)
    expect(column(batch, 'name')).toEqual([null, null, 'x'])
    expect(column(batch, '__unchanged_toast')).toEqual([['name'], null, null])
    expect(column(batch, '__special').map((text) => text && (JSON.parse(text as string) as unknown))).toEqual([
      null,
      { name: 'infi"nity' },
      null,
    ])
  })

  test('values whose column has no place are kept as text beside the row, in the row where they stand', () => {
    const ruled: TableSchema = { ...schema, rules: [{ source: 'extra', as: '__special' }] }
    const batch = batchOf(ruled)
    const rows = { fields: [...idAndName.fields, field('extra', 'string')] }
    const extras = ['"ch\\u00e9ap"', '12', 'null', null, '{"a": "b"}']
    extras.forEach((extra, i) => batch.append(event([String(i), 'x', extra], { rows }), BigInt(i), 0))
    const kept = column(batch, '__special').map((text) => text && (JSON.parse(text as string) as unknown))
    expect(kept).toEqual([{ extra: 'ch\u00e9ap' }, { extra: '12' }, null, null, { extra: '{"a": "b"}' }])
  })

  test('a row that fails leaves the batch as it was', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('x', 'u', 's', '!', 'null')), (names) => {
        const tried = batchOf()
        const wanted = batchOf()
        names.forEach((name, i) => {
          const failure = failureOf(() => tried.append(event([String(i), name]), BigInt(i), 0))
          expect(failure?.code).toBe(name === '!' ? 'CDC4001' : undefined)
          if (name !== '!') wanted.append(event([String(i), name]), BigInt(i), 0)
        })
        expect(rowsOf(tried)).toEqual(rowsOf(wanted))
        expect([tried.rows, tried.totalRows, tried.facts()]).toEqual([wanted.rows, wanted.totalRows, wanted.facts()])
      }),
    )
  })

  test('many rows outgrow every first allocation', () => {
    const batch = batchOf()
    for (let i = 0; i < 5000; i++) batch.append(event([String(i), i % 3 ? `name ${i}` : 'null']), BigInt(i), 0)
    expect(column(batch, 'id')).toEqual(Array.from({ length: 5000 }, (_, i) => BigInt(i)))
    expect(column(batch, '__source_ts')[4999]).toBe(1_770_091_506_123_456n)
    expect(column(batch, 'name').slice(4998)).toEqual(['null'.slice(4) || null, 'name 4999'])
  })

  test('clear empties the columns and keeps the facts of the link', () => {
    const batch = batchOf()
    batch.append(event(['1', 'x'], { lsn: 50n, sourceTsUs: 10 }), 7n, 0)
    batch.clear()
    expect([batch.rows, batch.totalRows, batch.byteLength, ...batch.columns.map((c) => c.rows)].slice(0, 4)).toEqual([0, 1, 0, 0])
    batch.append(event(['2', 'y'], { lsn: 40n, sourceTsUs: 30 }), 9n, 0)
    expect(column(batch, 'name')).toEqual(['y'])
    expect(batch.facts()).toEqual({
      stats: { minOffset: '7', maxOffset: '9', minSourceTs: '10', maxSourceTs: '30' },
      lsn: { min: '40', max: '50' },
      ops: { r: 0, c: 2, u: 0, d: 0, t: 0 },
      order: { high: '1/50/4', replayed: 1, resnapshot: 0 },
    })
  })

  test('byteLength follows what the columns hold', () => {
    const batch = batchOf()
    expect(batch.byteLength).toBe(0)
    const long = 'x'.repeat(10_000)
    for (let i = 1; i <= 130; i++) {
      batch.append(event([String(i), long]), BigInt(i), 0)
      const held = batch.columns.reduce((sum, c) => sum + c.byteLength, 0)
      expect(Math.abs(batch.byteLength - held)).toBeLessThan(held * 0.05)
    }
  })
})

describe('growth', () => {
  test('the first event of a table brings its columns and its key', () => {
    expect(batchOf(emptySchema).need(event(['1', 'x']))).toEqual({ columns: schema.columns, key: ['id'] })
    expect(batchOf(emptySchema).need(event(['1', 'x'], { key: [] }))).toEqual({ columns: schema.columns, key: null })
    expect(batchOf(emptySchema).need(event(null, { op: 't', key: [] }))).toBeNull()
  })
  test('an added column is asked for alone and old rows have NULL in it', () => {
    const wider = { fields: [field('id', 'long'), field('added', 'string'), field('name', 'string')] }
    expect(batchOf().need(event(['1', 'x']))).toBeNull()
    expect(batchOf().need(event(['1', 'a', 'x'], { rows: wider }))).toEqual({
      columns: [{ name: 'added', type: 'string' }],
      key: null,
      since: '1',
    })
    const batch = batchOf({ columns: [...schema.columns, { name: 'added', type: 'string' }], key: ['id'] })
    batch.append(event(['1', 'x']), 1n, 0)
    batch.append(event(['2', 'a', 'y'], { rows: wider }), 2n, 0)
    expect([column(batch, 'name'), column(batch, 'added')]).toEqual([
      ['x', 'y'],
      [null, 'a'],
    ])
  })
  test('a dropped column is NULL from then on', () => {
    const batch = batchOf()
    batch.append(event(['1'], { rows: { fields: [field('id', 'long')] } }), 1n, 0)
    expect(column(batch, 'name')).toEqual([null])
  })
  test('an event that needs growth is never appended', () => {
    const batch = batchOf(emptySchema)
    expect(() => batch.append(event(['1', 'x']), 1n, 0)).toThrow('need')
    expect(batch.totalRows).toBe(0)
  })
})

describe('refusals', () => {
  const need = (fields: Field[], rest: Partial<ChangeEvent> = {}) =>
    failureOf(() =>
      batchOf().need(
        event(
          fields.map(() => 'x'),
          { rows: { fields }, ...rest },
        ),
      ),
    )

  test('a column of another type parks with both types', () => {
    const failure = need([field('id', 'string'), field('name', 'string')])
    const choices = [{ columns: { id: { as: 'id__2' } } }]
    expect([failure?.code, failure?.details]).toEqual(['CDC4002', { column: 'id', from: 'long', to: 'string', choices }])
  })
  test('names of the lake are refused in any case', () => {
    for (const name of ['cdc_date', 'CDC_DATE', ...metadataColumns.map(({ name }) => name), '__OP']) {
      expect([name, need([...idAndName.fields, field(name, 'string')])?.code]).toEqual([name, 'CDC4003'])
    }
  })
  test('names that differ only in case are refused', () => {
    expect(need([...idAndName.fields, field('Name', 'string')])?.code).toBe('CDC4004')
    expect(need([...idAndName.fields, field('new', 'string'), field('NEW', 'string')])?.code).toBe('CDC4004')
  })
  test('another key than the table has is refused', () => {
    for (const key of [[], ['name'], ['id', 'name']]) expect(need(idAndName.fields, { key })?.code).toBe('CDC4005')
    expect(need(idAndName.fields, { key: ['id'] })).toBeNull()
    const keyless = batchOf({ ...schema, key: [] })
    expect(failureOf(() => keyless.need(event(['1', 'x'])))?.code).toBe('CDC4005')
    expect(failureOf(() => keyless.need(event(['1', 'x'], { key: [] })))).toBeNull()
  })
  test('what is refused leaves a batch as it was and refuses again', () => {
    const batch = batchOf()
    batch.append(event(['1', 'x']), 1n, 0)
    for (let i = 0; i < 2; i++) expect(failureOf(() => batch.append(event(['2', 'y'], { key: [] }), 2n, 0))?.code).toBe('CDC4005')
    batch.append(event(['2', 'y']), 2n, 0)
    expect(column(batch, 'id')).toEqual([1n, 2n])
  })
})

describe('days', () => {
  const day = 86_400_000
  test('an event opens the UTC day of its commit', () => {
    expect(dayOfEvent(event(null, { sourceTsUs: day * 1000 - 1 }), day)).toBe(0)
    expect(dayOfEvent(event(null, { sourceTsUs: day * 1000 }), day)).toBe(1)
  })
  test('an event without a time, or more than a day ahead of its Kafka timestamp, opens none', () => {
    expect(dayOfEvent(event(null, { sourceTsUs: null }), day)).toBeNull()
    expect(dayOfEvent(event(null, { sourceTsUs: 3 * day * 1000 + 1 }), 2 * day)).toBeNull()
    expect(dayOfEvent(event(null, { sourceTsUs: 3 * day * 1000 }), 2 * day)).toBe(3)
  })
})
