/** What it costs that each message brings its schema, as Debezium's default has it. */
import { alternate, standingsTable } from './alternating.ts'
import type { Part } from './part.ts'
import { sluiceContender } from './sluiceWorker.ts'

export const schemas: Part = async (bench) => {
  const messages = bench.quick ? Math.min(bench.rows, 300_000) : bench.rows
  const matches = []
  for (const schemas of [false, true]) {
    const topic = await bench.topic({ messages, schemas })
    const bytes = Math.round(topic.bytes / messages)
    const contender = sluiceContender(bench.stack)
    matches.push({
      topic,
      contender: { ...contender, name: `${schemas ? 'with' : 'without'} schemas, ${bytes} bytes a message` },
    })
  }
  const standings = await alternate(bench, matches)
  const [without, having] = standings
  return {
    title: 'Messages with their schemas',
    text: [
      `The same changes twice, ${bench.rounds} alternating runs of Sluice each: with schemas a row takes ${(having!.cpuUs / without!.cpuUs).toFixed(2)} times the CPU.`,
    ],
    tables: [standingsTable(standings)],
  }
}
