/** Contenders run in turn, so that whatever else the machine does falls on all alike; what counts is the median of each figure. */
import { count } from '../scripts/demo/screen.ts'
import { median } from './median.ts'
import { cpuSecondsOf } from './meter.ts'
import type { Bench, Contender, Run, Table } from './part.ts'
import type { BenchTopic } from './topic.ts'

export interface Standing {
  readonly name: string
  readonly rowsASecond: number
  /** Fewest and most rows a second of a run. */
  readonly spread: readonly [number, number]
  /** us a row, of the contender's own processes. */
  readonly cpuUs: number
  /** us a row, of broker, store and Temporal's server meanwhile. */
  readonly besideUs: number
  readonly peakRssMib: number
  readonly files: number
  readonly bytes: number
}

export interface Match {
  readonly contender: Contender
  readonly topic: BenchTopic
}

/** One standing a match, in their order. */
export async function alternate(bench: Bench, matches: readonly Match[]): Promise<Standing[]> {
  const runs = matches.map((): (Run & { readonly besideS: number })[] => [])
  for (let round = 1; round <= bench.rounds; round++) {
    for (const [i, { contender, topic }] of matches.entries()) {
      const before = besideS(bench)
      const run = await contender.run(topic)
      runs[i]!.push({ ...run, besideS: besideS(bench) - before })
      const [rate, cpu] = [topic.messages / run.wallS, (run.cpuS * 1e6) / topic.messages]
      bench.step(
        `round ${round} of ${bench.rounds}: ${contender.name}: ${count(Math.round(rate))} rows/s, ` +
          `${cpu.toFixed(1)} us of CPU a row, ${run.peakRssMib.toFixed(0)} MiB`,
      )
    }
  }
  return matches.map(({ contender, topic: { messages } }, i) => {
    const rates = runs[i]!.map(({ wallS }) => messages / wallS)
    const of = (figure: (run: Run & { readonly besideS: number }) => number) => median(runs[i]!.map(figure))
    return {
      name: contender.name,
      rowsASecond: median(rates),
      spread: [Math.min(...rates), Math.max(...rates)],
      cpuUs: of(({ cpuS }) => (cpuS * 1e6) / messages),
      besideUs: of((run) => (run.besideS * 1e6) / messages),
      peakRssMib: of(({ peakRssMib }) => peakRssMib),
      files: of(({ files }) => files),
      bytes: of(({ bytes }) => bytes),
    }
  })
}

export function standingsTable(standings: readonly Standing[]): Table {
  const whole = (n: number) => count(Math.round(n))
  return [
    ['', 'rows/s', 'least to most', 'CPU us a row', 'broker, store, Temporal', 'peak MiB', 'files', 'MB'],
    ...standings.map(({ name, rowsASecond, spread, cpuUs, besideUs, peakRssMib, files, bytes }) => [
      name,
      whole(rowsASecond),
      spread.map(whole).join(' to '),
      cpuUs.toFixed(2),
      besideUs.toFixed(2),
      whole(peakRssMib),
      whole(files),
      (bytes / 1e6).toFixed(1),
    ]),
  ]
}

function besideS({ stack }: Bench): number {
  return (['kafka', 'store', 'temporal'] as const).reduce((sum, part) => sum + cpuSecondsOf(stack.pid(part)), 0)
}
