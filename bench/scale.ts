/** More workers, more partitions, more tables, larger batches: rows a second, and what Temporal adds. */
import { execFileSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { count } from '../scripts/demo/screen.ts'
import { historyFacts, type HistoryFacts } from './history.ts'
import { median } from './median.ts'
import { cpuSecondsOf, meter, type Usage } from './meter.ts'
import type { Bench, Part, Table } from './part.ts'
import { catchUp, startSluice, type Sluice } from './sluiceWorker.ts'
import { declaration, makeTopic, type BenchTopic } from './topic.ts'

export const scale: Part = async (bench) => {
  const messages = Math.ceil(bench.rows / (bench.quick ? 5 : 2))
  const sizes = await bySize(bench)
  const cores: Trial[] = [['on all cores', sizes.at(-1)![1]]]
  if (availableParallelism() > 1) cores.push(['apart', await carry(bench, [await bench.topic()], { apart: true })])
  const [workers, shapes] = [await byWorkers(bench, messages), await byShape(bench, messages)]
  return {
    title: 'Scale',
    text: [
      `Batches: ${count(bench.rows)} messages of one table with 3 partitions, by the most rows of a range (CDC_BATCH_MAX_ROWS). Events are those of the workflow's history; server is the CPU of Temporal's server. Between: no activity was with a worker, from the first poll to the last commit, so this time is Temporal's and the workflow's own; not writing: no range was being written.`,
      `Cores: the same messages with the default limits; apart, broker, store and Temporal's server have the first core and the worker the other ones of ${availableParallelism()}.`,
      `Workers and shapes: ${count(messages)} messages in all, spread over the tables. Dispatch is the median time from an activity's being scheduled to a worker's having it. Workers, broker, store and Temporal's server share the machine's cores.`,
    ],
    tables: [sizesTable(sizes), shapesTable('cores', cores), shapesTable('workers', workers), shapesTable('tables', shapes)],
  }
}

type Trial = readonly [name: string, carried: Carried]

async function bySize(bench: Bench): Promise<Trial[]> {
  const topics = [await bench.topic()]
  const trials: Trial[] = []
  for (const rows of ['10000', '30000', '300000']) {
    // Bytes are left out of it: it is the rows that decide.
    const env = { CDC_BATCH_MAX_ROWS: rows, CDC_BATCH_MAX_BYTES: '2GB' }
    trials.push([count(Number(rows)), await carry(bench, topics, { env })])
  }
  return [...trials, ['default', await carry(bench, topics)]]
}

async function byWorkers(bench: Bench, messages: number): Promise<Trial[]> {
  const trials: Trial[] = []
  for (const [tables, partitions] of [[1, 2] as const, [2, 1] as const]) {
    const topics = await makeTables(bench, { tables, partitions, messages })
    for (const workers of [1, 2]) trials.push([`${workers} on ${shapeOf(topics)}`, await carry(bench, topics, { workers })])
  }
  return trials
}

async function byShape(bench: Bench, messages: number): Promise<Trial[]> {
  const trials: Trial[] = []
  for (const [tables, partitions] of [[1, 1] as const, [1, 8] as const, [1, 50] as const, [8, 3] as const, [50, 3] as const]) {
    const topics = await makeTables(bench, { tables, partitions, messages })
    trials.push([shapeOf(topics), await carry(bench, topics)])
  }
  return trials
}

function shapeOf(topics: readonly BenchTopic[]): string {
  return `${topics.length} x ${topics[0]!.partitions} partitions`
}

function sizesTable(trials: readonly Trial[]): Table {
  return [
    ['rows a range', ...figureNames, 'between ms a batch', 'between', 'not writing'],
    ...trials.map(([name, carried]) => {
      const { betweenS, notWritingS, wallS } = carried.histories[0]!
      const shares = [betweenS, notWritingS].map((part) => `${((part / wallS) * 100).toFixed(1)} %`)
      return [name, ...figuresOf(carried), ((betweenS * 1000) / carried.batches).toFixed(0), ...shares]
    }),
  ]
}

function shapesTable(what: string, trials: readonly Trial[]): Table {
  return [
    [what, ...figureNames, 'dispatch ms', 's', 'peak MiB'],
    ...trials.map(([name, carried]) => {
      const dispatchMs = median(carried.histories.map((history) => history.dispatchMs))
      return [name, ...figuresOf(carried), dispatchMs.toFixed(0), carried.wallS.toFixed(1), carried.peakRssMib.toFixed(0)]
    }),
  ]
}

const figureNames = ['rows/s', 'CPU us a row', 'batches', 'events a batch', 'server ms a batch']

function figuresOf({ messages, wallS, cpuS, batches, serverCpuS, histories }: Carried): string[] {
  return [
    count(Math.round(messages / wallS)),
    ((cpuS * 1e6) / messages).toFixed(1),
    count(batches),
    (sum(histories, ({ events }) => events) / batches).toFixed(1),
    ((serverCpuS * 1000) / batches).toFixed(0),
  ]
}

/** All threads of the processes. */
function pin(pids: readonly number[], cores: string): void {
  for (const pid of pids) execFileSync('taskset', ['--all-tasks', '--pid', '--cpu-list', cores, String(pid)])
}

function sum<T>(of: readonly T[], figure: (each: T) => number): number {
  return of.reduce((total, each) => total + figure(each), 0)
}

interface Spread {
  readonly tables: number
  readonly partitions: number
  /** Of all tables together. */
  readonly messages: number
}

async function makeTables({ stack, step }: Bench, { tables, partitions, messages }: Spread): Promise<BenchTopic[]> {
  step(`making ${tables} x ${partitions} partitions`)
  const topics: BenchTopic[] = []
  for (let i = 1; i <= tables; i++) {
    const plan = {
      messages: Math.ceil(messages / tables),
      partitions,
      topicPrefix: `bench-${tables}x${partitions}`,
      table: `bookings_${i}`,
    }
    topics.push(await makeTopic(stack.kafka.brokers, plan))
  }
  return topics
}

/** Of all workers and all tables together. */
interface Carried extends Usage {
  readonly messages: number
  readonly batches: number
  /** CPU of Temporal's server. */
  readonly serverCpuS: number
  /** One a table. */
  readonly histories: readonly HistoryFacts[]
}

interface CarryPlan {
  readonly workers?: number
  /** Worker and parts do not share cores. */
  readonly apart?: boolean
  readonly env?: Readonly<Record<string, string>>
}

async function carry(
  { stack, step }: Bench,
  topics: readonly BenchTopic[],
  { workers = 1, apart = false, env = {} }: CarryPlan = {},
): Promise<Carried> {
  const plan = { ...topics[0]!, env, tables: declaration(topics.map(({ table }) => table)) }
  const crew: Sluice[] = []
  try {
    while (crew.length < workers) crew.push(await startSluice(stack, { ...plan, ...(crew[0] && { beside: crew[0] }) }))
    const [sluice] = crew as [Sluice, ...Sluice[]]
    const last = availableParallelism() - 1
    const parts = (['kafka', 'store', 'temporal'] as const).map((part) => stack.pid(part))
    if (apart)
      for (const [pids, cores] of [[parts, '0'] as const, [crew.map(({ pid }) => pid), `1-${last}`] as const]) pin(pids, cores)
    const server = () => cpuSecondsOf(stack.pid('temporal'))
    const serverBefore = server()
    const costs = crew.map(({ pid }) => meter(pid))
    const done = await Promise.all(topics.map((topic) => catchUp(sluice, topic)))
    const usages = costs.map((cost) => cost.stop())
    if (apart) pin(parts, `0-${last}`)
    const serverCpuS = server() - serverBefore
    const histories = await Promise.all(topics.map(({ table }) => historyFacts(sluice.client, sluice.workflowId(table))))
    const messages = sum(topics, (topic) => topic.messages)
    const wallS = Math.max(...usages.map((usage) => usage.wallS))
    step(`${workers} on ${shapeOf(topics)}: ${count(Math.round(messages / wallS))} rows/s`)
    return {
      messages,
      wallS,
      cpuS: sum(usages, (usage) => usage.cpuS),
      peakRssMib: sum(usages, (usage) => usage.peakRssMib),
      batches: sum(done, (status) => status.batches),
      serverCpuS,
      histories,
    }
  } finally {
    await Promise.all(crew.map((each) => each.stop()))
  }
}
