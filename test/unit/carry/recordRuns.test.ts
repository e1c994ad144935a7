/**
 * Two ways lead from records to columns: record by record, and run by run through the kernel. Nobody may be able to tell which
 * one a row took: for any records both give the same columns, the same facts, the same end and the same refusals.
 */
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { scanRange, type RangeScan, type ScanPolicies } from '../../../src/carry/rangeScan.ts'
import { BytesColumn, ListColumn, type ColumnBuilder } from '../../../src/core/columns.ts'
import { dayOfMs } from '../../../src/core/days.ts'
import { CdcFailure } from '../../../src/core/failures.ts'
import type { RecordBlock } from '../../../src/core/records.ts'
import type { WriteJob } from '../../../src/core/jobs.ts'
import { emptySchema, type TableSchema } from '../../../src/core/schema.ts'
import { createDecoder, type Decoder } from '../../../src/debezium/decoder.ts'
import { createRowBatch } from '../../../src/rows/rowBatch.ts'
import { blockOf, envelope, keySchema, valueSchema, wrapped, type Message, type SchemaField } from '../debezium/messages.ts'

const day = dayOfMs(1_770_091_506_123)
const placeholder = 'not sent'
const numeric = (length: string, scale: string) => ({
  '__debezium.source.column.type': 'NUMERIC',
  '__debezium.source.column.length': length,
  '__debezium.source.column.scale': scale,
})

interface Column {
  readonly field: SchemaField
  /** JSON of values that every table has. */
  readonly usual: readonly string[]
  /** JSON of values that are seldom, marked, or no values of the type at all. */
  readonly unusual: readonly string[]
}

const texts = [
  '""',
  '"a"',
  '"fifteen letters"',
  '"sixteen letters!"',
  '"more than sixteen letters"',
  '"ü"',
  '"日本 🎉 x"',
  '"\\"q\\" \\\\ \\/ \\b\\f\\n\\r\\t"',
]
/** Characters that stand for bytes which are no UTF-8. */
const badBytes: Readonly<Record<string, readonly number[]>> = {
  '\ue000': [0xff],
  '\ue001': [0xed, 0xa0, 0x80], // a surrogate
  '\ue002': [0xe0, 0x9f, 0xbf], // longer than needed
  '\ue003': [0xf0, 0x8f, 0xbf, 0xbf], // longer than needed
  '\ue004': [0xf4, 0x90, 0x80, 0x80], // beyond the last character
  '\ue005': [0xc1, 0xbf], // longer than needed
  '\ue006': [0xe2, 0x82], // cut
}
const oddTexts = [
  '"a\tb"',
  ...Object.keys(badBytes).flatMap((bad) => [`"${bad}"`, `"sixteen letters! ${bad}"`]),
  '"\\u0041\\u00e9"',
  '"\\ud83c\\udf89"',
  '"\\ud83c"',
  JSON.stringify(placeholder),
  '1',
  'true',
  '{"a":1}',
  '"bad \\x"',
]

