/** The workflow of one table over rooms made of memory, on a real Temporal server. */
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest'
import { WorkflowUpdateFailedError, type WorkflowFailedError, type WorkflowHandle } from '@temporalio/client'
import { CancelledFailure, type ApplicationFailure } from '@temporalio/common'
import { CdcFailure, code } from '../../src/core/failures.ts'
import type { TableStatus } from '../../src/core/tableState.ts'
import { canarySecret, canaryValue, failing, pause, type FakeTable } from '../fakes/rooms.ts'
import { fakeTables, statusOf, until, type FakeTables } from '../fakes/tables.ts'

const { temporal } = inject('stack')
let tables: FakeTables

beforeAll(async () => {
  tables = await fakeTables(temporal, { env: { CDC_BATCHES_PER_RUN: '5' } })
})
afterAll(() => tables.stop())
afterEach(() => {
  tables.rooms.onWrite = () => Promise.resolve()
  tables.rooms.onCommit = () => Promise.resolve()
})

interface Carried {
  readonly handle: WorkflowHandle
  readonly memory: FakeTable
  append(partition: number, records: number): void
  rows(expected: number): Promise<TableStatus>
  health(expected: TableStatus['health']): Promise<TableStatus>
  update(name: string, argument?: unknown): Promise<TableStatus>
}

async function carried(table: string): Promise<Carried> {
  const topic = `air.public.${table}`
  const memory = tables.rooms.table(topic)
  const { workflowId } = await tables.start({ table })
  // Without a run id, so that messages follow the chain through continue-as-new.
  const handle = tables.client.workflow.getHandle(workflowId)
  const when = (holds: (status: TableStatus) => boolean) =>
    until(async () => {
      const status = await statusOf(handle)
      return holds(status) && status
    })
  return {
    handle,
    memory,
    append: (partition, records) => tables.rooms.append(topic, partition, records),
    rows: (expected) => when((status) => status.rows === expected),
    health: (expected) => when((status) => status.health === expected),
    async update(name, argument) {
      const given = argument === undefined ? undefined : { args: [argument] as [unknown] }
      const answer: unknown = given ? await handle.executeUpdate(name, given) : await handle.executeUpdate(name)
      return answer as TableStatus
    },
  }
}

function gate(): { readonly open: () => void; readonly opened: Promise<void> } {
  let open = () => {}
  const opened = new Promise<void>((resolve) => (open = resolve))
  return { open: () => open(), opened }
}

async function refusal(update: Promise<unknown>): Promise<string> {
  const error = await update.then(
    () => new Error('it was not refused'),
    (why: unknown) => why as Error,
  )
  expect(error).toBeInstanceOf(WorkflowUpdateFailedError)
  return ((error as WorkflowUpdateFailedError).cause as ApplicationFailure).message
}

