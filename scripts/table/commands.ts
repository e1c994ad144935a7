/** What each command does. The answer is what to print, as text and as JSON, and the exit code. */
import { WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError, type WorkflowHandle } from '@temporalio/client'
import type { Control } from '../../src/config/sections.ts'
import { parseTableName } from '../../src/config/tables.ts'
import type { TableStatus } from '../../src/core/tableState.ts'
import { carrierOf, claimedTables, findCarrier, workflowIdOf } from './carrier.ts'
import type { TableCommand } from './commandLine.ts'
import { Finding } from './finding.ts'
import type { Answer } from './output.ts'
import { flushScreen, listScreen, span, statusScreen, type Listed } from './screens.ts'
import { connectTemporal, describe, failureOf, lookUntil, noWorker, statusOf, workerPolls, type Temporal } from './temporal.ts'

interface Place {
  readonly temporal: Temporal
  readonly control: Control
  /** `public.flights` */
  readonly table: string
  readonly deadline: number
}

/** Throws `Finding` for what a person can mend. */
export async function runTable(command: TableCommand, control: Control): Promise<Answer> {
  const table = command.table === '' ? '' : parseTableName(command.table, control.defaultSchema).name
  const temporal = await connectTemporal()
  const place: Place = { temporal, control, table, deadline: Date.now() + command.timeoutMs }
  try {
    if (command.command === 'list') return await list(place)
    if (command.command === 'start') return await start(place)
    const workflowId = await carrierOf(temporal, control, table)
    if (!(await workerPolls(temporal, control.taskQueue))) throw noWorker(temporal, control.taskQueue)
    const handle = temporal.client.workflow.getHandle(workflowId)
    return await commands[command.command](place, handle, command)
  } finally {
    await temporal.close()
  }
}

type Speak = (place: Place, handle: WorkflowHandle, command: TableCommand) => Promise<Answer>

const commands: Readonly<Record<'status' | 'pause' | 'resume' | 'flush' | 'stop', Speak>> = {
  status: async (place, handle) => statusAnswer(place, handle),

  pause: async (place, handle) => statusAnswer(place, handle, await tell(place, handle, 'pause')),

  async resume(place, handle, { decision }) {
    const before = await statusOf(handle)
    await tell(place, handle, 'resume', decision)
    // What blocked it may block it again at once: look for a moment.
    if (before.block) {
      const until = Math.min(place.deadline, Date.now() + 3000)
      await lookUntil(until, async () => ((await statusOf(handle)).block ? true : null))
    }
    return statusAnswer(place, handle)
  },

  async flush(place, handle) {
    const before = await statusOf(handle)
    const status = await tell(place, handle, 'flush')
    const json = { table: place.table, workflowId: handle.workflowId, rowsCommitted: status.rows - before.rows, status }
    return { exit: 0, text: flushScreen(status, before), json }
  },

  async stop(place, handle) {
    const status = await tell(place, handle, 'stop')
    await within(place, handle, 'stop', () => handle.result())
    const at = status.lastCommit ? `; its last commit is version ${status.lastCommit.version}` : ''
    return {
      exit: 0,
      text: `${place.table} is stopped${at}. A later start goes on where the table ends.`,
      json: { table: place.table, workflowId: handle.workflowId, status },
    }
  },
}

async function start(place: Place): Promise<Answer> {
  const { temporal, control, table } = place
  const { client } = temporal
  const found = await findCarrier(temporal, control, table)
  const already = found.kind === 'carried'
  const workflowId = already ? found.workflowId : workflowIdOf(control, table)
  if (!already) {
    await client.workflow.start('tableCdc', {
      workflowId,
      taskQueue: control.taskQueue,
      args: [{ table }],
      workflowIdConflictPolicy: 'USE_EXISTING',
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      staticSummary: `carries ${table}`,
    })
  }
  const handle = client.workflow.getHandle(workflowId)
  const open = await lookUntil(place.deadline, async () => {
    const now = await describe(temporal, workflowId)
    if (now && !now.running) throw await failureOf(handle, workflowId, now.state)
    if (!(await workerPolls(temporal, control.taskQueue))) return null
    const status = await statusOf(handle)
    return status.positions.length > 0 || status.block ? status : null
  })
  const first = already ? `${table} is carried already.` : `${table} is started.`
  if (!open && !(await workerPolls(temporal, control.taskQueue))) {
    const { message, hint } = noWorker(temporal, control.taskQueue)
    throw new Finding(`${first} ${message}`, { hint })
  }
  const answer = await statusAnswer(place, handle, open ?? undefined)
  const json = { ...answer.json, alreadyRunning: already, open: open !== null }
  return { exit: open ? answer.exit : 1, text: `${first}\n\n${answer.text}`, json }
}

async function list({ temporal, control }: Place): Promise<Answer> {
  const names = await claimedTables(temporal, control.pipeline)
  const answers = names.length > 0 && (await workerPolls(temporal, control.taskQueue))
  const listed = await Promise.all(names.map((table) => listedTable(temporal, control, table, answers)))
  const bad = listed.some(({ status, problem }) => problem !== null || status?.block)
  return {
    exit: bad ? 1 : 0,
    text: listScreen(listed, control.pipeline, Date.now()),
    json: { pipeline: control.pipeline, tables: listed },
  }
}

async function listedTable(temporal: Temporal, control: Control, table: string, answers: boolean): Promise<Listed> {
  const found = await findCarrier(temporal, control, table)
  if (found.kind !== 'carried') {
    const workflowId = found.kind === 'ended' ? found.workflowId : '-'
    return { table, workflowId, status: null, problem: 'its workflow has ended' }
  }
  const { workflowId } = found
  if (!answers) return { table, workflowId, status: null, problem: 'no worker' }
  try {
    return { table, workflowId, status: await statusOf(temporal.client.workflow.getHandle(workflowId)), problem: null }
  } catch (error) {
    return { table, workflowId, status: null, problem: `no answer: ${(error as Error).message}` }
  }
}

async function statusAnswer({ temporal, table }: Place, handle: WorkflowHandle, known?: TableStatus): Promise<Answer> {
  const { workflowId } = handle
  const [status, described] = await Promise.all([known ?? statusOf(handle), describe(temporal, workflowId)])
  const shown = { workflowId, status, retrying: described?.retrying ?? null }
  return { exit: status.block ? 1 : 0, text: statusScreen(shown, Date.now()), json: { table, ...shown } }
}

/** Sends an update and waits for its outcome. */
async function tell(place: Place, handle: WorkflowHandle, update: string, argument?: unknown): Promise<TableStatus> {
  return within(place, handle, update, async () => {
    if (argument === undefined) return handle.executeUpdate<TableStatus, []>(update)
    return handle.executeUpdate<TableStatus, [unknown]>(update, { args: [argument] })
  })
}

async function within<T>({ temporal, table, deadline }: Place, handle: WorkflowHandle, what: string, call: () => Promise<T>) {
  const startedAt = Date.now()
  try {
    return await temporal.connection.withDeadline(deadline, call)
  } catch (error) {
    if (error instanceof WorkflowUpdateFailedError) throw new Finding(error.cause?.message ?? error.message)
    const late = error instanceof WorkflowUpdateRPCTimeoutOrCancelledError || Date.now() >= deadline
    if (!late) throw error
    throw new Finding(
      `${what} of ${table} is not done after ${span(Date.now() - startedAt)}; the wish stands and may still be obeyed.`,
      {
        hint: `Look: npm run table -- status ${table}. Give it longer with --timeout SECONDS. Workflow: ${handle.workflowId}`,
      },
    )
  }
}
