/** What `npm run table` understands, and what it says where it does not. */
import { describe, expect, test } from 'vitest'
import { commandNames, parseTable, type Asked } from '../../../scripts/table/commandLine.ts'
import { Finding } from '../../../scripts/table/finding.ts'
import { answered, failed, misused } from '../../../scripts/table/output.ts'
import { usage } from '../../../scripts/table/usage.ts'
import { CdcFailure, code } from '../../../src/core/failures.ts'
import { sluice } from '../../../scripts/sluice.ts'

function problem(asked: Asked): string {
  return 'misuse' in asked ? asked.misuse.problem : JSON.stringify(asked)
}

describe('arguments', () => {
  test.each(commandNames.filter((name) => name !== 'list'))('%s takes one table', (command) => {
    expect(parseTable([command, 'sales.orders'])).toMatchObject({ run: { command, table: 'sales.orders', decision: null } })
    expect(problem(parseTable([command]))).toBe('the name of a table is missing')
    expect(problem(parseTable([command, 'a', 'b']))).toBe(`${command} takes one table, not a b`)
  })

  test('list takes no table', () => {
    expect(parseTable(['list', '--json'])).toMatchObject({ run: { command: 'list', table: '' } })
    expect(problem(parseTable(['list', 'flights']))).toBe('list takes no table, not flights')
  })

  test('options may stand anywhere', () => {
    expect(parseTable(['--json', 'flush', '--timeout', '5', 'flights'])).toMatchObject({
      run: { command: 'flush', timeoutMs: 5000 },
    })
  })

  test('a decision is one JSON object and goes with resume', () => {
    expect(parseTable(['resume', 'f', '--decision', '{"openEpoch":1}'])).toMatchObject({ run: { decision: { openEpoch: 1 } } })
    for (const text of ['[]', 'null', 'x', '1'])
      expect(problem(parseTable(['resume', 'f', '--decision', text]))).toContain('one JSON object')
    expect(problem(parseTable(['stop', 'f', '--decision', '{}']))).toBe('--decision goes with resume')
  })

  test('a time is a number of seconds within a day', () => {
    for (const text of ['0', '-1', 'soon', '86401', 'NaN']) {
      expect(problem(parseTable(['stop', 'f', `--timeout=${text}`]))).toBe(`--timeout takes seconds from 1 to 86400, not ${text}`)
    }
  })

  test('what is not known is named', () => {
    expect(problem(parseTable([]))).toBe('a command is missing')
    expect(problem(parseTable(['strat', 'f']))).toBe('unknown command "strat"')
    expect(problem(parseTable(['stop', 'f', '--force']))).toBe("Unknown option '--force'")
  })

  test('help is for all commands or for one', () => {
    expect(parseTable(['--help'])).toEqual({ help: null })
    expect(parseTable(['flush', '--help'])).toEqual({ help: 'flush' })
    expect(parseTable(['help', 'flush'])).toEqual({ help: 'flush' })
  })
})

describe('help', () => {
  test.each([null, ...commandNames])('of %s is as it was agreed on', async (command) => {
    await expect(`${usage(command)}\n`).toMatchFileSnapshot(`../../golden/screens/help-${command ?? 'table'}.txt`)
  })

  test('reaches the screen with exit code 0, as JSON where that is asked for', async () => {
    expect(await sluice(['table', 'stop', '--help'])).toEqual({ exit: 0, stdout: `${usage('stop')}\n`, stderr: '' })
    const { stdout } = await sluice(['table', '--help', '--json'])
    expect(JSON.parse(stdout)).toEqual({ ok: true, help: usage(null) })
  })
})

describe('exit codes', () => {
  test('wrong use is 2, with the usage where people read and a document where programs do', async () => {
    const ended = await sluice(['table', 'strat', '--json'])
    expect(ended.exit).toBe(2)
    expect(JSON.parse(ended.stdout)).toEqual({ ok: false, problem: 'unknown command "strat"', hint: null, code: null })
    expect(ended.stderr).toContain(usage(null))
    expect(misused('why', 'usage', false)).toEqual({ exit: 2, stdout: '', stderr: 'why\n\nusage\n' })
  })

  test('a backfill of no table, of two, or without any patience is wrong use', async () => {
    for (const args of [[], ['a', 'b'], ['a', '--timeout', '0'], ['a', '--since', 'x']]) {
      expect(await sluice(['backfill', ...args])).toMatchObject({ exit: 2, stdout: '' })
    }
  })

  test('an answer has its own code, and ok says the same', () => {
    const answer = { exit: 1, text: 'a screen', json: { table: 'public.f' } } as const
    expect(answered(answer, 'status', false)).toEqual({ exit: 1, stdout: 'a screen\n', stderr: '' })
    expect(JSON.parse(answered(answer, 'status', true).stdout)).toEqual({ ok: false, command: 'status', table: 'public.f' })
  })

  test('a finding is 1, a broken configuration and a name that is none are 2', () => {
    expect(failed(new Finding('gone', { hint: 'start it' }), false)).toEqual({ exit: 1, stdout: '', stderr: 'gone\nstart it\n' })
    expect(failed(new CdcFailure(code.InvalidConfig, 'x'), false).exit).toBe(2)
    expect(failed(new CdcFailure(code.InvalidInput, 'x'), false).exit).toBe(2)
    expect(failed(new CdcFailure(code.StoreUnavailable, 'x'), false).exit).toBe(1)
  })

  test('what nobody foresaw is 1 and shows no stack', () => {
    const { exit, stderr } = failed(new Error('surprise'), false)
    expect(exit).toBe(1)
    expect(stderr).toMatch(/^surprise\n/)
    expect(stderr).not.toContain('    at ')
  })
})
