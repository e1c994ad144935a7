/**
 * Every type of PostgreSQL through the whole pipeline and back: `--rows N --seed S`. Prints types, rows and differences; exit
 * code 0 only at none. `--keep` leaves the parts running, to look at the table.
 */
import { parseArgs } from 'node:util'
import { count, step, table } from './demo/screen.ts'
import { roundtripColumns } from './roundtrip/columns.ts'
import { roundtrip, type RoundtripReport } from './roundtrip/roundtrip.ts'
import { startStack } from './stack/start.ts'

interface Options {
  readonly rows: number
  readonly seed: number
  readonly keep: boolean
}

async function run({ rows, seed, keep }: Options): Promise<boolean> {
  const stack = await startStack({ name: 'roundtrip', progress: (part) => step(`started ${part}`) })
  try {
    const report = await roundtrip(stack.facts, { rows, seed, progress: step })
    console.log(`\n${verdict(report, seed)}\n`)
    if (keep) {
      console.log(`PostgreSQL, Kafka, the lake and Temporal run on until Ctrl-C: ${stack.facts.dir}`)
      setInterval(() => undefined, 2 ** 30)
      await new Promise(() => undefined)
    }
    return report.equal
  } finally {
    step('stopping everything')
    await stack.stop()
  }
}

function verdict({ types, columns, changes, load, readers, equal }: RoundtripReport, seed: number): string {
  const head = ['reader', 'rows', 'missing', 'surplus', 'values that differ']
  const body = Object.entries(readers).map(([reader, { rows, missing, surplus, differences }]) => {
    const differ = Object.values(differences).reduce((sum, each) => sum + each.count, 0)
    return [reader, ...[rows, missing, surplus, differ].map(count)]
  })
  const { snapshot, inserts, updates, deletes } = load
  return [
    `${types} types in ${columns} columns, seed ${seed}; ${count(changes)} changes: ${count(snapshot)} read by the snapshot, ` +
      `${count(inserts)} inserts, ${count(updates)} updates, ${count(deletes)} deletes`,
    table([head, ...body]),
    ...Object.entries(readers).flatMap(([reader, { differences }]) => {
      return Object.entries(differences).map(([column, { count: n, examples }]) => {
        const type = roundtripColumns.find(({ name }) => name === column)?.type ?? ''
        const shown = examples.map(([id, nth, want, got]) => `\n    id ${id}, change ${nth}: ${text(want)} became ${text(got)}`)
        return `  ${reader}: ${column} ${type}: ${count(n)} differ${shown.join('')}`
      })
    }),
    equal ? 'EQUAL: each value is what PostgreSQL says, by all three readers.' : 'NOT EQUAL',
  ].join('\n')
}

function text(value: unknown): string {
  const json = JSON.stringify(value)
  return json.length > 200 ? `${json.slice(0, 200)}…` : json
}

function optionsOf(args: readonly string[]): Options {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { keep: { type: 'boolean' }, rows: { type: 'string' }, seed: { type: 'string' } },
    })
    const rows = Number(values.rows ?? 4000)
    const seed = Number(values.seed ?? Date.now() % 1_000_000)
    if (!(Number.isInteger(rows) && rows >= 40)) throw new Error(`--rows takes a number from 40 on, not ${values.rows}`)
    if (!Number.isInteger(seed)) throw new Error(`--seed takes a whole number, not ${values.seed}`)
    return { rows, seed, keep: values.keep ?? false }
  } catch (error) {
    console.error(`${(error as Error).message}\nusage: npm run roundtrip -- [--rows N] [--seed S] [--keep]`)
    process.exit(2)
  }
}

try {
  process.exitCode = (await run(optionsOf(process.argv.slice(2)))) ? 0 : 1
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
}
