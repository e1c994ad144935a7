/** What a plain loop of the same packages makes of the same rows: of a small backlog, for the sake of patience. */
import { randomUUID } from 'node:crypto'
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { WorkerStack } from '../scripts/stack/worker.ts'
import { alternate, standingsTable } from './alternating.ts'
import { filesBelow } from './bucket.ts'
import { meter } from './meter.ts'
import type { NaivePlan } from './naive/loop.ts'
import type { Contender, Part } from './part.ts'
import { sluiceContender } from './sluiceWorker.ts'

export const naive: Part = async (bench) => {
  const topic = await bench.topic({ messages: Math.min(bench.rows, bench.quick ? 50_000 : 200_000) })
  const contenders = [sluiceContender(bench.stack), naiveContender(bench.stack)]
  const standings = await alternate(
    bench,
    contenders.map((contender) => ({ contender, topic })),
  )
  const [sluice, loop] = standings
  return {
    title: 'A plain loop of the same packages',
    text: [
      `kafkajs' eachMessage, JSON.parse, parquetjs' appendRow and PutObject, all rows in one file at the end: ${topic.messages} rows, ${bench.rounds} alternating runs. The loop takes ${(loop!.cpuUs / sluice!.cpuUs).toFixed(1)} times the CPU of Sluice a row. Both are short runs, in which the warming up of code weighs more than in the large one.`,
    ],
    tables: [standingsTable(standings)],
  }
}

function naiveContender({ kafka, s3 }: WorkerStack): Contender {
  return {
    name: 'plain loop',
    async run({ topic, messages }) {
      const prefix = `bench/naive-${randomUUID().slice(0, 8)}`
      const { endpoint, region, bucket, accessKeyId, secretAccessKey } = s3
      const plan: NaivePlan = {
        brokers: kafka.brokers,
        topic,
        messages,
        s3: { endpoint, region, credentials: { accessKeyId, secretAccessKey }, forcePathStyle: true },
        bucket,
        key: `${prefix}/rows.parquet`,
      }
      const program = fileURLToPath(new URL('naive/loop.ts', import.meta.url))
      const child = spawn(process.execPath, ['--import', 'tsx', program, JSON.stringify(plan)], {
        stdio: ['pipe', 'pipe', 'inherit'],
      })
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
      const told = async (line: string) => {
        const next = (await lines.next()) as IteratorResult<string, undefined>
        if (next.value !== line) throw new Error(`the plain loop ended before it was ${line}`)
      }
      try {
        await told('ready')
        const cost = meter(child.pid!)
        child.stdin.write('go\n')
        await told('done')
        return { ...cost.stop(), ...(await filesBelow(s3, prefix)) }
      } finally {
        child.stdin.end()
        if (child.exitCode === null) await new Promise((resolve) => child.once('exit', resolve))
      }
    },
  }
}