const columns: readonly Column[] = [
  {
    field: { field: 'id', type: 'int64', optional: false },
    usual: ['1', '2', '-7', '999999999999999999'],
    unusual: [
      '9223372036854775807',
      '-9223372036854775808',
      '9223372036854775808',
      '9999999999999999999',
      '1000000000000000000',
      '1.5',
      '"1"',
      '-0',
    ],
  },
  { field: { field: 'small', type: 'int32' }, usual: ['0', '42', 'null'], unusual: ['-0', '1e3'] },
  {
    field: { field: 'price', type: 'string', parameters: numeric('10', '2') },
    usual: ['"1.15"', '"-0.01"', '"0"', '"12345678.90"', 'null'],
    unusual: [
      '"NaN"',
      '"1E-1"',
      '"1E+3"',
      '"0.001"',
      '"99999999999999999999"',
      '"000000000000000000001.5"',
      '"99999999999999999.9"',
      '"999999999999999999"',
      '"-"',
      '"."',
      '""',
      '5',
    ],
  },
  {
    field: { field: 'big', type: 'string', parameters: numeric('30', '4') },
    usual: ['"123456789012345678901234.5678"', '"-1"', 'null'],
    unusual: ['"Infinity"', '"x"'],
  },
  {
    field: { field: 'any', type: 'string', parameters: numeric('0', '0') },
    usual: ['"1.50"', 'null'],
    unusual: ['"NaN"', JSON.stringify(placeholder)],
  },
  {
    field: { field: 'amount', type: 'double' },
    usual: [
      '1.5',
      '-0.25',
      '0',
      '123456789',
      '0.30000000000000004',
      '1.2345678901234567',
      '9007199254740993',
      '123456789012345.6',
      '1234567890.123456',
      '1481152104916909.7',
      '104.37017396777195',
      '14797625319.310675',
      '1e-7',
      '-0.0',
      'null',
    ],
    unusual: ['"NaN"', '"Infinity"', '1e400', '"x"', 'true'],
  },
  {
    field: { field: 'ratio', type: 'float' },
    usual: ['0.1', '3.4028235e38', '16777216', 'null'],
    unusual: ['"-Infinity"', '"NaN"'],
  },
  { field: { field: 'paid', type: 'boolean' }, usual: ['true', 'false', 'null'], unusual: ['"t"', '1'] },
  { field: { field: 'note', type: 'string' }, usual: [...texts, 'null'], unusual: oddTexts },
  {
    field: { field: 'uuid', type: 'string', name: 'io.debezium.data.Uuid' },
    usual: ['"e3b0c442-98fc-4c14-9af6-0000d1a2b3c4"', 'null'],
    unusual: [JSON.stringify(placeholder)],
  },
  {
    field: { field: 'at', type: 'string', name: 'io.debezium.time.ZonedTimestamp' },
    usual: ['"2026-02-03T04:05:06.123456Z"', '"1969-12-31T23:59:59.9Z"', '"0001-01-01T00:00:00Z"', '"9999-12-31T23:59Z"', 'null'],
    unusual: [
      '"2026-02-03T04:05:06"',
      '"2026-02-03T04:05:06+02:00"',
      '"2026-02-03T04:05:06.123456700Z"',
      '"2026-02-03T04:05:06.1234567Z"',
      '"infinity"',
      '"+294247-01-10T04:00:54.775807Z"',
      '"2026-02-30T00:00:00Z"',
      '"2026-02-03T24:00:00Z"',
      '"2026-02-03T04:60:00Z"',
      '"2026-02-03T04:05:60Z"',
      '"2026-02-03T04:05:06.Z"',
      '"2026-02-03T04:05:Z"',
      '"2026-02-03"',
      '7',
    ],
  },
  {
    field: { field: 'wall', type: 'string', name: 'io.debezium.time.IsoTimestamp' },
    usual: ['"2026-02-03T04:05:06.123456Z"', '"2024-02-29T00:00:00"', '"2026-02-03T04:05"', 'null'],
    unusual: ['"-infinity"', '"2023-02-29T00:00:00"', '"10000-01-01T00:00:00Z"'],
  },
  {
    field: { field: 'on', type: 'string', name: 'io.debezium.time.IsoDate' },
    usual: ['"2026-02-03Z"', '"1600-02-29Z"', '"2026-02-03"', 'null'],
    unusual: ['"infinity"', '"1900-02-29Z"', '"2026-13-01Z"', '"2026-02-03ZZ"', '3'],
  },
  {
    field: { field: 'clock', type: 'string', name: 'io.debezium.time.IsoTime' },
    usual: ['"04:05:06.123456Z"', '"24:00:00Z"', 'null'],
    unusual: ['"Z"', '5'],
  },
  { field: { field: 'blob', type: 'bytes' }, usual: ['"AAEC"', '""', 'null'], unusual: ['"A"', '"*"'] },
  {
    field: { field: 'span', type: 'string', name: 'io.debezium.time.Interval' },
    usual: ['"P0Y0M0DT0H0M1.624299999S"', '"P1Y2M3DT4H5M6.5S"', 'null'],
    unusual: [JSON.stringify(placeholder)],
  },
  {
    field: { field: 'tags', type: 'array', items: { type: 'string', optional: true } },
    usual: ['[]', '["a",null,"ü"]', 'null'],
    unusual: ['["\\ud800"]', '[1]', JSON.stringify([placeholder])],
  },
  {
    field: { field: 'place', type: 'struct', name: 'io.debezium.data.geometry.Point' },
    usual: ['{"x":1.0,"y":2.0,"wkb":"AQ==","srid":null}', 'null'],
    unusual: ['[1]'],
  },
]
const fields = columns.map(({ field }) => field)
const schemaBlock = valueSchema(fields)
const keyBlock = keySchema([fields[0]!])

