/** The help of `npm run table`, for all commands and for each. */
import type { CommandName } from './commandLine.ts'

interface Help {
  readonly line: string
  readonly about: string
  readonly options?: readonly (readonly [string, string])[]
  readonly examples: readonly string[]
}

const helps: Readonly<Record<CommandName, Help>> = {
  start: {
    line: 'start <table>',
    about:
      'Starts the workflow of a table, or says that it runs already. Waits until the table is open, then prints its status.\n' +
      'The table needs no declaration; a worker (npm start) must poll the task queue.',
    examples: ['start flights', 'start sales.orders --timeout 60'],
  },
  status: {
    line: 'status <table>',
    about:
      'Prints how a table is: health, position of each partition, lag, totals, last commit. Exit code 1 where it is blocked\n' +
      'or not carried at all.',
    examples: ['status flights', 'status flights --json'],
  },
  pause: {
    line: 'pause <table>',
    about: 'Holds a table. Returns once nothing of it is in flight; what was written is committed.',
    examples: ['pause flights'],
  },
  resume: {
    line: 'resume <table>',
    about:
      'Lets a table go on after a pause or a block: what blocked it is tried again. A decision about columns is taken by a table\n' +
      'that runs, too: so a column that was left out comes in again.',
    options: [['--decision JSON', 'an answer, where the details of a block name choices; or where values of a column go']],
    examples: ['resume flights', `resume flights --decision '{"columns":{"extra":{"as":"extra"}}}'`],
  },
  flush: {
    line: 'flush <table>',
    about: 'Returns once all that was in Kafka at the call is committed in the lake, and prints what that was.',
    examples: ['flush flights', 'flush flights --timeout 600'],
  },
  stop: {
    line: 'stop <table>',
    about: 'Commits what is in flight and ends the workflow. A later start goes on where the table ends.',
    examples: ['stop flights'],
  },
  list: {
    line: 'list',
    about: 'Lists all tables of the pipeline that are carried now. Exit code 1 where one of them is blocked.',
    examples: ['list', 'list --json'],
  },
}

const summaries: Readonly<Record<CommandName, string>> = {
  start: 'start carrying it; harmless where it is carried already',
  status: 'how it is',
  pause: 'hold it',
  resume: 'let it go on, after a pause or a block',
  flush: 'wait until all that is in Kafka now is committed',
  stop: 'end it cleanly',
  list: 'all tables that are carried',
}

const shared: readonly (readonly [string, string])[] = [
  ['--json', 'one JSON document instead of text (with npm: npm run --silent table -- ...)'],
  ['--timeout SECONDS', 'how long to wait'],
  ['--help', 'this text; with a command, more about it'],
]

const around = `Surroundings, by environment or tables.yaml:
  CDC_PIPELINE or CDC_TOPIC_PREFIX                 which pipeline (one of them must be set)
  CDC_DEFAULT_SCHEMA (public), CDC_TASK_QUEUE (cdc)
  TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_PROFILE ...   as for the temporal command

Exit codes: 0 fine, 1 a finding or a failure, 2 wrong use.`

export function usage(command: CommandName | null): string {
  if (command === null) {
    const names = Object.keys(helps) as CommandName[]
    return sections(
      'usage: npm run table -- <command> [<table>] [options]\n\nOne table, one workflow: speak to it by its name, flights or sales.orders.',
      `Commands:\n${rows(names.map((name) => [helps[name].line, summaries[name]]))}`,
      `Options:\n${rows(shared)}`,
      `Examples:\n${examples(['start flights', 'status flights', 'list --json'])}`,
      around,
    )
  }
  const { line, about, options = [], examples: some } = helps[command]
  return sections(
    `usage: npm run table -- ${line} [options]\n\n${about}`,
    `Options:\n${rows([...options, ...shared])}`,
    `Examples:\n${examples(some)}`,
    around,
  )
}

function sections(...parts: readonly string[]): string {
  return parts.join('\n\n')
}

function rows(pairs: readonly (readonly [string, string])[]): string {
  const width = Math.max(...pairs.map(([left]) => left.length))
  return pairs.map(([left, right]) => `  ${left.padEnd(width)}   ${right}`).join('\n')
}

function examples(some: readonly string[]): string {
  return some.map((line) => `  npm run table -- ${line}`).join('\n')
}
