/** A backlog of one table from Kafka to committed Parquet: Sluice and Spark in turn on the same topic and store. */
import { alternate, standingsTable } from './alternating.ts'
import type { Part } from './part.ts'
import { sluiceContender } from './sluiceWorker.ts'
import { sparkContender } from './spark.ts'
import { sparkVersions } from './spark/install.ts'

export const catchUp: Part = async (bench) => {
  const topic = await bench.topic()
  const versions = bench.quick ? sparkVersions.slice(0, 1) : sparkVersions
  const contenders = [sluiceContender(bench.stack), ...versions.map((version) => sparkContender(bench.stack, version))]
  const standings = await alternate(
    bench,
    contenders.map((contender) => ({ contender, topic })),
  )
  const [sluice, ...sparks] = standings
  const best = {
    sparkRowsASecond: Math.max(...sparks.map(({ rowsASecond }) => rowsASecond)),
    sparkCpuUs: Math.min(...sparks.map(({ cpuUs }) => cpuUs)),
  }
  return {
    title: 'Catching up with a backlog',
    text: [
      `Medians of ${bench.rounds} alternating runs over ${topic.partitions} partitions. The clock runs from the order to begin (Sluice: the start of the workflow; Spark: the start of the query) until the last batch is committed; each run has a process of its own, whose start is not counted, so the warming up of its code is. Sluice is asked to flush, Spark runs availableNow on local[2] with the job's own settings; both write to the same S3 server.`,
      ...sparks.map(({ name, rowsASecond, cpuUs, peakRssMib }) => {
        const rows = (sluice!.rowsASecond / rowsASecond).toFixed(1)
        const memory = (sluice!.peakRssMib / peakRssMib).toFixed(2)
        return `Against ${name}: ${rows} times the rows a second, ${(sluice!.cpuUs / cpuUs).toFixed(2)} of the CPU a row, ${memory} of the memory.`
      }),
    ],
    tables: [standingsTable(standings)],
    figures: { sluiceRowsASecond: sluice!.rowsASecond, sluiceCpuUs: sluice!.cpuUs, ...best },
  }
}
