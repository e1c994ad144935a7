/** What the commands print for people. Pure: the clock is given. */
import { reading } from '../../src/core/batchPlan.ts'
import { dayText } from '../../src/core/days.ts'
import { failureRules, isFailureCode } from '../../src/core/failures.ts'
import type { TableStatus } from '../../src/core/tableState.ts'

/** An activity that is being tried again: why a table that is not blocked stands still. */
export interface Retrying {
  readonly activity: string
  readonly attempt: number
  readonly message: string
  readonly hint: string | null
}

export interface Shown {
  readonly workflowId: string
  readonly status: TableStatus
  readonly retrying: Retrying | null
}

export function statusScreen({ workflowId, status, retrying }: Shown, nowMs: number): string {
  const { health, block, lag, lastCommit, positions } = status
  const since = `for ${span(nowMs - Date.parse(status.since))}`
  const known = block && isFailureCode(block.code) ? ` ${failureRules[block.code].name}` : ''
  const facts: [string, string][] = [
    ['table', status.table],
    ['health', block ? `blocked ${since} by ${block.code}${known}` : `${health} ${since}`],
  ]
  if (block) {
    facts.push(['what', block.message], ['to do', block.hint])
    if (Object.keys(block.details).length > 0) facts.push(['details', JSON.stringify(block.details)])
    if (known) facts.push(['more', `docs/errors.md#${block.code.toLowerCase()}`])
  }
  if (retrying) {
    facts.push(['trying', `${retrying.activity}, attempt ${retrying.attempt}: ${retrying.message}`])
    if (retrying.hint) facts.push(['to do', retrying.hint])
  }
  facts.push(
    ['workflow', workflowId],
    ['lag', `${count(lag.records)} records`],
    ...heldFacts(lag, nowMs),
    ['carried', `${count(status.rows)} rows in ${count(status.batches)} batches, ${bytes(status.bytes)}`],
    ...quarantineFacts(status),
    [
      'committed',
      lastCommit ? `version ${lastCommit.version}, ${span(nowMs - Date.parse(lastCommit.at))} ago` : 'nothing in this run yet',
    ],
  )
  const lines = aligned(facts)
  if (positions.length === 0) return `${lines}\n\nNot open yet: no position is known.`
  const head = ['partition', 'position', 'next link', 'in folder']
  const body = positions.map((p) => [String(p.partition), reading(p).toString(), p.base, `cdc_date=${dayText(p.day)}`])
  return `${lines}\n\n${grid([head, ...body])}`
}

function quarantineFacts({ quarantined, table }: TableStatus): [string, string][] {
  return quarantined === 0 ? [] : [['quarantine', `${count(quarantined)} records; look: npm run quarantine -- ${table}`]]
}

function heldFacts({ held, heldSince }: TableStatus['lag'], nowMs: number): [string, string][] {
  if (held === 0 || heldSince === null) return []
  const open = span(nowMs - Date.parse(heldSince))
  return [['held back', `${count(held)} records behind a transaction of a producer that has been open for at least ${open}`]]
}

export interface Listed {
  readonly table: string
  readonly workflowId: string
  /** Null where the carrier does not answer or has ended. */
  readonly status: TableStatus | null
  readonly problem: string | null
}

export function listScreen(tables: readonly Listed[], pipeline: string, nowMs: number): string {
  if (tables.length === 0) {
    return `No table of pipeline ${pipeline} is carried. Start one: npm run table -- start <table>`
  }
  const head = ['table', 'health', 'lag', 'rows', 'last commit', 'workflow']
  const body = tables.map(({ table, workflowId, status, problem }) => [
    table,
    status ? `${status.health}${status.block ? ` ${status.block.code}` : ''}` : (problem ?? 'unknown'),
    status ? count(status.lag.records) : '-',
    status ? count(status.rows) : '-',
    status?.lastCommit ? `${span(nowMs - Date.parse(status.lastCommit.at))} ago` : '-',
    workflowId,
  ])
  return grid([head, ...body], ['lag', 'rows', 'last commit'])
}

export function flushScreen(status: TableStatus, before: TableStatus): string {
  const rows = status.rows - before.rows
  const at = status.positions.map((p) => `${p.partition}:${reading(p)}`).join(' ')
  const version = status.lastCommit ? `; version ${status.lastCommit.version} of the log` : ''
  const done = rows > 0 ? `${count(rows)} rows were committed for it` : 'nothing was waiting'
  return `${status.table} is flushed: ${done}${version}\nall is committed up to ${at || '(no partitions)'}`
}

export function grid(rows: readonly (readonly string[])[], right: readonly string[] = ['position', 'next link']): string {
  const [head = []] = rows
  const widths = head.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)))
  const line = (row: readonly string[]) =>
    row.map((cell, i) => (right.includes(head[i]!) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))).join('  ')
  return rows.map((row) => line(row).trimEnd()).join('\n')
}

function aligned(facts: readonly (readonly [string, string])[]): string {
  const width = Math.max(...facts.map(([name]) => name.length))
  const indent = `\n${' '.repeat(width + 2)}`
  return facts.map(([name, text]) => `${name.padEnd(width)}  ${text.replaceAll('\n', indent)}`).join('\n')
}

export function count(n: number): string {
  return n.toLocaleString('en-US')
}

export function bytes(n: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB']
  const step = Math.min(units.length - 1, n < 1000 ? 0 : Math.floor(Math.log10(n) / 3))
  return `${step === 0 ? n : (n / 1000 ** step).toFixed(1)} ${units[step]}`
}

/** `0 s`, `59 s`, `3 min`, `2 h 5 min`, `4 d 3 h` */
export function span(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000))
  if (s < 60) return `${s} s`
  if (s < 3600) return `${Math.floor(s / 60)} min`
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3600)} h`
}
