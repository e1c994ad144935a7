/** Arguments of `table`, and what is said about them. Nothing here touches the world. */
import { parseArgs } from 'node:util'

export const commandNames = ['start', 'status', 'pause', 'resume', 'flush', 'stop', 'list'] as const
export type CommandName = (typeof commandNames)[number]

export interface TableCommand {
  readonly command: CommandName
  /** As the user wrote it; empty for `list`. */
  readonly table: string
  readonly decision: Readonly<Record<string, unknown>> | null
  readonly timeoutMs: number
}

/** Wrong use: exit code 2, with the usage of `command` (of all commands where it is null). */
export interface Misuse {
  readonly problem: string
  readonly command: CommandName | null
}

export type Asked = { readonly run: TableCommand } | { readonly help: CommandName | null } | { readonly misuse: Misuse }

const seconds: Readonly<Record<CommandName, number>> = {
  start: 10,
  status: 10,
  pause: 60,
  resume: 60,
  flush: 120,
  stop: 120,
  list: 10,
}

/** `args` without the leading `table`. `--json` is allowed everywhere and read by the caller. */
export function parseTable(args: readonly string[]): Asked {
  const [first] = args.filter((arg) => !arg.startsWith('-'))
  const command = commandNames.find((name) => name === first) ?? null
  const misuse = (problem: string): Asked => ({ misuse: { problem, command } })

  let parsed
  try {
    const options = {
      json: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
      timeout: { type: 'string' },
      decision: { type: 'string' },
    } as const
    parsed = parseArgs({ args: [...args], options, allowPositionals: true })
  } catch (error) {
    return misuse((error as Error).message.replace(/\. To specify.*$/s, ''))
  }
  const { values, positionals } = parsed
  if (values.help || positionals[0] === 'help') return { help: command ?? named(positionals[1]) }
  if (first === undefined) return misuse('a command is missing')
  if (command === null) return misuse(`unknown command ${JSON.stringify(first)}`)

  const [, table, ...more] = positionals
  if (command === 'list' ? table !== undefined : more.length > 0) {
    return misuse(`${command} takes ${command === 'list' ? 'no table' : 'one table'}, not ${positionals.slice(1).join(' ')}`)
  }
  if (command !== 'list' && table === undefined) return misuse('the name of a table is missing')
  if (values.decision !== undefined && command !== 'resume') return misuse('--decision goes with resume')
  const decision = values.decision === undefined ? null : objectOf(values.decision)
  if (decision === undefined) return misuse(`--decision takes one JSON object, not ${values.decision}`)
  const timeout = Number(values.timeout ?? seconds[command])
  if (!(timeout >= 1 && timeout <= 86_400)) return misuse(`--timeout takes seconds from 1 to 86400, not ${values.timeout}`)
  return { run: { command, table: table ?? '', decision, timeoutMs: timeout * 1000 } }
}

function named(text: string | undefined): CommandName | null {
  return commandNames.find((name) => name === text) ?? null
}

function objectOf(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