/** What is odd about a record, beside its values. */
type Oddity =
  | 'none'
  | 'tombstone'
  | 'spaces'
  | 'order'
  | 'stranger'
  | 'twice'
  | 'lacks'
  | 'junk'
  | 'cut'
  | 'table'
  | 'version'
  | 'truncate'
  | 'keyless'
  | 'later'
  | 'future'
  | 'odd sequence'
  | 'odd op'
  | 'other schema'
  | 'no source'
  | 'more'
  | 'no time'
const oddities: readonly Oddity[] = [
  'tombstone',
  'spaces',
  'order',
  'stranger',
  'twice',
  'lacks',
  'junk',
  'cut',
  'table',
  'version',
  'truncate',
  'keyless',
  'later',
  'future',
  'odd sequence',
  'odd op',
  'other schema',
  'no source',
  'more',
  'no time',
]

interface Drawn {
  readonly oddity: Oddity
  readonly op: 'r' | 'c' | 'u' | 'd'
  readonly values: readonly string[]
  readonly before: boolean
  readonly sequence: string | null
  readonly snapshot: unknown
  readonly lsn: number | null
  readonly txOrder: number | null
  readonly tsUs: number | null
  /** JSON of the old row, instead of one like the new row. */
  readonly old?: string
}

/** `strange`: of so many values one is unusual. */
const drawn = (strange: number): fc.Arbitrary<Drawn> =>
  fc.record({
    oddity: fc.oneof(
      { weight: strange, arbitrary: fc.constant<Oddity>('none') },
      { weight: 1, arbitrary: fc.constantFrom(...oddities) },
    ),
    op: fc.constantFrom('r', 'c', 'c', 'u', 'u', 'd'),
    values: fc.tuple(
      ...columns.map(({ usual, unusual }) =>
        fc.oneof(
          { weight: strange * columns.length, arbitrary: fc.constantFrom(...usual) },
          { weight: 1, arbitrary: fc.constantFrom(...unusual) },
        ),
      ),
    ),
    before: fc.boolean(),
    sequence: fc.constantFrom('["114126400","114126424"]', '["114126500","114126424"]', '[null,"114126424"]', null),
    snapshot: fc.constantFrom('false', 'false', 'false', 'true', 'first', 'last_in_data_collection', 'incremental', true, null),
    lsn: fc.constantFrom(114126424, 114126425, 7, null),
    txOrder: fc.constantFrom(1, 2, null),
    tsUs: fc.constantFrom(1770091506123456, 1770091506123999, null),
  })

function rowText(values: readonly string[], oddity: Oddity): string {
  const members = fields.map(({ field }, i) => `${JSON.stringify(field)}:${values[i]}`)
  if (oddity === 'order') members.reverse()
  if (oddity === 'stranger') members.push('"stranger":1')
  if (oddity === 'twice') members.push(members[3]!)
  if (oddity === 'lacks') members.splice(4, 1)
  return oddity === 'spaces' ? `{ ${members.join(' , ')} }` : `{${members.join(',')}}`
}

function messageOf(
  { oddity, op, values, before, sequence, snapshot, lsn, txOrder, tsUs, old }: Drawn,
  schemas: boolean,
): Message {
  const wrap = (schema: string, payload: string) => (schemas ? wrapped(schema, payload) : payload)
  const key = wrap(keyBlock, `{"id":${values[0]}}`)
  if (oddity === 'tombstone') return { key, value: null }
  if (oddity === 'junk') return { key, value: '{"before":1' }
  const row = rowText(values, oddity)
  const kafkaUs = 1_770_091_506_500_000
  const dayUs = 86_400_000_000
  const value = envelope({
    op: oddity === 'truncate' ? 't' : oddity === 'odd op' ? 'x' : op,
    before: old ?? (op === 'd' || before ? row : 'null'),
    after: op === 'd' || oddity === 'truncate' ? 'null' : row,
    transaction: txOrder === null ? 'null' : `{"id":"7:8","total_order":${txOrder},"data_collection_order":1}`,
    source: {
      snapshot,
      sequence: oddity === 'odd sequence' ? '["1e3"]' : sequence,
      lsn,
      ts_us: oddity === 'later' ? kafkaUs + 0.9 * dayUs : oddity === 'future' ? kafkaUs + 3 * dayUs : tsUs,
      ...(oddity === 'table' && { table: 'other' }),
      ...(oddity === 'version' && { version: '3.8.0.Final' }),
    },
  })
  const shown = oddity === 'no source' ? value.replace(/"source":\{.*?\},"transaction"/, '"source":null,"transaction"') : value
  const schema = oddity === 'other schema' ? valueSchema([...fields].reverse()) : schemaBlock
  const text = wrap(schema, shown)
  return {
    key: oddity === 'keyless' ? null : key,
    value: oddity === 'cut' ? text.slice(0, -9) : oddity === 'more' ? `${text}}` : text,
  }
}