describe('the loop', () => {
  test('every record is carried once, in order, over many batches and runs', async () => {
    const table = await carried('many')
    let rows = 0
    for (let round = 1; round <= 12; round++) {
      table.append(0, round)
      table.append(1, 2)
      rows += round + 2
      await table.rows(rows)
    }
    const { runId } = await table.handle.describe()
    const status = await statusOf(table.handle)
    expect(status.batches).toBeGreaterThanOrEqual(12)
    expect(status.positions.map((p) => p.base)).toEqual(['78', '24'])
    expect(status.lag).toEqual({ records: 0, held: 0, heldSince: null })
    expect(table.memory.events.filter((event) => event === 'open').length).toBeGreaterThanOrEqual(3)
    expect((await tables.history(table.handle.workflowId, runId)).length).toBeLessThan(250)
    contiguous(table.memory.log.entries)
    await table.update('stop')
  })

  test('a plan that was made ahead goes on where the write before it ended, to its own end', async () => {
    const table = await carried('planned')
    await table.health('running')
    await table.update('pause')
    await table.update('setLimits', { maxRows: 10 })
    tables.rooms.onWrite = async (job) => {
      if (job.from !== '0') return
      await pause(1000) // the plan for [10,12) is made meanwhile
      table.append(0, 8)
      return { next: 8n }
    }
    table.append(0, 12)
    await table.update('resume')
    await table.rows(20)
    expect(table.memory.log.entries).toEqual(['0:[0,8)', '0:[8,12)', '0:[12,20)'])
    await table.update('stop')
  })

  test('batch N+1 is written while N is being committed, and N+2 waits for that commit', async () => {
    const table = await carried('ahead')
    await table.health('running')
    const first = gate()
    tables.rooms.onCommit = (receipts) => (receipts[0]?.base === '0' ? first.opened : Promise.resolve())
    table.append(0, 3)
    await until(() => table.memory.events.includes('wrote 0:[0,3)'))
    table.append(0, 4)
    await until(() => table.memory.events.includes('wrote 0:[3,7)'))
    expect(table.memory.log.entries).toEqual([])
    table.append(0, 5)
    await pause(300)
    expect(table.memory.events).not.toContain('write 0:[7,12)')
    first.open()
    await table.rows(12)
    expect(table.memory.log.entries).toEqual(['0:[0,3)', '0:[3,7)', '0:[7,12)'])
    await table.update('stop')
  })

  test('the next batch is polled while this one is being written', async () => {
    const table = await carried('polled')
    const writing = gate()
    tables.rooms.onWrite = (job) => (job.from === '0' ? writing.opened : Promise.resolve())
    table.append(0, 3)
    await until(() => table.memory.events.includes('write 0:[0,3)'))
    table.append(0, 2)
    const completed = async (type: string) => {
      const history = await tables.history(table.handle.workflowId)
      const scheduled = history.filter((e) => nameOf(e) === type).map((e) => e['eventId'])
      return history.filter((e) => scheduled.includes(attributes(e, 'activityTaskCompleted')?.['scheduledEventId'])).length
    }
    await until(async () => (await completed('pollBatch')) === 2)
    expect(await completed('writeParquet')).toBe(0)
    writing.open()
    await table.rows(5)
    await table.update('stop')
  })

  test('columns are entered after the commit that was cut for them and before the next write', async () => {
    const table = await carried('growing')
    const growth = { columns: [{ name: 'gate', type: 'string' as const }], key: null }
    tables.rooms.onWrite = (job) => Promise.resolve(job.from === '0' && job.to !== '3' ? { next: 3n, growth } : undefined)
    table.append(0, 10)
    await table.rows(10)
    const order = table.memory.events.filter((event) => event !== 'open')
    expect(order).toEqual([
      'write 0:[0,10)',
      'wrote 0:[0,3)',
      'commit 0:[0,3)',
      'grow gate',
      'write 0:[3,10)',
      'wrote 0:[3,10)',
      'commit 0:[3,10)',
    ])
    await table.update('stop')
  })

  test('a range that ends early is carried on from where it ended', async () => {
    const table = await carried('early')
    tables.rooms.onWrite = (job) => Promise.resolve({ next: minimum(BigInt(job.from) + 4n, BigInt(job.to)) })
    table.append(0, 10)
    table.append(1, 3)
    await table.rows(13)
    expect(table.memory.log.entries[0]).toBe('0:[0,4) 1:[0,3)')
    contiguous(table.memory.log.entries)
    await table.update('stop')
  })

  test('a position that moved without us is adopted', async () => {
    const table = await carried('moved')
    await table.update('setLimits', { idleWaitMs: 100 })
    await table.update('flush')
    table.memory.log.positions = table.memory.log.positions.map((p) => (p.partition === 0 ? { ...p, base: '6', seen: '6' } : p))
    table.append(0, 10)
    await until(async () => (await statusOf(table.handle)).positions[0]?.base === '10')
    expect(table.memory.log.entries.at(-1)).toBe('0:[6,10)')
    await table.update('stop')
  })

  test('an idle table writes fewer than ten history events a minute', async () => {
    const table = await carried('idle')
    await table.update('setLimits', { idleWaitMs: 200 })
    await table.update('flush')
    const polls = async () => {
      const history = await tables.history(table.handle.workflowId)
      return { polls: history.filter((event) => nameOf(event) === 'pollBatch').length, events: history.length }
    }
    const before = await polls()
    const after = await until(async () => {
      const now = await polls()
      return now.polls >= before.polls + 6 && now
    })
    const eventsAPoll = (after.events - before.events) / (after.polls - before.polls)
    const pollsAMinute = 60_000 / 120_000 // the default idleWait
    expect(eventsAPoll * pollsAMinute).toBeLessThan(10)
    await table.update('stop')
  })

  test('a worker that stops in the middle of a write loses and doubles nothing', async () => {
    const table = await carried('restarted')
    let tries = 0
    tables.rooms.onWrite = async (_job, signal) => {
      if (++tries === 1) await new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('stopped'))))
    }
    table.append(0, 9)
    await until(() => tries === 1)
    await tables.restart()
    await table.rows(9)
    expect(tries).toBe(2)
    expect(table.memory.log.entries).toEqual(['0:[0,9)'])
    await table.update('stop')
  })
})

