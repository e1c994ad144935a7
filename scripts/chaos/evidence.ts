/** What is kept of a run that failed: the lake, the database's own account, histories, logs, and what was done when. */
import { cp, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { copyLake } from './lakeCopy.ts'
import type { ChaosResult } from './run.ts'
import type { Stage } from './stage.ts'

/** Runs of each workflow whose histories are kept, the newest first. */
const mostRuns = 40

/** Fills the folder with all that can be had, and returns how to look at it. */
export async function keepEvidence(stage: Stage, result: ChaosResult, folder: string): Promise<string> {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'result.json'), JSON.stringify(result, null, 2))
  const lost: string[] = []
  const keep = async (what: string, work: () => Promise<void>) => {
    // The rest is worth having without it.
    await work().catch((error: unknown) => lost.push(`${what} (${(error as Error).message})`))
  }
  await keep('logs', () => cp(join(stage.stack.dir, 'logs'), join(folder, 'logs'), { recursive: true }))
  await keep('lake', () => copyLake(stage.store, join(folder, 'lake')))
  await keep('journal', () => keepJournal(stage, join(folder, 'journal')))
  await keep('histories', () => keepHistories(stage, join(folder, 'histories')))
  const lines = [
    `Evidence: ${folder}`,
    '  result.json     what struck when, what the oracles found',
    '  logs/           each worker and each part',
    '  histories/      of every workflow, for the Web UI (Import) or npx temporal workflow show',
    '  journal/        what PostgreSQL committed, one JSON line a change',
    '  lake/           the lake as it stood:',
    `    CDC_LAKE_URL=file://${join(folder, 'lake')} npm run query`,
    `    CDC_LAKE_URL=file://${join(folder, 'lake')} npm run query -- "SELECT __op, __tx_id, __kafka_partition, __kafka_offset FROM ${stage.tables[0]!.table} LIMIT 10"`,
    ...lost.map((what) => `  could not be kept: ${what}`),
  ]
  await writeFile(join(folder, 'README.txt'), lines.join('\n') + '\n')
  return lines.join('\n')
}

async function keepJournal({ databaseUrl, tables }: Stage, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    for (const { table } of tables) {
      const name = client.escapeIdentifier(table)
      const { rows } = await client.query<{ line: string }>(
        `SELECT to_jsonb(j)::text AS line FROM journal.${name} j ORDER BY journal_seq`,
      )
      await writeFile(join(folder, `${table}.jsonl`), rows.map(({ line }) => `${line}\n`).join(''))
    }
  } finally {
    await client.end()
  }
}

async function keepHistories({ carriers }: Stage, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (const table of carriers.tables) {
    let kept = 0
    for await (const { runId, json } of carriers.histories(table)) {
      await writeFile(join(folder, `${table}-${String(++kept).padStart(2, '0')}-${runId}.json`), json)
      if (kept === mostRuns) break
    }
  }
}
