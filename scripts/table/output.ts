/** What a command leaves behind: text for people or one JSON document, and the exit code. */
import process from 'node:process'
import { parseArgs } from 'node:util'
import { CdcFailure, code } from '../../src/core/failures.ts'
import { Finding } from './finding.ts'

/** `json` goes out as `{ok, command, ...json}`. */
export interface Answer {
  readonly exit: 0 | 1
  readonly text: string
  readonly json: Readonly<Record<string, unknown>>
}

export interface Output {
  readonly exit: 0 | 1 | 2
  readonly stdout: string
  readonly stderr: string
}

export function answered({ exit, text, json: facts }: Answer, command: string, json: boolean): Output {
  return { exit, stdout: json ? line({ ok: exit === 0, command, ...facts }) : `${text}\n`, stderr: '' }
}

export function said(text: string, facts: Record<string, unknown>, json: boolean): Output {
  return { exit: 0, stdout: json ? line({ ok: true, ...facts }) : `${text}\n`, stderr: '' }
}

export function misused(problem: string, usage: string, json: boolean): Output {
  return { exit: 2, stdout: json ? line({ ok: false, problem, hint: null, code: null }) : '', stderr: `${problem}\n\n${usage}\n` }
}

/** The words of a command that takes no options but --json and --help; or what is to be said instead. */
export function wordsOf(args: readonly string[], command: string, usage: string, json: boolean): readonly string[] | Output {
  const options = { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true })
    return values.help ? answered({ exit: 0, text: usage, json: { help: usage } }, command, json) : positionals
  } catch (error) {
    return misused((error as Error).message.replace(/\. To specify.*$/s, ''), usage, json)
  }
}

/** One or two lines; the stack of what nobody foresaw only where CDC_LOG_LEVEL asks for it. */
export function failed(error: unknown, json: boolean): Output {
  const known = error instanceof CdcFailure || error instanceof Finding
  const exit = error instanceof CdcFailure && (error.code === code.InvalidConfig || error.code === code.InvalidInput) ? 2 : 1
  const message = error instanceof Error ? error.message : String(error)
  const hint = known ? error.hint : 'CDC_LOG_LEVEL=debug shows where it happened.'
  if (json) return { exit, stdout: line({ ok: false, problem: message, hint, code: known ? error.code : null }), stderr: '' }
  const debug = !known && /^(debug|trace)$/.test(process.env['CDC_LOG_LEVEL'] ?? '') && error instanceof Error
  return { exit, stdout: '', stderr: `${debug ? error.stack : message}${hint ? `\n${hint}` : ''}\n` }
}

function line(document: Record<string, unknown>): string {
  return `${JSON.stringify(document)}\n`
}
