import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Java } from './java.ts'
import { jvm } from './jvm.ts'
import { freePort } from './ports.ts'
import type { Run } from './run.ts'

export interface ConnectFacts {
  url: string
}

/** A Kafka Connect worker with the Debezium connector on its class path and exactly-once support for sources. */
export async function startConnect(run: Run, java: Java, jars: string, brokers: Promise<string[]>): Promise<ConnectFacts> {
  const port = await freePort()
  const data = join(run.dir, 'connect')
  await mkdir(data, { recursive: true })
  const settings = join(data, 'connect.properties')
  await writeFile(settings, connectProperties(port, await brokers))

  const main = ['org.apache.kafka.connect.cli.ConnectDistributed', settings]
  const process = jvm(java, jars, 'connect', ['-Xms128m', '-Xmx768m'], data, main)
  await run.start({
    part: 'connect',
    ...process,
    env: {},
    cwd: data,
    mark: data,
    ready: { http: `http://127.0.0.1:${port}/connectors` },
    readyWithinMs: 240_000,
    stopSignal: 'SIGTERM',
    graceMs: 15_000,
    stopOrder: 1,
  })
  return { url: `http://127.0.0.1:${port}` }
}

function connectProperties(port: number, brokers: string[]): string {
  const settings: Record<string, string | number | boolean> = {
    'bootstrap.servers': brokers.join(','),
    'group.id': 'cdc-connect',
    listeners: `http://127.0.0.1:${port}`,
    'rest.advertised.host.name': '127.0.0.1',
    'plugin.discovery': 'service_load',
    'exactly.once.source.support': 'enabled',
    'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'connector.client.config.override.policy': 'All',
    'offset.flush.interval.ms': 1000,
    'scheduled.rebalance.max.delay.ms': 0,
    'topic.creation.enable': true,
  }
  for (const storage of ['config', 'offset', 'status']) {
    settings[`${storage}.storage.topic`] = `cdc-connect-${storage}`
    settings[`${storage}.storage.replication.factor`] = 1
    if (storage !== 'config') settings[`${storage}.storage.partitions`] = 1
  }
  return Object.entries(settings)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')
}