/** `-1`: the producer gave no time. */
type Timed = Message & { readonly timestampMs: number }

function timed(message: Drawn, schemas: boolean): Timed {
  const { key, value } = messageOf(message, schemas)
  const bytes = typeof value === 'string' && /[\ue000-\ue006]/.test(value) ? withBadBytes(value) : value
  return { key, value: bytes, timestampMs: message.oddity === 'no time' ? -1 : 1_770_091_506_500 }
}

function withBadBytes(text: string): Uint8Array {
  return Buffer.concat(text.split(/([\ue000-\ue006])/).map((part) => Buffer.from(badBytes[part] ?? Buffer.from(part))))
}

interface Setting {
  readonly schemas: boolean
  readonly full: boolean
  readonly quarantine: boolean
  readonly maxRows: number
  readonly maxBytes: number
}

const declared = {
  columns: [
    'bigint',
    'integer',
    'numeric(10,2)',
    'numeric(30,4)',
    'numeric',
    'double precision',
    'real',
    'boolean',
    'text',
    'uuid',
    'timestamptz',
    'timestamp',
    'date',
    'time',
    'bytea',
    'interval',
    'text[]',
    'point',
  ].map((type, i) => ({ name: fields[i]!.field, type })),
  key: ['id'],
}

function decoderOf({ schemas, full }: Setting): Decoder {
  return createDecoder({
    placeholder,
    table: { schema: 'public', table: 'bookings' },
    declared: schemas ? null : declared,
    replicaIdentity: full ? 'full' : null,
  })
}

/** The table as its first row makes it. */
function schemaOf(setting: Setting): TableSchema {
  const values = columns.map(({ usual }) => usual[0]!)
  const first = messageOf(
    { oddity: 'none', op: 'c', values, before: false, sequence: null, snapshot: 'false', lsn: 1, txOrder: null, tsUs: 1 },
    setting.schemas,
  )
  const { columns: needed, key } = createRowBatch(emptySchema, { epoch: 0, partition: 0 }).need(
    decoderOf(setting).decode(blockOf([first]), 0)!,
  )!
  return { columns: needed, key: key ?? [] }
}

function dataOf(column: ColumnBuilder): unknown {
  const present = [...column.present.subarray(0, column.rows)]
  if (column instanceof ListColumn)
    return { present, counts: [...column.counts.subarray(0, column.values)], child: dataOf(column.child) }
  if (column instanceof BytesColumn) {
    return {
      present,
      ends: [...column.ends.subarray(0, column.values)],
      data: Buffer.from(column.data.subarray(0, column.used)).toString('latin1'),
    }
  }
  const { data } = column as ColumnBuilder & { data: Float64Array }
  return { present, data: [...data.subarray(0, column.values)] }
}

/** As real blocks are: whoever asks for more finds the memory used again. */
function* spoiltAfterUse(block: RecordBlock): Generator<RecordBlock> {
  try {
    yield block
  } finally {
    block.bytes.fill(0x78)
  }
}

function told(scan: RangeScan, steps: readonly (readonly Timed[])[], spoil: boolean): unknown {
  const seen: unknown[] = []
  let offset = 100n
  try {
    for (const messages of steps) {
      const timestamp = Float64Array.from(messages, ({ timestampMs }) => timestampMs)
      const block = { ...blockOf(messages), baseOffset: offset, timestamp }
      offset += BigInt(messages.length)
      const ended = scan.take({ blocks: spoil ? spoiltAfterUse(block) : [block], next: offset })
      seen.push([scan.batch.rows, scan.isEmpty, ended])
      if (ended) break
    }
  } catch (error) {
    if (!(error instanceof CdcFailure)) throw error
    seen.push([error.code, error.message, error.details])
  }
  return { seen, columns: scan.batch.columns.map(dataOf), end: scan.end(), facts: scan.facts(), setAside: scan.setAside }
}

