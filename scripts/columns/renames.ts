/** Renames that the trigger of docker/postgres/renames.sql told: logical messages, which Debezium forwards to `<prefix>.message`. */
import { CdcFailure, code } from '../../src/core/failures.ts'
import type { KafkaDoor } from '../../src/kafka/door.ts'
import type { Rename } from '../query/today.ts'
import { recordsOf } from '../topics/records.ts'

interface Message {
  readonly message?: { readonly prefix: string; readonly content: string }
  readonly source?: { readonly lsn: number }
}

/** Those of `table` (`public.flights`) in their order. Debezium makes the topic with the first message. */
export async function renamesTold(kafka: KafkaDoor, topicPrefix: string, table: string): Promise<Rename[]> {
  const signal = AbortSignal.timeout(60_000)
  const renames: Rename[] = []
  try {
    const state = await kafka.describe(`${topicPrefix}.message`, signal)
    for await (const { value } of recordsOf(kafka, state, signal)) {
      if (value !== null) renames.push(...renameIn(value, table))
    }
  } catch (error) {
    if (!(error instanceof CdcFailure) || error.code !== code.TopicMissing) throw error
  }
  return renames
}

/** Other programs write logical messages, too: whatever is not one of ours is none of ours. */
function renameIn(value: Buffer, table: string): Rename[] {
  const parsed = JSON.parse(value.toString()) as Message & { readonly payload?: Message }
  const { message, source } = parsed.payload ?? parsed
  if (message?.prefix !== 'cdc' || !source) return []
  const { renamed } = JSON.parse(Buffer.from(message.content, 'base64').toString()) as {
    renamed?: { table: string; from: string; to: string }
  }
  return renamed?.table === table ? [{ from: renamed.from, to: renamed.to, lsn: String(source.lsn) }] : []
}
