/**
 * `npm run chaos`: real parts under load are killed, frozen, cut off and lied to by a plan drawn from a seed; then every change in
 * the lake is held against what PostgreSQL committed. Exit code 0 only if nothing is missing, twice, out of order or in need of a hand.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { catalog } from './chaos/catalog.ts'
import { keepEvidence } from './chaos/evidence.ts'
import { chosen } from './chaos/plan.ts'
import { report } from './chaos/report.ts'
import { runChaos } from './chaos/run.ts'
import { step } from './demo/screen.ts'
import { projectRoot } from './stack/places.ts'
import { startStack } from './stack/start.ts'

const usage = `usage: npm run chaos -- [--seed N] [--minutes M] [--only FAULT[,FAULT...]] [--single]

  --seed N      draws the plan; the same seed gives the same faults in the same order (default: any)
  --minutes M   how long faults strike (default 5)
  --only FAULT  only this kind (worker.kill), or a family (window); --only help lists them
  --single      one fault at a time, so that recovery times tell of one fault alone; else up to five may strike at once`

interface Options {
  readonly seed: number
  readonly minutes: number
  readonly faults: ReturnType<typeof chosen>
  readonly single: boolean
}

function optionsOf(args: readonly string[]): Options {
  try {
    const text = { type: 'string' } as const
    const flags = { seed: text, minutes: text, only: text, single: { type: 'boolean' } } as const
    const { values } = parseArgs({ args: [...args], options: flags })
    const seed = Number(values.seed ?? Math.floor(Math.random() * 1_000_000))
    const minutes = Number(values.minutes ?? 5)
    if (!Number.isInteger(seed) || seed < 0) throw new Error(`--seed takes a whole number, not ${values.seed}`)
    if (!(minutes > 0 && minutes <= 1440)) throw new Error(`--minutes takes more than 0 and up to 1440, not ${values.minutes}`)
    return { seed, minutes, faults: chosen(catalog, values.only), single: values.single ?? false }
  } catch (error) {
    console.error(`${(error as Error).message}\n${usage}`)
    process.exit(2)
  }
}

async function chaos({ seed, minutes, faults, single }: Options): Promise<boolean> {
  step(`seed ${seed}: ${minutes} minutes of ${faults.length} kinds of faults, ${single ? 'one' : 'up to five'} at a time`)
  const name = `chaos_${seed}`
  const folder = join(projectRoot, '.stack', 'chaos')
  // What fails while everything is being stopped is no news.
  let ending = false
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => (ending = true))
  const say = (text: string) => void (ending || step(text))
  const stack = await startStack({ name, progress: (part) => step(`started ${part}`) })
  let evidence = ''
  try {
    const result = await runChaos(stack, { seed, forMs: minutes * 60_000, faults, single, name, say }, async (stage, found) => {
      step('keeping the evidence')
      evidence = await keepEvidence(stage, found, join(folder, `seed-${seed}-${new Date().toISOString().replaceAll(':', '-')}`))
    })
    console.log(`\n${report(result, faults)}\n`)
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, `seed-${seed}.json`), JSON.stringify(result))
    if (evidence)
      console.log(
        `${evidence}\n\nAgain: npm run chaos -- ${process.argv.slice(2).join(' ')}${process.argv.includes('--seed') ? '' : ` --seed ${seed}`}\n`,
      )
    return result.violations.length === 0
  } finally {
    step('stopping everything')
    await stack.stop()
  }
}

try {
  process.exitCode = (await chaos(optionsOf(process.argv.slice(2)))) ? 0 : 1
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
}
