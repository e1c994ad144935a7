import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Java } from './java.ts'
import { jvm } from './jvm.ts'
import { cacheDir } from './places.ts'
import { freePort } from './ports.ts'
import type { Run } from './run.ts'
import { runTool } from './tools.ts'

export interface KafkaFacts {
  brokers: string[]
}

/**
 * After a kill -9 the broker's former session must run out before it may register again (the default is 9 s). Started before that,
 * it takes itself for the leader for a moment, and may leave out the markers of a transaction (docs/decisions/0004).
 */
const sessionMs = 3000

/** A broker and a controller, which remembers while the broker is down. Topics exist only when somebody creates them. */
export async function startKafka(run: Run, java: Java, jars: string): Promise<KafkaFacts> {
  const [port, controller] = [await freePort(), await freePort()]
  const node = async (role: Role, own: Settings): Promise<Node> => {
    const data = join(run.dir, 'kafka', role)
    const settings = join(data, 'server.properties')
    await mkdir(data, { recursive: true })
    await writeFile(settings, properties({ ...own, ...common(role, controller), 'log.dirs': join(data, 'log') }))
    return { role, data, settings }
  }
  const nodes = [
    await node('controller', { listeners: `CONTROLLER://127.0.0.1:${controller}` }),
    await node('broker', brokerSettings(port)),
  ]
  const template = await formattedLog(java, jars, nodes[0]!.settings)
  const cluster = id()
  await Promise.all(
    nodes.map(async ({ role, data, settings }) => {
      const { part, heap, stopOrder } = parts[role]
      await copyLog(template, join(data, 'log'), cluster, role)
      await run.start({
        part,
        ...jvm(java, jars, part, heap, data, ['kafka.Kafka', settings]),
        env: {},
        cwd: data,
        mark: data,
        ready: { text: 'Kafka Server started' },
        readyWithinMs: 120_000,
        stopSignal: 'SIGTERM',
        graceMs: 15_000,
        ...(role === 'broker' && { restMs: sessionMs + 500 }),
        stopOrder,
      })
    }),
  )
  return { brokers: [`127.0.0.1:${port}`] }
}

interface Node {
  readonly role: Role
  readonly data: string
  readonly settings: string
}
type Role = 'broker' | 'controller'
type Settings = Readonly<Record<string, string | number | boolean>>

const parts = {
  broker: { id: 1, part: 'kafka', heap: ['-Xms256m', '-Xmx512m'], stopOrder: 2 },
  controller: { id: 2, part: 'controller', heap: ['-Xms32m', '-Xmx128m'], stopOrder: 3 },
}

function common(role: Role, controller: number): Settings {
  return {
    'process.roles': role,
    'node.id': parts[role].id,
    'controller.quorum.voters': `${parts.controller.id}@127.0.0.1:${controller}`,
    'controller.listener.names': 'CONTROLLER',
    'broker.session.timeout.ms': sessionMs,
    'broker.heartbeat.interval.ms': 500,
  }
}

function brokerSettings(port: number): Settings {
  return {
    listeners: `PLAINTEXT://127.0.0.1:${port}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'auto.create.topics.enable': false,
    // Soon enough that a test can watch retention delete records.
    'log.retention.check.interval.ms': 500,
    'log.segment.delete.delay.ms': 500,
    'log.initial.task.delay.ms': 500,
    'group.initial.rebalance.delay.ms': 0,
    // One node: nothing can be replicated.
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 4,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'share.coordinator.state.topic.num.partitions': 1,
  }
}

function properties(settings: Settings): string {
  return Object.entries(settings)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')
}

/**
 * The log folder of a new node. Kafka's own tool needs a JVM of its own, about two seconds: what it makes depends on the Kafka
 * version only, but for three ids, so it is kept as a template.
 */
async function formattedLog(java: Java, jars: string, settings: string): Promise<string> {
  const version = /kafka_2\.13-([\d.]+)\.jar/.exec(jars)?.[1] ?? 'unknown'
  const template = join(cacheDir(), `kafka-${version}-formatted`)
  if (existsSync(template)) return template
  const scratch = await mkdtemp(join(cacheDir(), '.format-'))
  const scratchSettings = join(scratch, 'server.properties')
  const text = await readFile(settings, 'utf8')
  await writeFile(scratchSettings, text.replace(/^log\.dirs=.*$/m, `log.dirs=${join(scratch, 'log')}`))
  await runTool(java.path, [
    ...['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', jars],
    ...['kafka.tools.StorageTool', 'format', '-t', id(), '-c', scratchSettings],
  ])
  await rename(join(scratch, 'log'), template).catch((error: unknown) => {
    if (!existsSync(template)) throw error
  })
  await rm(scratch, { recursive: true, force: true })
  return template
}

/** A copy of the template with ids of its own. */
async function copyLog(template: string, log: string, cluster: string, role: Role): Promise<void> {
  await cp(template, log, { recursive: true })
  const meta = join(log, 'meta.properties')
  const ids: Record<string, string | number> = { cluster, node: parts[role].id, directory: id() }
  const text = await readFile(meta, 'utf8')
  await writeFile(
    meta,
    text.replace(/^(cluster|directory|node)\.id=.*$/gm, (_line, kind: string) => `${kind}.id=${ids[kind]}`),
  )
}

/** An id in Kafka's form: 16 random bytes as URL-safe base64, which must not begin with a dash. */
function id(): string {
  const text = randomBytes(16).toString('base64url')
  return text.startsWith('-') ? id() : text
}
