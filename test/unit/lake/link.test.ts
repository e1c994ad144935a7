import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { CdcFailure, code } from '../../../src/core/failures.ts'
import { fileColumns, type TableSchema } from '../../../src/core/schema.ts'
import { linkFooter } from '../../../src/lake/linkFacts.ts'
import { adoptLink, growSchema, positionOf, type ObjectStore } from '../../../src/lake/table.ts'
import { encodeJsonFile } from '../../simulation/jsonFormat.ts'
import { claimed, factsOf, filesOf, fixture, openGrown, provenance, receipt, today, write } from './tableFixture.ts'

describe('writing a link', () => {
  it('stands under a name made of topic, epoch, partition and the end of the link before', async () => {
    const ctx = fixture()
    const outcome = await write(ctx, await openGrown(ctx), 0, 120)
    expect(outcome).toMatchObject({ adopted: false, link: { base: '100', next: '120', rows: 20, day: today } })
    expect(filesOf(ctx)).toEqual([
      'airline/public/flights/data/cdc_date=2026-11-24/airline.public.flights-0-0-00000000000000000100.parquet',
    ])
  })

  it('tells of its own bytes by size and hash', async () => {
    const ctx = fixture()
    const outcome = await write(ctx, await openGrown(ctx), 0, 120)
    const bytes = ctx.memory.objects.get(filesOf(ctx)[0]!)!
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    expect(outcome).toMatchObject({ link: { bytes: bytes.length, sha256 } })
  })

  it('has the same bytes when the same range is written again', async () => {
    const [one, other] = [fixture(), fixture()]
    await write(one, await openGrown(one), 0, 120)
    await write(other, await openGrown(other), 0, 120)
    expect(one.memory.objects.get(filesOf(one)[0]!)).toEqual(other.memory.objects.get(filesOf(other)[0]!))
  })
})

describe('adopting a link', () => {
  it('takes everything from what stands there, nothing from its own bytes', async () => {
    const ctx = fixture()
    const table = await openGrown(ctx)
    const first = await write(ctx, table, 0, 140)
    const second = await write(ctx, table, 0, 120)
    if (first === 'again' || second === 'again') throw new Error('unreachable')
    expect(second.adopted).toBe(true)
    expect(second.link).toEqual(first.link)
    expect(second.link.next).toBe('140')
  })

  /** The store does as told, and the answer is lost on the way back (or the question on the way there). */
  function losing(answer: 'before' | 'after', inner: ObjectStore): ObjectStore {
    const lost = (): CdcFailure => new CdcFailure(code.StoreUnavailable, 'the answer was lost')
    return {
      ...inner,
      upload(key) {
        const upload = inner.upload(key)
        return {
          ...upload,
          async complete() {
            if (answer === 'after') await upload.complete()
            throw lost()
          },
        }
      },
    }
  }

  it('finds its own object when the answer to the completion was lost', async () => {
    const ctx = fixture()
    const table = await openGrown(ctx)
    const outcome = await write({ ...ctx, store: losing('after', ctx.memory) }, table, 0, 120)
    expect(outcome).toMatchObject({ adopted: true, link: { next: '120', rows: 20 } })
  })

  it('asks for the range again when the completion never arrived', async () => {
    const ctx = fixture()
    const table = await openGrown(ctx)
    expect(await write({ ...ctx, store: losing('before', ctx.memory) }, table, 0, 120)).toBe('again')
  })

  it('says null where nothing stands', async () => {
    const ctx = fixture()
    const table = await openGrown(ctx)
    expect(await adoptLink(ctx, table, positionOf(table, 0))).toBeNull()
  })

  const schema: TableSchema = { columns: [{ name: 'id', type: 'long' }], key: ['id'] }
  const place = { ...claimed, epoch: 0, partition: 0, base: '100', day: today }
  const rows = Array.from({ length: 20 }, (_, i) => ({ offset: 100 + i, columns: [] }))
  const footer = linkFooter(place, schema, factsOf(100, 120))
  const file = (over: Record<string, string>, inFile = rows): Uint8Array =>
    encodeJsonFile(fileColumns(schema), inFile, { ...footer, ...over })
  const { 'cdc.next': _next, ...withoutNext } = footer

  it.each([
    ['no data file at all', new TextEncoder().encode('hello')],
    ['empty', new Uint8Array()],
    ['cut short', file({}).subarray(0, 200)],
    ['without a footer of ours', encodeJsonFile(fileColumns(schema), rows, {})],
    ['without its next', encodeJsonFile(fileColumns(schema), rows, withoutNext)],
    ['of another cluster', file({ 'cdc.cluster_id': 'cluster-b' })],
    ['of another topic', file({ 'cdc.topic': 'airline.public.customers' })],
    ['of a topic that was made again', file({ 'cdc.topic_id': 'topic-id-2' })],
    ['of another partition', file({ 'cdc.partition': '1' })],
    ['of another base', file({ 'cdc.base': '101' })],
    ['of another epoch', file({ 'cdc.epoch': '1' })],
    ['of a later format', file({ 'cdc.format': '2' })],
    ['leading backwards', file({ 'cdc.next': '99' })],
    ['leading nowhere', file({ 'cdc.next': '100' })],
    ['leading to a day before', file({ 'cdc.next_day': String(today - 1) })],
    ['with a next that is no offset', file({ 'cdc.next': 'soon' })],
    ['with fewer rows than it says', file({}, rows.slice(1))],
    ['with another schema than its columns', file({ 'cdc.schema': '{"columns":[],"key":[]}' })],
    ['with broken statistics', file({ 'cdc.stats': '{' })],
  ])('parks before an object that is %s, and never overwrites it', async (_what, bytes) => {
    const ctx = fixture()
    const table = await openGrown(ctx)
    const key = `${ctx.root}/data/cdc_date=2026-11-24/airline.public.flights-0-0-00000000000000000100.parquet`
    await ctx.memory.putIfAbsent(key, bytes)
    await expect(write(ctx, table, 0, 120)).rejects.toMatchObject({ code: code.ForeignObject })
    expect(ctx.memory.objects.get(key)).toBe(bytes)
  })

  it('looks at the log again before it says that columns do not fit', async () => {
    const ctx = fixture()
    const stale = await openGrown(ctx)
    const growth = { columns: [{ name: 'note', type: 'string' as const }], key: null }
    const grown = await growSchema(ctx, stale, growth, provenance)
    await receipt(ctx, grown, 0, 130)
    expect(await write(ctx, stale, 0, 120)).toMatchObject({ adopted: true, link: { schemaId: grown.schemaId, next: '130' } })
  })

  it('parks before a link with columns that the table does not have', async () => {
    const ctx = fixture()
    const table = await openGrown(ctx)
    const columns = [...table.schema.columns, { name: 'note', type: 'string' as const }]
    await write(ctx, { ...table, schema: { columns, key: ['id'] } }, 0, 120)
    await expect(write(ctx, table, 0, 120)).rejects.toMatchObject({ code: code.ForeignObject })
  })

  it('is fenced by a closing link', async () => {
    const ctx = fixture()
    const table = await openGrown(ctx)
    await write(ctx, table, 0, 100, { closed: 1, rows: 0, stats: null })
    await expect(write(ctx, table, 0, 120)).rejects.toMatchObject({ code: code.TopicRecreated })
  })
})