function scanned(steps: readonly (readonly Timed[])[], setting: Setting, quick: boolean): { told: unknown; decoded: number } {
  const decoder = decoderOf(setting)
  let decoded = 0
  const counting: Decoder = {
    oldRows: decoder.oldRows,
    get schemaBytes() {
      return decoder.schemaBytes
    },
    decode(block, i) {
      decoded++
      return decoder.decode(block, i)
    },
    layout: (block) => (quick ? decoder.layout(block) : null),
  }
  const limits = { maxRows: setting.maxRows, maxBytes: setting.maxBytes, maxAgeMs: 0, idleWaitMs: 0 }
  const topic = { clusterId: 'c', topic: 't', id: 'i' }
  const job: WriteJob = {
    table: 'public.bookings',
    topic,
    epoch: 1,
    partition: 2,
    base: '100',
    day,
    from: '100',
    to: '999',
    limits,
  }
  const policies: ScanPolicies = setting.quarantine ? { badRecords: 'quarantine' } : {}
  return { told: told(scanRange(job, schemaOf(setting), counting, policies), steps, quick), decoded }
}

const unlimited = (schemas: boolean): Setting => ({ schemas, full: false, quarantine: true, maxRows: 1e6, maxBytes: 1e9 })
const settings = fc.record({
  schemas: fc.boolean(),
  full: fc.boolean(),
  quarantine: fc.constant(true),
  maxRows: fc.constantFrom(1_000_000, 1_000_000, 7),
  maxBytes: fc.constantFrom(1e9, 1e9, 20_000),
})
/** Runs begin after a record that was read slowly, so usual records must be many for them to be long. */
const stepsOf = (strange: number) =>
  fc.array(fc.array(drawn(strange), { minLength: 1, maxLength: 60 }), { minLength: 1, maxLength: 4 })

/** Comparing for a message takes twenty times as long as comparing. */
function expectEqual(one: unknown, other: unknown): void {
  if (!isDeepStrictEqual(one, other)) expect(one).toEqual(other)
}

