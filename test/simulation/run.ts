/** Many seeds by hand: `npx tsx test/simulation/run.ts [from] [count] [decisions]`. Prints the bad ones and the rate. */
import { simulate } from './simulate.ts'
import { simulateDecisions } from './simulateDecisions.ts'

const [from, count] = [Number(process.argv[2] ?? 0), Number(process.argv[3] ?? 10_000)]
const began = process.cpuUsage()
const one = process.argv[4] === 'decisions' ? simulateDecisions : simulate
let bad = 0
for (let seed = from; seed < from + count; seed++) {
  const { wrong } = await one(seed)
  if (wrong.length > 0 && ++bad <= 20) console.log(seed, wrong.slice(0, 5))
}
const cpuSeconds = process.cpuUsage(began).user / 1e6
console.log(`${count} seeds, ${bad} bad, ${Math.round(count / cpuSeconds)} seeds per second of CPU`)
process.exitCode = bad > 0 ? 1 : 0
