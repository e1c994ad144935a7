/** The command line. Text for people or, with --json, one JSON document; exit code 0 fine, 1 a finding or failure, 2 wrong use. */
import process from 'node:process'
import { answered, failed, misused, said, type Output } from './table/output.ts'

const overview = `usage: npm run table -- <command> [<table>]     start, look at, pause, resume, flush or stop tables
       npm run query -- "SQL"                    read the lake
       npm run columns -- <table>                columns that were added or renamed: what older rows have in them
       npm run backfill -- <table>               read a table's rows again, into the lake
       npm run quarantine -- <table>             records of which no row could be made
       npm run topics                            Kafka: topics, partitions, offsets`

/** `args` as after `scripts/sluice.ts`: the subcommand first. */
export async function sluice(args: readonly string[]): Promise<Output> {
  const [subcommand, ...rest] = args
  const json = rest.includes('--json')
  // The AWS SDK's notice about future Node versions would stand above every answer.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true'
  try {
    if (subcommand === 'table') return await table(rest, json)
    if (subcommand === 'query') return await (await import('./query/query.ts')).query(rest, json)
    if (subcommand === 'backfill') return await backfill(rest, json)
    if (subcommand === 'columns') return await (await import('./columns/columns.ts')).columns(rest, json)
    if (subcommand === 'quarantine') return await (await import('./quarantine/quarantine.ts')).quarantine(rest, json)
    if (subcommand === 'topics') return await (await import('./topics/topics.ts')).topics(rest, json)
    if (subcommand === '--help' || subcommand === '-h' || subcommand === 'help') return said(overview, { help: overview }, json)
    return misused(`unknown subcommand ${JSON.stringify(subcommand ?? '')}`, overview, json)
  } catch (error) {
    return failed(error, json)
  }
}

async function table(args: readonly string[], json: boolean): Promise<Output> {
  const [{ parseTable }, { usage }] = await Promise.all([import('./table/commandLine.ts'), import('./table/usage.ts')])
  const asked = parseTable(args)
  if ('help' in asked) return said(usage(asked.help), { help: usage(asked.help) }, json)
  if ('misuse' in asked) return misused(asked.misuse.problem, usage(asked.misuse.command), json)
  const [{ controlOfProcess }, { runTable }] = await Promise.all([
    import('../src/config/process.ts'),
    import('./table/commands.ts'),
  ])
  const answer = await runTable(asked.run, controlOfProcess())
  return answered(answer, asked.run.command, json)
}

async function backfill(args: readonly string[], json: boolean): Promise<Output> {
  const { parseBackfill, usage } = await import('./backfill/commandLine.ts')
  const asked = parseBackfill(args)
  if ('help' in asked) return said(usage, { help: usage }, json)
  if ('misuse' in asked) return misused(asked.misuse, usage, json)
  const { runBackfill } = await import('./backfill/backfill.ts')
  const say = json ? () => {} : (line: string) => void process.stderr.write(`${line}\n`)
  return answered(await runBackfill(asked.run, say), 'backfill', json)
}

if (process.argv[1] && import.meta.filename === process.argv[1]) {
  const { exit, stdout, stderr } = await sluice(process.argv.slice(2))
  process.stdout.write(stdout)
  process.stderr.write(stderr)
  process.exitCode = exit
}
