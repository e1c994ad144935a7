/** Arguments of `backfill`, and what is said about them. Nothing here touches the world. */
import { parseArgs } from 'node:util'
import { sourceUsage } from '../table/source.ts'

export interface BackfillCommand {
  /** As the user wrote it. */
  readonly table: string
  /** SQL; null: all rows. */
  readonly where: string | null
  readonly patienceMs: number
}

export type Asked = { readonly run: BackfillCommand } | { readonly help: true } | { readonly misuse: string }

export const usage = `usage: npm run backfill -- <table> [--where SQL] [--timeout SECONDS] [--json]

Has the connector read the rows of a table again while it goes on streaming (an incremental snapshot), and waits until they are in
the lake. It mends what sent no event: rows that ALTER TABLE ... ADD COLUMN ... DEFAULT rewrote, a table that came late into the
publication, changes that Kafka lost. In the log of changes these rows have __op r and __snapshot incremental; <table>_now of
npm run query then has their values. Rows that are gone from the database are not read, so their deletes are not made up for.

Options:
  --where SQL         only rows for which this holds, as PostgreSQL has it in WHERE
  --timeout SECONDS   how long neither connector nor table may be silent (120)
  --json              one JSON document
  --help              this text

Examples:
  npm run backfill -- flights
  npm run backfill -- sales.orders --where "ordered_at >= '2026-01-01'"

Surroundings: those of npm start, by environment or tables.yaml; ${sourceUsage}.

Exit codes: 0 fine, 1 a finding or a failure, 2 wrong use.`

/** `args` without the leading `backfill`. `--json` is read by the caller. */
export function parseBackfill(args: readonly string[]): Asked {
  let parsed
  try {
    const options = {
      json: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
      where: { type: 'string' },
      timeout: { type: 'string', default: '120' },
    } as const
    parsed = parseArgs({ args: [...args], options, allowPositionals: true })
  } catch (error) {
    return { misuse: (error as Error).message.replace(/\. To specify.*$/s, '') }
  }
  const { values, positionals } = parsed
  if (values.help) return { help: true }
  const [table, ...more] = positionals
  if (table === undefined || more.length > 0) return { misuse: 'one table is expected' }
  const patienceMs = Number(values.timeout) * 1000
  if (!(patienceMs >= 1000 && patienceMs <= 86_400_000)) {
    return { misuse: `--timeout takes seconds from 1 to 86400, not ${values.timeout}` }
  }
  return { run: { table, where: values.where ?? null, patienceMs } }
}
