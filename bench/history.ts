/** What a table cost in Temporal, by its history: of all runs, from the first one on. */
import type { Client } from '@temporalio/client'
import { median } from './median.ts'

export interface HistoryFacts {
  readonly events: number
  /** Median time from an activity's being scheduled to a worker's having it, ms. */
  readonly dispatchMs: number
  /** From the first poll's being scheduled to the end of the last commit, s. */
  readonly wallS: number
  /** Of that, while no activity was with a worker, s: Temporal and the workflow alone. */
  readonly betweenS: number
  /** Of that, while no range was being written, s. */
  readonly notWritingS: number
}

interface Activity {
  readonly name: string
  readonly scheduledMs: number
  startedMs: number
  endedMs: number
}

export async function historyFacts(client: Client, workflowId: string): Promise<HistoryFacts> {
  const { raw } = await client.workflow.getHandle(workflowId).describe()
  const activities: Activity[] = []
  let events = 0
  let runId = raw.workflowExecutionInfo?.firstRunId
  while (runId) {
    const history = await client.workflow.getHandle(workflowId, runId).fetchHistory()
    runId = undefined
    const scheduled = new Map<string, Activity>()
    for (const event of history.events ?? []) {
      events++
      const ms = Number(event.eventTime!.seconds) * 1000 + event.eventTime!.nanos! / 1e6
      const { activityTaskScheduledEventAttributes: begin, activityTaskStartedEventAttributes: start } = event
      const { activityTaskCompletedEventAttributes: end, workflowExecutionContinuedAsNewEventAttributes: next } = event
      if (begin) {
        const activity = { name: begin.activityType!.name!, scheduledMs: ms, startedMs: NaN, endedMs: NaN }
        scheduled.set(String(event.eventId), activity)
      }
      if (start) scheduled.get(String(start.scheduledEventId))!.startedMs = ms
      if (end) scheduled.get(String(end.scheduledEventId))!.endedMs = ms
      if (next) runId = next.newExecutionRunId
    }
    // One that failed, was cancelled or is not over has no end.
    activities.push(...[...scheduled.values()].filter(({ endedMs }) => !Number.isNaN(endedMs)))
  }
  const overMs = Math.max(...activities.filter(({ name }) => name === 'commitOffsets').map(({ endedMs }) => endedMs))
  const [first] = activities.filter(({ name }) => name === 'pollBatch')
  const carrying = activities.filter(({ scheduledMs, endedMs }) => scheduledMs >= first!.scheduledMs && endedMs <= overMs)
  const wallMs = overMs - first!.scheduledMs
  return {
    events,
    dispatchMs: median(carrying.map(({ scheduledMs, startedMs }) => startedMs - scheduledMs)),
    wallS: wallMs / 1000,
    betweenS: (wallMs - coveredMs(carrying)) / 1000,
    notWritingS: (wallMs - coveredMs(carrying.filter(({ name }) => name === 'writeParquet'))) / 1000,
  }
}

/** How long at least one of them was with a worker. */
function coveredMs(activities: readonly Activity[]): number {
  let [covered, untilMs] = [0, 0]
  for (const { startedMs, endedMs } of [...activities].sort((a, b) => a.startedMs - b.startedMs)) {
    covered += Math.max(0, endedMs - Math.max(startedMs, untilMs))
    untilMs = Math.max(untilMs, endedMs)
  }
  return covered
}
