/** Each fault strikes while the database is under load; then both sides are compared, change by change. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { storeProxy } from '../../scripts/chaos/storeProxy.ts'
import { openTestKafka, stackFacts, withAdmin } from './harness.ts'
import { died, exactlyOnce, openLane, sourceUnderLoad, until, type Lane, type Source } from './lane.ts'

let source: Source
const lanes: Lane[] = []

beforeAll(async () => {
  source = await sourceUnderLoad('faults', 40)
})
afterAll(() => Promise.all(lanes.map((lane) => lane.close())))

async function lane(fault: string): Promise<Lane> {
  const opened = await openLane(source, fault)
  lanes.push(opened)
  return opened
}

describe.concurrent('every change is in the lake exactly once', { timeout: 300_000 }, () => {
  test('when a worker is killed between the object and the log entry', async () => {
    const { worker, start, verdict } = await lane('killed-before-commit')
    const first = await worker({ CDC_FAILPOINTS: 'commit.before=kill@3' })
    const table = await start()
    await died(first)
    await worker()
    expect(await verdict(table)).toMatchObject(exactlyOnce)
  })

  test('when a worker is killed after the log entry, before its answer', async () => {
    const { worker, start, verdict } = await lane('killed-after-commit')
    const first = await worker({ CDC_FAILPOINTS: 'commit.afterEntry=kill@3' })
    const table = await start()
    await died(first)
    await worker()
    expect(await verdict(table)).toMatchObject(exactlyOnce)
  })

  test.each([
    ['killed with a thread in the middle of a file', 'write.midFile=kill@3', '2'],
    ['ended by a thread that has just put an object', 'write.afterObject=exit@3', '2'],
    ['killed in the middle of a file, without threads', 'write.midFile=kill@3', '0'],
  ])('when a worker is %s', async (what, failpoints, threads) => {
    const { worker, start, verdict } = await lane(what.replaceAll(/\W+/g, '-'))
    const first = await worker({ CDC_FAILPOINTS: failpoints, CDC_THREADS: threads })
    const table = await start()
    await died(first)
    await worker({ CDC_THREADS: threads })
    expect(await verdict(table)).toMatchObject(exactlyOnce)
  })

  test('when two workers carry one table, and one of them is killed', async () => {
    const { worker, start, batches, verdict } = await lane('two-workers')
    const [first] = await Promise.all([worker(), worker()])
    const table = await start()
    await batches(table, 3)
    process.kill(first.pid, 'SIGKILL')
    await died(first)
    expect(await verdict(table)).toMatchObject(exactlyOnce)
  })

  test('when the workflow is terminated in the middle of a batch and started anew', async () => {
    const { worker, start, batches, verdict } = await lane('terminated')
    await worker({ CDC_FAILPOINTS: 'write.beforeObject=delay:400' })
    const table = await start()
    await batches(table, 3)
    await table.terminate('a test')
    await start()
    expect(await verdict(table)).toMatchObject(exactlyOnce)
  })

  test('when the workflow is reset to its beginning', async () => {
    const { worker, start, batches, verdict } = await lane('reset')
    await worker()
    const table = await start()
    await batches(table, 3)
    const { runId } = await table.describe()
    const { cli, address } = stackFacts().temporal
    const reset = ['workflow', 'reset', '--workflow-id', table.workflowId, '--type', 'FirstWorkflowTask', '--reason', 'a test']
    // The server refuses with "Workflow is busy" while it has much to do: that is only asked again.
    await until(async () => Boolean(await promisify(execFile)(cli, [...reset, '--address', address])), 60_000)
    expect(await verdict(table)).toMatchObject(exactlyOnce)
    expect((await table.describe()).runId).not.toBe(runId)
  })

  test('when the consumer group is deleted; the next start brings it back', async () => {
    const { worker, start, batches, verdict, id } = await lane('group-deleted')
    await worker()
    const table = await start()
    await batches(table, 3)
    const group = `cdc-${id}`
    const topic = `${source.database.topicPrefix}.public.bookings`
    const kafka = openTestKafka()
    const deleteGroup = () => withAdmin((admin) => admin.deleteGroups([group]))
    try {
      await until(async () => (await kafka.groupOffsets(group, topic, [0, 1, 2])).size > 0, 60_000)
      await deleteGroup()
      expect(await verdict(table)).toMatchObject(exactlyOnce)
      await table.executeUpdate('stop')
      await deleteGroup().catch(() => undefined)
      await start()
      await until(async () => (await kafka.groupOffsets(group, topic, [0, 1, 2])).size === 3, 60_000)
    } finally {
      await kafka.close()
    }
  })

  test("when the store's answers are lost after objects and log entries were written", async () => {
    const { worker, start, verdict } = await lane('lost-answers')
    const seen = { data: 0, log: 0 }
    const proxy = await storeProxy(stackFacts().s3.endpoint, ({ method, path }) => {
      const loses =
        method === 'PUT' &&
        (path.includes('/data/') ? ++seen.data % 4 === 0 : path.includes('/_delta_log/') && ++seen.log % 2 === 0)
      return loses ? { kind: 'lose' } : null
    })
    try {
      await worker({ CDC_LAKE_ENDPOINT: proxy.endpoint })
      const table = await start()
      expect(await verdict(table)).toMatchObject(exactlyOnce)
      expect(proxy.struck.filter(({ path }) => path.includes('/data/')).length).toBeGreaterThanOrEqual(2)
      expect(proxy.struck.filter(({ path }) => path.includes('/_delta_log/')).length).toBeGreaterThanOrEqual(2)
    } finally {
      await proxy.close()
    }
  })
})
