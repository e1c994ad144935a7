/** What lies in Temporal's histories: everyone who may look at workflows reads it, so no value of a row may stand there. */
import type { RunHistory } from '../story.ts'

export async function tellingRuns(histories: AsyncIterable<RunHistory>, value: string): Promise<string[]> {
  const telling: string[] = []
  for await (const { workflowId, runId, json } of histories) {
    if (readable(json).includes(value)) telling.push(`the history of ${workflowId}, run ${runId}, holds a value of a row`)
  }
  return telling
}

/** A history as JSON and all of its payloads, which stand there in base64. */
export function readable(json: string): string {
  const texts = [json]
  JSON.parse(json, (name, value: unknown) => {
    if (name === 'data' && typeof value === 'string') texts.push(Buffer.from(value, 'base64').toString())
    return value
  })
  return texts.join('\n')
}
