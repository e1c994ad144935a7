/** What people do to workflows, with and without meaning to. Each time another table is hit. */
import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { pick, whole, type Random } from '../../random.ts'
import { fault, patienceMs } from '../fault.ts'
import type { Stage } from '../stage.ts'

const lane = 'parts'
const drawTable = (random: Random) => ({ which: whole(random, 0, 59) })

/** On the table by that number, which belongs to the fault meanwhile. */
function handled(stage: Stage, which: number, work: (table: string) => Promise<void>): Promise<void> {
  const { tables, inHand } = stage.carriers
  const table = tables[which % tables.length]!
  return inHand(table, () => work(table))
}

/** The server refuses while it is busy, has just come back, or begins the next run of a workflow: it is asked again. */
async function insist<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask()
    } catch (error) {
      if (tries === 20) throw error
      await sleep(500)
    }
  }
}

export const workflowFaults = [
  fault({
    kind: 'workflow.terminate',
    lane,
    what: 'a workflow is terminated and started anew',
    draw: drawTable,
    tell: () => 'the workflow of a table is terminated and started anew',
    strike: (stage, { which }) =>
      handled(stage, which, async (table) => {
        await insist(() => stage.carriers.handle(table).terminate('chaos'))
        await insist(() => stage.carriers.start(table))
      }),
  }),
  fault({
    kind: 'workflow.cancel',
    lane,
    what: 'a workflow is cancelled and started anew',
    draw: drawTable,
    tell: () => 'the workflow of a table is cancelled and started anew',
    strike: (stage, { which }) =>
      handled(stage, which, async (table) => {
        await insist(() => stage.carriers.handle(table).cancel())
        await stage.carriers.closed(table, patienceMs)
        await insist(() => stage.carriers.start(table))
      }),
  }),
  fault({
    kind: 'workflow.stop',
    lane,
    what: 'a table is stopped and started again',
    draw: drawTable,
    tell: () => 'a table is stopped and started again',
    strike: (stage, { which }) =>
      handled(stage, which, async (table) => {
        await insist(() => stage.carriers.handle(table).executeUpdate('stop'))
        await stage.carriers.closed(table, patienceMs)
        await insist(() => stage.carriers.start(table))
      }),
  }),
  fault({
    kind: 'workflow.reset',
    lane,
    what: 'a workflow is reset to an earlier point of its history',
    draw: (random) => ({
      ...drawTable(random),
      to: pick(random, ['FirstWorkflowTask', 'FirstWorkflowTask', 'LastWorkflowTask']),
    }),
    tell: ({ to }) => `the workflow of a table is reset to its ${to === 'FirstWorkflowTask' ? 'beginning' : 'last step'}`,
    strike: (stage, { which, to }) =>
      handled(stage, which, async (table) => {
        const { carriers } = stage
        const args = ['workflow', 'reset', '--workflow-id', carriers.idOf(table), '--type', to, '--reason', 'chaos']
        await insist(() => promisify(execFile)(carriers.temporal.cli, [...args, '--address', carriers.temporal.address]))
      }),
  }),
  fault({
    kind: 'workflow.rival',
    lane,
    what: 'a second workflow is started for a table: it has to be refused',
    draw: drawTable,
    tell: () => 'a second workflow is started for a table that has one',
    strike: (stage, { which }) =>
      handled(stage, which, async (table) => {
        const { client } = stage.carriers
        const workflowId = `rival/${stage.name}/${table}/${Date.now()}`
        const start = { workflowId, taskQueue: stage.name, args: [{ table }] }
        const rival = await insist(() => client.workflow.start('tableCdc', start))
        const refused = await rival.result().then(
          () => false,
          (error: unknown) => /CDC1003/.test(String((error as Error).cause)),
        )
        if (!refused) throw new Error(`a second workflow of ${table} was not refused`)
      }),
  }),
]