describe('failures', () => {
  test('one that passes by itself is tried again', async () => {
    const table = await carried('passing')
    let tries = 0
    tables.rooms.onWrite = () => (++tries < 3 ? failing('StoreUnavailable', 'try later')() : Promise.resolve())
    table.append(0, 2)
    await table.rows(2)
    expect(tries).toBe(3)
    await table.update('stop')
  })

  test('one that retrying cannot mend parks the table with code and hint, and resume goes on', async () => {
    const table = await carried('parked')
    let mended = false
    tables.rooms.onWrite = (job) =>
      job.partition === 0 && !mended ? failing('TypeChanged', 'column price')() : Promise.resolve()
    table.append(0, 2)
    table.append(1, 2)
    const status = await table.health('blocked')
    expect(status.block).toMatchObject({ code: 'CDC4002', message: 'CDC4002 column price' })
    expect(status.block?.hint).toMatch(/column/)
    expect(await refusal(table.update('flush'))).toContain('CDC4002')

    mended = true
    await table.update('resume', { columns: { price: { ignore: true } } })
    await table.rows(4)
    expect(table.memory.events.filter((event) => event === 'open')).toHaveLength(2)
    await table.update('stop')
  })

  test('records that Kafka has dropped park the table as data loss', async () => {
    const table = await carried('lost')
    table.append(0, 4)
    await table.rows(4)
    await table.update('pause')
    table.append(0, 10)
    table.memory.lows[0] = 9n
    await table.update('resume')
    const { block } = await table.health('blocked')
    expect(block).toMatchObject({ code: 'CDC2004', details: { partition: 0, position: '4', low: '9' } })
    expect(await table.update('stop')).toMatchObject({
      health: 'stopped',
      rows: 4,
    })
  })

  test('a topic made anew parks the table', async () => {
    const table = await carried('anew')
    table.append(0, 4)
    await table.rows(4)
    await table.update('pause')
    table.memory.topicId = 'another'
    await table.update('resume')
    expect((await table.health('blocked')).block?.code).toBe('CDC2003')
    await table.update('stop')
  })

  test('a store that is not safe fails the workflow and gives the claim back', async () => {
    tables.rooms.onOpen = failing('StoreUnsafe', 'no If-None-Match')
    const handle = await tables.start({ table: 'unsafe' })
    const error = await handle.result().then(
      () => null,
      (why: unknown) => why as WorkflowFailedError,
    )
    tables.rooms.onOpen = () => Promise.resolve()
    expect((error?.cause as ApplicationFailure).type).toBe('CDC5002')
    await claimIsFree('unsafe')
  })
})

