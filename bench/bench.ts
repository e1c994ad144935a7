/**
 * How fast, how dear, how large: `npm run bench`. Starts real parts, makes the data by a fixed seed, runs the parts of the bench one
 * after another, prints a table of each and writes bench/RESULTS.md. The last line compares Sluice with Spark and with the floor.
 */
import { parseArgs } from 'node:util'
import { count, step } from '../scripts/demo/screen.ts'
import { startStack } from '../scripts/stack/start.ts'
import { catchUp } from './catchUp.ts'
import { files } from './files.ts'
import { memory } from './memory.ts'
import { naive } from './naive.ts'
import type { Bench, Figures, Part, Section } from './part.ts'
import { profile } from './profile.ts'
import { printSection, ratiosOf, writeResults } from './report.ts'
import { scale } from './scale.ts'
import { schemas } from './schemas.ts'
import { stages } from './stages.ts'
import { tail } from './tail.ts'
import { makeTopic, type BenchTopic } from './topic.ts'

const parts: Readonly<Record<string, Part>> = { stages, catchUp, naive, schemas, tail, files, memory, scale }

interface Options {
  readonly quick: boolean
  readonly rows: number
  /** Names of parts. */
  readonly only: readonly string[]
  /** Not the whole bench: its results are for the screen. */
  readonly partial: boolean
}

async function run(options: Options): Promise<boolean> {
  const stack = await startStack({
    name: 'bench',
    parts: ['kafka', 'store', 'temporal'],
    progress: (part) => step(`started ${part}`),
  })
  try {
    const topics = new Map<string, Promise<BenchTopic>>()
    const bench: Bench = {
      stack,
      quick: options.quick,
      rows: options.rows,
      rounds: options.quick ? 3 : 5,
      step,
      topic(plan = {}) {
        const whole = { schemas: false, ...plan, messages: plan.messages ?? options.rows }
        const id = JSON.stringify(Object.entries(whole).sort())
        if (!topics.has(id)) {
          step(`making a topic of ${count(whole.messages)} messages ${whole.schemas ? 'with' : 'without'} schemas`)
          topics.set(id, makeTopic(stack.kafka.brokers, whole))
        }
        return topics.get(id)!
      },
    }
    const sections: Section[] = []
    const failed: string[] = []
    for (const name of options.only) {
      step(`${name} begins`)
      try {
        const section = await { ...parts, profile }[name]!(bench)
        printSection(section)
        sections.push(section)
      } catch (error) {
        // The others are worth knowing all the same.
        console.error(`${name} failed: ${(error as Error).message}`)
        failed.push(name)
      }
    }
    const figures = Object.assign({}, ...sections.map((section) => section.figures ?? {})) as Partial<Figures>
    const file = writeResults({ sections, figures, failed, rows: options.rows, partial: options.partial })
    step(`the results stand in ${file}`)
    await stack.stop()
    console.log(ratiosOf(figures))
    return failed.length === 0
  } finally {
    await stack.stop()
  }
}

function optionsOf(args: readonly string[]): Options {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        quick: { type: 'boolean' },
        profile: { type: 'boolean' },
        rows: { type: 'string' },
        only: { type: 'string' },
      },
    })
    if (process.platform !== 'linux') throw new Error('the bench measures by /proc: it runs on Linux')
    const rows = Number(values.rows ?? 1_000_000)
    if (!(Number.isInteger(rows) && rows >= 1000)) throw new Error(`--rows takes a number from 1000 on, not ${values.rows}`)
    const only = values.profile ? ['profile'] : (values.only?.split(',') ?? Object.keys(parts))
    const unknown = only.find((name) => name !== 'profile' && !Object.hasOwn(parts, name))
    if (unknown !== undefined) throw new Error(`no part ${unknown}; parts are ${Object.keys(parts).join(', ')}`)
    const partial = Boolean(values.profile ?? values.only ?? values.rows)
    return { quick: values.quick ?? false, rows, only, partial }
  } catch (error) {
    console.error(`${(error as Error).message}\nusage: npm run bench -- [--quick] [--rows N] [--only PART,...] [--profile]`)
    process.exit(2)
  }
}

try {
  process.exitCode = (await run(optionsOf(process.argv.slice(2)))) ? 0 : 1
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
}
