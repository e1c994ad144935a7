/** DescribeConfigs v4: settings of a topic. */
import { brokerError, refused } from './brokerErrors.ts'
import type { Connections, WireRequest } from './connection.ts'
import { WireReader, WireWriter } from './wire.ts'

const topicResource = 2

export function describeConfigsRequest(topic: string, names: readonly string[]): WireRequest {
  const body = new WireWriter()
    .tags()
    .array([topic], (name, writer) =>
      writer
        .int8(topicResource)
        .string(name)
        .array(names, (key, w) => w.string(key))
        .tags(),
    )
    .boolean(false)
    .boolean(false)
    .tags()
    .end()
  return { apiKey: 32, apiVersion: 4, apiName: 'DescribeConfigs', body, throttleAt: 1 }
}

export function readDescribeConfigs(answer: Buffer): { error: number; values: Map<string, string | null> } {
  const reader = new WireReader(answer)
  reader.tags()
  reader.int32()
  const [first] = reader.array((r) => {
    const error = r.int16()
    r.nullableString()
    r.int8()
    r.string()
    const values = new Map(r.array(readEntry))
    r.tags()
    return { error, values }
  })
  return first ?? { error: -1, values: new Map() }
}

function readEntry(reader: WireReader): [string, string | null] {
  const name = reader.string()
  const value = reader.nullableString()
  reader.boolean()
  reader.int8()
  reader.boolean()
  reader.array((r) => {
    r.string()
    r.nullableString()
    r.int8()
    r.tags()
  })
  reader.int8()
  reader.nullableString()
  reader.tags()
  return [name, value]
}

/** `delete`, `compact` or `compact,delete`. Throws CDC2001. */
export async function cleanupPolicy(connections: Connections, topic: string, signal?: AbortSignal): Promise<string> {
  const request = describeConfigsRequest(topic, ['cleanup.policy'])
  const { error, values } = readDescribeConfigs(await connections.sendToAny(request, signal))
  if (error !== brokerError.none) throw refused(`the settings of ${topic}`, error)
  return values.get('cleanup.policy') ?? 'delete'
}