describe('both ways from records to columns', () => {
  test.each([
    ['now and then strange', 60],
    ['often strange', 4],
  ])('give the same for records that are %s', (_, strange) => {
    let quick = 0
    let records = 0
    fc.assert(
      fc.property(stepsOf(strange), settings, (drawnSteps, setting) => {
        const steps = drawnSteps.map((step) => step.map((one) => timed(one, setting.schemas)))
        const one = scanned(steps, setting, true)
        const other = scanned(steps, setting, false)
        expectEqual(one.told, other.told)
        quick += other.decoded - one.decoded
        records += other.decoded
      }),
      { numRuns: 150 },
    )
    // A quick way that nobody takes would be the same, too.
    expect(quick).toBeGreaterThan(records / 20)
  })

  const usual = (op: Drawn['op'] = 'c'): Drawn => {
    const values = columns.map(({ usual }) => usual[0]!)
    // A double that is read late, before and behind whatever is strange.
    values[5] = '0.30000000000000004'
    const source = {
      sequence: '["114126400","114126424"]',
      snapshot: 'false',
      lsn: 114126424,
      txOrder: 1,
      tsUs: 1770091506123456,
    }
    return { oddity: 'none', op, values, before: true, ...source }
  }
  /** Twenty usual records, the one in question, and some after it: none but that one is read slowly. */
  function expectSame(strange: Drawn, setting: Partial<Setting> = {}): void {
    for (const schemas of [true, false]) {
      const all = { ...unlimited(schemas), ...setting }
      const records = [...Array.from({ length: 20 }, () => usual()), strange, usual('u'), usual('d'), usual('r')]
      const steps = [records.map((one) => timed(one, schemas))]
      const one = scanned(steps, all, true)
      expectEqual(one.told, scanned(steps, all, false).told)
      expect(one.decoded).toBeLessThan(records.length - 15)
    }
  }

  test.each(columns.map(({ field, usual, unusual }, i) => [field.field, i, [...usual, ...unusual]] as const))(
    'give the same for each value of %s among usual records',
    (_, i, values) => {
      for (const value of values) {
        const row = usual()
        expectSame({ ...row, values: row.values.with(i, value) })
      }
    },
  )

  test.each(oddities)('give the same for a record that is odd by: %s', (oddity) => {
    for (const op of ['c', 'u', 'd', 'r'] as const) {
      for (const full of [false, true]) {
        for (const before of [false, true]) expectSame({ ...usual(op), oddity, before }, { full })
      }
    }
  })

  test.each(['r', 'c', 'u', 'd'] as const)('give the same for what the envelope of op %s may say', (op) => {
    const one = usual(op)
    for (const sequence of ['["114126500","114126424"]', '[null,"114126424"]', '[]', '["",""]', 'x', null])
      expectSame({ ...one, sequence })
    for (const snapshot of ['true', 'first', 'last', 'incremental', 'other', true, false, null, 1])
      expectSame({ ...one, snapshot })
    for (const lsn of [114126425, 7, 0, null]) expectSame({ ...one, lsn })
    for (const txOrder of [0, 2, null]) expectSame({ ...one, txOrder })
    for (const tsUs of [1770091506123000, -1, null]) expectSame({ ...one, tsUs })
  })

  test('give the same for an old row that nobody asked for, whatever JSON it is or is not', () => {
    const values = [
      ...[
        '0',
        '-0',
        '01',
        '-',
        '1.',
        '1.5',
        '1e',
        '1e5',
        '1e+',
        '1E-7',
        '.5',
        '+1',
        '0x1',
        'nul',
        'null',
        'nulls',
        'True',
        'tru',
        'false',
      ],
      ...['""', '"\\u00e9"', '"\\u00zz"', '"\\u00"', '"\\x"', '"\\"', '"a\u0001b"', '"a', "'a'", '"sixteen letters and \\q"', ''],
      ...[
        '[]',
        '[1,2]',
        '[1 2]',
        '[1,]',
        '[,1]',
        '[',
        '[1',
        '{}',
        '{"a":1}',
        '{"a" 1}',
        '{a:1}',
        '{"a":1 "b":2}',
        '{"a":1,}',
        '{"a":}',
        '{',
      ],
      ...[64, 65, 66, 70].flatMap((depth) => [
        '['.repeat(depth) + ']'.repeat(depth),
        '{"a":'.repeat(depth) + '1' + '}'.repeat(depth),
      ]),
    ]
    for (const value of values) {
      for (const old of [value, `{"id":1,"x":${value}}`, `{"id":${value},"y":[${value}]}`]) expectSame({ ...usual('u'), old })
    }
  })

  test.each([
    ['with', true],
    ['without', false],
  ])('give the same for a record %s schemas of which any one byte is another', (_, schemas) => {
    const all = unlimited(schemas)
    const around = Array.from({ length: 20 }, () => timed(usual(), schemas))
    const one = timed(usual('u'), schemas)
    const [key, value] = [one.key, one.value].map((text) => Buffer.from(text!)) as [Buffer, Buffer]
    // Of the schema, which is compared as a whole, a byte here and there will do.
    const step = (bytes: Buffer, at: number) => (schemas && at < bytes.indexOf('"payload"') - 20 ? 61 : 1)
    const changed: Timed[] = []
    for (let at = 0; at < key.length; at += step(key, at)) changed.push({ ...one, key: withByte(key, at) })
    for (let at = 0; at < value.length; at += step(value, at)) changed.push({ ...one, value: withByte(value, at) })
    for (let from = 0; from < changed.length; from += 100) {
      // Runs of twenty between them: after shorter ones the slow way is taken for a while.
      const steps = changed.slice(from, from + 100).map((odd) => [...around, odd])
      const quick = scanned(steps, all, true)
      expectEqual(quick.told, scanned(steps, all, false).told)
      expect(quick.decoded).toBeLessThan(steps.length * 15)
    }
  })

  test('give the same for texts that are longer together, or each, than what a run has room for', () => {
    for (const lengths of [[20_000], [100_000, 3], [300_000, 1, 2], [262_143, 0, 262_144, 0, 262_145]]) {
      const records = Array.from({ length: 60 }, (_, i) => {
        const row = usual()
        return { ...row, values: row.values.with(8, JSON.stringify('x'.repeat(lengths[i % lengths.length]!))) }
      })
      const all = unlimited(false)
      const steps = [[usual(), ...records].map((one) => timed(one, false))]
      const quick = scanned(steps, all, true)
      expectEqual(quick.told, scanned(steps, all, false).told)
      if (lengths.every((length) => length < 200_000)) expect(quick.decoded).toBe(1)
    }
  })

  test.each([1, 19, 20, 21, 22, 24])('end at the same record where a range may have %i rows', (maxRows) => {
    expectSame(usual(), { maxRows })
    expectSame({ ...usual(), oddity: 'tombstone' }, { maxRows })
  })

  test.each([1, 25_000, 26_000, 27_000, 60_000])('end at the same record where a range may have %i bytes', (maxBytes) => {
    expectSame(usual(), { maxBytes })
    expectSame({ ...usual(), oddity: 'tombstone' }, { maxBytes })
  })
})

/** Another digit for a digit, else a letter's neighbour: what it is then is often still JSON, and never the same. */
function withByte(bytes: Buffer, at: number): Buffer {
  const changed = Buffer.from(bytes)
  changed[at] = bytes[at]! ^ 1
  return changed
}