describe('messages', () => {
  test('pause returns with nothing in flight, and resume goes on', async () => {
    const table = await carried('pausing')
    table.append(0, 3)
    await table.rows(3)
    const paused = await table.update('pause')
    expect(paused.health).toBe('paused')
    table.append(0, 3)
    await pause(300)
    expect((await statusOf(table.handle)).rows).toBe(3)
    expect(await refusal(table.update('flush'))).toContain('paused')
    await table.update('resume')
    await table.rows(6)
    await table.update('stop')
  })

  test('a decision about columns is taken between two batches of a running table, and by a paused one, which then goes on', async () => {
    const table = await carried('deciding')
    const writing = gate()
    tables.rooms.onWrite = () => writing.opened
    table.append(0, 3)
    await until(() => table.memory.events.includes('write 0:[0,3)'))
    const decided = table.update('resume', { columns: { price: { as: 'price' } } })
    await pause(200)
    expect(await refusal(table.update('resume', { columns: { note: { as: 'note' } } }))).toContain('another decision')
    writing.open()
    expect(await decided).toMatchObject({ health: 'running', rows: 3 })
    const rules = (source: string) => `decide {"rules":[{"source":"${source}","as":"${source}"}],"key":null,"since":null}`
    expect(table.memory.events.slice(-4)).toEqual(['wrote 0:[0,3)', 'commit 0:[0,3)', 'open', rules('price')])

    await table.update('pause')
    table.append(0, 2)
    expect(await table.update('resume', { columns: { note: { as: 'note' } } })).toMatchObject({ health: 'running', rows: 3 })
    await table.rows(5)
    expect(table.memory.events.slice(-5)).toEqual(['open', rules('note'), 'write 0:[3,5)', 'wrote 0:[3,5)', 'commit 0:[3,5)'])
    await table.update('stop')
  })

  test('a decision that a running table does not ask for is refused: about its topic, about its key', async () => {
    const table = await carried('unasked')
    await table.health('running')
    expect(await refusal(table.update('resume', { admitPartitions: [3] }))).toContain('it asks for no decision')
    expect(await refusal(table.update('resume', { key: ['id'] }))).toContain('asks about its key when that changes')
    expect(table.memory.events.filter((event) => event !== 'open')).toEqual([])
    await table.update('stop')
  })

  test('flush returns once what was readable at the call is committed', async () => {
    const table = await carried('flushing')
    await table.health('running')
    for (const records of [5, 1, 8]) {
      table.append(0, records)
      table.append(1, 1)
      const ends = table.memory.ends.map(String)
      const status = await table.update('flush')
      expect(status.positions.map((p) => p.seen)).toEqual(ends)
      expect(table.memory.log.positions.map((p) => p.seen)).toEqual(ends)
    }
    await table.update('stop')
  })

  test('stop commits what is in flight and completes with the last status', async () => {
    const table = await carried('stopping')
    const writing = gate()
    tables.rooms.onWrite = () => writing.opened
    table.append(0, 3)
    await until(() => table.memory.events.includes('write 0:[0,3)'))
    const stopped = table.update('stop')
    await pause(100)
    writing.open()
    expect(await stopped).toMatchObject({ health: 'stopped', rows: 3 })
    expect(await table.handle.result()).toMatchObject({ health: 'stopped', rows: 3 })
    await claimIsFree('stopping')
  })

  test('limits are checked at once and hold until they are taken back', async () => {
    const table = await carried('limited')
    await table.update('flush')
    expect(await refusal(table.update('setLimits', { maxRow: 1 }))).toContain('maxRows, maxBytes')
    expect(await refusal(table.update('setLimits', { maxRows: 0 }))).toContain('whole number')
    const set = await table.update('setLimits', { maxRows: 2 })
    expect(set.limits?.maxRows).toBe(2)
    table.append(0, 5)
    await table.rows(5)
    for (const entry of table.memory.log.entries.slice(1)) expect(entry).toMatch(/^0:\[(0,2|2,4|4,5)\)$/)
    const back = await table.update('setLimits', { maxRows: null })
    expect(back.limits?.maxRows).toBe(100_000)
    await table.update('stop')
  })

  test('a pause survives continue-as-new and so do the totals', async () => {
    const table = await carried('lasting')
    for (let round = 1; round <= 5; round++) {
      table.append(0, 1)
      await table.rows(round)
    }
    await table.update('pause')
    await table.update('resume')
    table.append(0, 1)
    expect(await table.rows(6)).toMatchObject({ rows: 6, batches: 6 })
    await table.update('stop')
  })

  test('cancelling lets a commit in flight end and gives the claim back', async () => {
    const table = await carried('cancelled')
    const committing = gate()
    tables.rooms.onCommit = () => committing.opened
    table.append(0, 3)
    await until(() => table.memory.events.includes('wrote 0:[0,3)'))
    await until(async () => (await tables.history(table.handle.workflowId)).some((event) => nameOf(event) === 'commitOffsets'))
    await table.handle.cancel()
    await pause(100)
    committing.open()
    const error = await table.handle.result().then(
      () => null,
      (why: unknown) => why as WorkflowFailedError,
    )
    expect(error?.cause).toBeInstanceOf(CancelledFailure)
    expect(table.memory.log.entries).toEqual(['0:[0,3)'])
    await claimIsFree('cancelled')
  })
})

