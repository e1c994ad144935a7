/** Memory of a worker: over a long backlog, against its budget, and with a wide table. */
import { setTimeout as sleep } from 'node:timers/promises'
import { count } from '../scripts/demo/screen.ts'
import { meter, type Usage } from './meter.ts'
import type { Bench, Part, Table } from './part.ts'
import { catchUp, startSluice, type SluicePlan } from './sluiceWorker.ts'
import type { BenchTopic } from './topic.ts'
import { makeWideTopic, wideDeclaration } from './wide.ts'

const slices = 10
const wideColumns = 200

export const memory: Part = async (bench) => {
  const backlog = await bench.topic({ messages: bench.rows * (bench.quick ? 2 : 10) })
  const overTime = await overBacklog(bench, backlog)
  bench.step(`making a topic of ${wideColumns} columns`)
  const wide = await makeWideTopic(bench.stack.kafka.brokers, { messages: Math.ceil(bench.rows / 10), columns: wideColumns })
  const topic = await bench.topic()
  const measured: (readonly [string, string, BenchTopic, Usage])[] = []
  for (const budget of bench.quick ? ['1GiB', '128MiB'] : ['1GiB', '256MiB', '128MiB']) {
    const env = { CDC_MEMORY_BUDGET: budget }
    measured.push(['12 columns', budget, topic, await usageOf(bench, topic, { ...topic, env })])
    const tables = wideDeclaration(wideColumns)
    measured.push([`${wideColumns} columns`, budget, wide, await usageOf(bench, wide, { ...wide, env, tables })])
  }
  const peaks = overTime.map(({ peakRssMib }) => peakRssMib)
  const half = Math.ceil(peaks.length / 2)
  const [first, second] = [peaks.slice(0, half), peaks.slice(-half)]
  return {
    title: 'Memory',
    text: [
      `A backlog of ${count(backlog.messages)} messages, in parts of about a tenth as the table's own status tells how far it is: the most that the worker held in each, ${Math.max(...first).toFixed(0)} MiB in the first half and ${Math.max(...second).toFixed(0)} MiB in the second.`,
      `The budget (memoryBudget) bounds what the ranges being written may hold together; Node, Temporal's core and the garbage that waits to be collected come on top.`,
    ],
    tables: [
      [
        ['part of the backlog', 'rows', 'peak MiB', 'rows/s', 'CPU us a row'],
        ...overTime.map(({ rows, peakRssMib, wallS, cpuS }, i) => [
          `${i + 1}`,
          count(rows),
          peakRssMib.toFixed(0),
          count(Math.round(rows / wallS)),
          ((cpuS * 1e6) / rows).toFixed(1),
        ]),
      ],
      budgetTable(measured),
    ],
  }
}

function budgetTable(measured: readonly (readonly [string, string, BenchTopic, Usage])[]): Table {
  return [
    ['table', 'budget', 'messages', 'bytes each', 'peak MiB', 'rows/s', 'CPU us a row', 'MB/s of messages'],
    ...measured.map(([name, budget, { messages, bytes }, { peakRssMib, wallS, cpuS }]) => [
      name,
      budget,
      count(messages),
      count(Math.round(bytes / messages)),
      peakRssMib.toFixed(0),
      count(Math.round(messages / wallS)),
      ((cpuS * 1e6) / messages).toFixed(1),
      (bytes / 1e6 / wallS).toFixed(0),
    ]),
  ]
}

async function usageOf({ stack, step }: Bench, topic: BenchTopic, plan: SluicePlan): Promise<Usage> {
  const sluice = await startSluice(stack, plan)
  try {
    const cost = meter(sluice.pid)
    await catchUp(sluice, topic)
    const usage = cost.stop()
    step(`${topic.table} with a budget of ${plan.env!['CDC_MEMORY_BUDGET']}: ${usage.peakRssMib.toFixed(0)} MiB`)
    return usage
  } finally {
    await sluice.stop()
  }
}

interface Slice extends Usage {
  readonly rows: number
}

const askMs = 500

/** The backlog in parts of a tenth, or of a batch where that is more. */
async function overBacklog({ stack, step }: Bench, topic: BenchTopic): Promise<Slice[]> {
  const sluice = await startSluice(stack, topic)
  try {
    const found: Slice[] = []
    let [before, cost] = [0, meter(sluice.pid)]
    const reached = (rows: number): void => {
      const usage = cost.stop()
      step(`${count(rows)} rows: ${usage.peakRssMib.toFixed(0)} MiB`)
      found.push({ rows: rows - before, ...usage })
      ;[before, cost] = [rows, meter(sluice.pid)]
    }
    const carried = catchUp(sluice, topic)
    let over = false
    carried.catch(() => undefined).finally(() => (over = true))
    while (!over) {
      await sleep(askMs)
      // A busy worker, or one that is about to begin, may not answer.
      const rows = await sluice.status(topic.table).then(
        (status) => status.rows,
        () => before,
      )
      if (rows - before >= topic.changes / slices) reached(rows)
    }
    await carried
    if (before < topic.changes) reached(topic.changes)
    cost.stop()
    return found
  } finally {
    await sluice.stop()
  }
}
