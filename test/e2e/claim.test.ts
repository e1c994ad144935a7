/** One carrier a table (DESIGN §3), on a real Temporal server. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { WorkflowFailedError } from '@temporalio/client'
import { ApplicationFailure } from '@temporalio/common'
import { fakeTables, statusOf, until, type FakeTables } from '../fakes/tables.ts'

const { temporal } = inject('stack')
let tables: FakeTables

beforeAll(async () => {
  tables = await fakeTables(temporal)
})
afterAll(() => tables.stop())

async function failureOf(result: Promise<unknown>): Promise<ApplicationFailure> {
  const error = await result.then(
    () => new Error('it did not fail'),
    (why: unknown) => why,
  )
  expect(error).toBeInstanceOf(WorkflowFailedError)
  const { cause } = error as WorkflowFailedError
  expect(cause).toBeInstanceOf(ApplicationFailure)
  return cause as ApplicationFailure
}

/** To the last point before the end. Returns the new run's id. */
async function reset(workflowId: string, run: string): Promise<string> {
  const history = await tables.history(workflowId, run)
  const point = history.findLast((event) => event.eventType === 'EVENT_TYPE_WORKFLOW_TASK_COMPLETED')!
  const { runId } = await tables.client.workflowService.resetWorkflowExecution({
    namespace: temporal.namespace,
    workflowExecution: { workflowId, runId: run },
    workflowTaskFinishEventId: Number(point['eventId']) as never,
    requestId: randomUUID(),
    reason: 'test',
  })
  return runId
}

function flowing(handle: Awaited<ReturnType<FakeTables['start']>>): Promise<unknown> {
  return until(async () => (await statusOf(handle)).positions.length > 0)
}

test('a table flows from a plain start, and a second start fails naming the first', async () => {
  const first = await tables.start({ table: 'flights' })
  tables.rooms.append('air.public.flights', 0, 7)
  tables.rooms.append('air.public.flights', 1, 5)
  await until(async () => (await statusOf(first)).rows === 12)

  const second = await tables.start({ table: 'public.flights' })
  const failure = await failureOf(second.result())
  expect(failure.type).toBe('CDC1003')
  expect(failure.message).toContain(first.workflowId)

  const last = await first.executeUpdate('stop')
  expect(last).toMatchObject({ table: 'public.flights', health: 'stopped', rows: 12 })
  expect(await first.result()).toMatchObject({ health: 'stopped' })
})

test('of ten racing starts one carries the table', async () => {
  const handles = await Promise.all(Array.from({ length: 10 }, () => tables.start({ table: 'racing' })))
  const failed = new Set<string>()
  await until(async () => {
    for (const handle of handles) if ((await handle.describe()).status.name === 'FAILED') failed.add(handle.workflowId)
    return failed.size === 9
  })
  const running = handles.filter((handle) => !failed.has(handle.workflowId))
  expect(running).toHaveLength(1)
  for (const handle of handles.filter((h) => h !== running[0])) {
    const failure = await failureOf(handle.result())
    expect(failure.type).toBe('CDC1003')
    expect(failure.message).toContain(running[0]!.workflowId)
  }
  await running[0]!.executeUpdate('stop')
})

test('the claim of a terminated carrier is taken by the next start, under the same id or another', async () => {
  const workflowId = `same-${randomUUID()}`
  const first = await tables.start({ table: 'terminated' }, workflowId)
  await flowing(first)
  await first.terminate('test')

  const second = await tables.start({ table: 'terminated' }, workflowId)
  await flowing(second)
  await second.terminate('test')

  const third = await tables.start({ table: 'terminated' })
  await flowing(third)
  await third.executeUpdate('stop')
})

test('a stopped table can be started again', async () => {
  for (let round = 0; round < 2; round++) {
    const handle = await tables.start({ table: 'again' })
    await flowing(handle)
    await handle.executeUpdate('stop')
    await handle.result()
  }
  const claim = tables.client.workflow.getHandle(`tableClaim/${tables.pipeline}/public.again`)
  expect((await claim.describe()).status.name).not.toBe('RUNNING')
})

test('a reset that revives a former holder fails once another carries the table', async () => {
  const first = await tables.start({ table: 'revived' })
  await flowing(first)
  await first.terminate('test')
  const second = await tables.start({ table: 'revived' })
  await flowing(second)

  const runId = await reset(first.workflowId, first.firstExecutionRunId)
  const failure = await failureOf(tables.client.workflow.getHandle(first.workflowId, runId).result())
  expect(failure.type).toBe('CDC1004')
  expect(failure.message).toContain(second.workflowId)

  tables.rooms.append('air.public.revived', 0, 3)
  await until(async () => (await statusOf(second)).rows === 3)
  await second.executeUpdate('stop')
})

test('a reset of the carrier itself goes on, and keeps its claim', async () => {
  const first = await tables.start({ table: 'reset' })
  tables.rooms.append('air.public.reset', 0, 2)
  await until(async () => (await statusOf(first)).rows === 2)
  const runId = await reset(first.workflowId, first.firstExecutionRunId)
  const revived = tables.client.workflow.getHandle(first.workflowId, runId)
  tables.rooms.append('air.public.reset', 0, 3)
  await until(() => tables.rooms.table('air.public.reset').log.rows === 5)

  const failure = await failureOf((await tables.start({ table: 'reset' })).result())
  expect(failure.type).toBe('CDC1003')
  await revived.executeUpdate('stop')
})

test('a wrong input fails at once and lists the known fields', async () => {
  for (const input of [{ tabel: 'flights' }, {}, 'flights', { table: 7 }, { table: 'flights', rows: 1 }, { table: '' }]) {
    const failure = await failureOf((await tables.start(input)).result())
    expect(failure.type).toBe('CDC1001')
    expect(failure.nonRetryable).toBe(true)
    expect(failure.message).toContain('known fields: table')
  }
})
