/** Recorded histories replay with today's code: a change that cannot go on where a running table stands is caught here. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker'
import { DeterminismViolationError } from '@temporalio/workflow'
import { beforeAll, expect, test } from 'vitest'
import { workflowBundle, type HistoryEvent } from '../../fakes/tables.ts'

const folder = fileURLToPath(new URL('../../replay', import.meta.url))
const recorded = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.json'))

interface Recorded {
  readonly workflowId: string
  readonly events: HistoryEvent[]
}

beforeAll(() => {
  Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions: { logging: { forward: {}, filter: 'OFF' } } })
})

function read(name: string): Recorded {
  return JSON.parse(readFileSync(`${folder}/${name}`, 'utf8')) as Recorded
}

async function replay({ workflowId, events }: Recorded): Promise<void> {
  const replayed = { workflowBundle: await workflowBundle() }
  await Worker.runReplayHistory(replayed, { events }, workflowId)
}

test('there are recorded histories', () => {
  expect(recorded.length).toBeGreaterThanOrEqual(4)
})

test.each(recorded)('%s replays', async (name) => {
  await replay(read(name))
})

test('an activity under another name is caught', async () => {
  const { workflowId, events } = read('0.1.0/messages.json')
  const text = JSON.stringify(events).replaceAll('"pollBatch"', '"pollBatches"')
  await expect(replay({ workflowId, events: JSON.parse(text) as HistoryEvent[] })).rejects.toThrow(DeterminismViolationError)
})
