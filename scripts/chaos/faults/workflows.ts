/** What people do to workflows, with and without meaning to. Each time another table is hit. */
import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { pick, whole, type Random } from '../../random.ts'
import { fault } from '../fault.ts'
import type { Stage } from '../stage.ts'

const lane = 'parts'
const drawTable = (random: Random) => ({ which: whole(random, 0, 59) })

/** On the table by that number, which belongs to the fault meanwhile. */
function handled(stage: Stage, which: number, work: (table: string) => Promise<void>): Promise<void> {
  const { tables, inHand } = stage.carriers
  const table = tables[which % tables.length]!
  return inHand(table, () => work(table))
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
        await stage.carriers.handle(table).terminate('chaos')
        await stage.carriers.start(table)
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
        await stage.carriers.handle(table).cancel()
        await stage.carriers.closed(table, 60_000)
        await stage.carriers.start(table)
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
        await stage.carriers.handle(table).executeUpdate('stop')
        await stage.carriers.closed(table, 60_000)
        await stage.carriers.start(table)
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
        const reset = () => promisify(execFile)(carriers.temporal.cli, [...args, '--address', carriers.temporal.address])
        // The server refuses with "Workflow is busy" while it has much to do; a run may also end in between: it is asked again.
        for (let tries = 1; ; tries++) {
          try {
            await reset()
            return
          } catch (error) {
            if (tries === 20) throw error
            await sleep(500)
          }
        }
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
        const rival = await client.workflow.start('tableCdc', { workflowId, taskQueue: stage.name, args: [{ table }] })
        const refused = await rival.result().then(
          () => false,
          (error: unknown) => /CDC1003/.test(String((error as Error).cause)),
        )
        if (!refused) throw new Error(`a second workflow of ${table} was not refused`)
      }),
  }),
]
