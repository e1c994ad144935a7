/** More workers, more partitions, more tables, larger batches: rows a second, and what Temporal adds. */
import { count } from '../scripts/demo/screen.ts'
import { historyFacts, type HistoryFacts } from './history.ts'
import { median } from './median.ts'
import { cpuSecondsOf, meter, type Usage } from './meter.ts'
import type { Bench, Part, Table } from './part.ts'
import { catchUp, startSluice, type Sluice } from './sluiceWorker.ts'
import { declaration, makeTopic, type BenchTopic } from './topic.ts'

export const scale: Part = async (bench) => {
  const messages = Math.ceil(bench.rows / (bench.quick ? 5 : 2))
  const spread = (name: string, tables: number, partitions: number) => makeTables(bench, { name, tables, partitions, messages })
  const whole = [await bench.topic()]

  const sizes: [string, Carried][] = []
  for (const rows of ['10000', '30000', null, '300000']) {
    // Wherever the rows are chosen here, it is they that decide.
    const env = rows === null ? {} : { CDC_BATCH_MAX_ROWS: rows, CDC_BATCH_MAX_BYTES: '2GB' }
    sizes.push([rows === null ? 'default' : count(Number(rows)), await carry(bench, whole, { env })])
  }
  const twoPartitions = await spread('two-partitions', 1, 2)
  const twoTables = await spread('two-tables', 2, 1)
  const workers: [string, Carried][] = []
  for (const [what, topics] of [
    ['1 table of 2 partitions', twoPartitions],
    ['2 tables of 1 partition', twoTables],
  ] as const) {
    for (const many of [1, 2])
      workers.push([`${what}, ${many} worker${many > 1 ? 's' : ''}`, await carry(bench, topics, { workers: many })])
  }
  const shapes: [string, Carried][] = []
  for (const [tables, partitions] of [
    [1, 1],
    [1, 8],
    [1, 50],
    [8, 3],
    [50, 3],
  ] as const) {
    const topics = await spread(`${tables}-by-${partitions}`, tables, partitions)
    shapes.push([`${tables} table${tables > 1 ? 's' : ''} of ${partitions}`, await carry(bench, topics)])
  }
  const usual = sizes.find(([name]) => name === 'default')![1].histories[0]!
  return {
    title: 'Scale',
    text: [
      `Batches: ${count(whole[0]!.messages)} messages of one table with 3 partitions, by the most rows of a range (CDC_BATCH_MAX_ROWS). Events are those of the workflow's history; dispatch is the median time from an activity's being scheduled to a worker's having it; server is the CPU of Temporal's server. While nothing runs no activity is with a worker: that time is Temporal's alone. At the default size it is ${percent(usual.betweenS / usual.wallS)} of the whole.`,
      `Workers and shapes: ${count(messages)} messages in all, spread over the tables. Workers, broker, store and Temporal's server share the machine's cores.`,
    ],
    tables: [sizesTable(sizes), shapesTable('workers', workers), shapesTable('tables and their partitions', shapes)],
  }
}

function sizesTable(sizes: readonly (readonly [string, Carried])[]): Table {
  return [
    [
      'rows a range',
      'rows/s',
      'CPU us a row',
      'batches',
      'events a batch',
      'server ms a batch',
      'dispatch ms',
      'nothing runs',
      'nothing is written',
    ],
    ...sizes.map(([name, carried]) => {
      const { betweenS, notWritingS, wallS } = carried.histories[0]!
      return [name, ...figuresOf(carried), percent(betweenS / wallS), percent(notWritingS / wallS)]
    }),
  ]
}

function shapesTable(what: string, shapes: readonly (readonly [string, Carried])[]): Table {
  return [
    [what, 'rows/s', 'CPU us a row', 'batches', 'events a batch', 'server ms a batch', 'dispatch ms', 's', 'peak MiB'],
    ...shapes.map(([name, carried]) => [name, ...figuresOf(carried), carried.wallS.toFixed(1), carried.peakRssMib.toFixed(0)]),
  ]
}

function figuresOf({ messages, wallS, cpuS, batches, serverCpuS, histories }: Carried): string[] {
  return [
    count(Math.round(messages / wallS)),
    ((cpuS * 1e6) / messages).toFixed(1),
    count(batches),
    (sum(histories, ({ events }) => events) / batches).toFixed(1),
    ((serverCpuS * 1000) / batches).toFixed(0),
    median(histories.map(({ dispatchMs }) => dispatchMs)).toFixed(0),
  ]
}

const percent = (part: number) => `${(part * 100).toFixed(1)} %`

function sum<T>(of: readonly T[], figure: (each: T) => number): number {
  return of.reduce((total, each) => total + figure(each), 0)
}

interface Spread {
  readonly name: string
  readonly tables: number
  readonly partitions: number
  /** Of all tables together. */
  readonly messages: number
}

async function makeTables({ stack, step }: Bench, { name, tables, partitions, messages }: Spread): Promise<BenchTopic[]> {
  step(
    `making ${tables === 1 ? 'a topic' : `${tables} topics`} of ${partitions === 1 ? 'one partition' : `${partitions} partitions`}`,
  )
  const topics: BenchTopic[] = []
  for (let i = 1; i <= tables; i++) {
    const plan = { messages: Math.ceil(messages / tables), partitions, topicPrefix: `bench-${name}`, table: `bookings_${i}` }
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
  readonly env?: Readonly<Record<string, string>>
}

async function carry(
  { stack, step }: Bench,
  topics: readonly BenchTopic[],
  { workers = 1, env = {} }: CarryPlan = {},
): Promise<Carried> {
  const plan = { ...topics[0]!, env, tables: declaration(topics.map(({ table }) => table)) }
  const crew: Sluice[] = []
  try {
    while (crew.length < workers) crew.push(await startSluice(stack, { ...plan, ...(crew[0] && { beside: crew[0] }) }))
    const [sluice] = crew as [Sluice, ...Sluice[]]
    const server = () => cpuSecondsOf(stack.pid('temporal'))
    const serverBefore = server()
    const costs = crew.map(({ pid }) => meter(pid))
    const done = await Promise.all(topics.map((topic) => catchUp(sluice, topic)))
    const usages = costs.map((cost) => cost.stop())
    const serverCpuS = server() - serverBefore
    const histories = await Promise.all(topics.map(({ table }) => historyFacts(sluice.client, sluice.workflowId(table))))
    const messages = sum(topics, (topic) => topic.messages)
    const wallS = Math.max(...usages.map((usage) => usage.wallS))
    step(
      `${topics.length} x ${topics[0]!.partitions} partitions, ${workers} at work: ${count(Math.round(messages / wallS))} rows/s`,
    )
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