test('where search attributes are switched on, tables can be found by name and health', async () => {
  const found = await fakeTables(temporal, { env: { CDC_SEARCH_ATTRIBUTES: 'true' } })
  try {
    const handle = await found.start({ table: 'found' })
    found.rooms.append('air.public.found', 0, 3)
    await until(async () => (await statusOf(handle)).rows === 3)
    const { searchAttributes } = await handle.describe()
    expect(searchAttributes).toMatchObject({ CdcTable: ['public.found'], CdcHealth: ['running'] })
    expect(searchAttributes['CdcLagSeconds']?.[0]).toBeGreaterThan(0)
    await handle.executeUpdate('pause')
    expect((await handle.describe()).searchAttributes).toMatchObject({ CdcHealth: ['paused'] })
    await handle.executeUpdate('stop')
  } finally {
    await found.stop()
  }
})

test('a history holds neither values of rows nor secrets', async () => {
  const table = await carried('canary')
  let tries = 0
  tables.rooms.onWrite = () => {
    tries++
    if (tries === 1) throw new Error(`cannot convert ${canaryValue} with ${canarySecret}`)
    if (tries === 2) {
      throw new CdcFailure(code.StoreUnavailable, 'no answer', { cause: new Error(`${canaryValue} ${canarySecret}`) })
    }
    return Promise.resolve()
  }
  table.append(0, 3)
  await table.rows(3)
  await table.update('stop')
  const text = JSON.stringify(await tables.history(table.handle.workflowId))
  const payloads = [...text.matchAll(/"data":"([A-Za-z0-9+/=]*)"/g)].map((m) => Buffer.from(m[1]!, 'base64').toString())
  const told = [text, ...payloads].join('\n')
  expect(told).toContain('public.canary')
  expect(told).not.toContain(canaryValue)
  expect(told).not.toContain(canarySecret)
})

async function claimIsFree(table: string): Promise<void> {
  const claim = tables.client.workflow.getHandle(`tableClaim/${tables.pipeline}/public.${table}`)
  expect((await claim.describe()).status.name).toBe('TERMINATED')
}

function contiguous(entries: readonly string[]): void {
  const at = new Map<string, string>()
  for (const [, partition, from, to] of entries.join(' ').matchAll(/(\d+):\[(\d+),(\d+)\)/g)) {
    expect(from).toBe(at.get(partition!) ?? '0')
    at.set(partition!, to!)
  }
}

function attributes(event: Readonly<Record<string, unknown>>, kind: string): Record<string, unknown> | undefined {
  return event[`${kind}EventAttributes`] as Record<string, unknown> | undefined
}

function nameOf(event: Readonly<Record<string, unknown>>): string | undefined {
  return (attributes(event, 'activityTaskScheduled')?.['activityType'] as { name?: string } | undefined)?.name
}

function minimum(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}
