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

/** One node that is broker and controller. Topics exist only when somebody creates them. */
export async function startKafka(run: Run, java: Java, jars: string): Promise<KafkaFacts> {
  const [port, controller] = [await freePort(), await freePort()]
  const data = join(run.dir, 'kafka')
  await mkdir(data, { recursive: true })
  const settings = join(data, 'server.properties')
  await writeFile(settings, serverProperties(port, controller, join(data, 'log')))
  await formatLog(java, jars, settings, join(data, 'log'))

  const process = jvm(java, jars, 'kafka', ['-Xms256m', '-Xmx512m'], data, ['kafka.Kafka', settings])
  await run.start({
    part: 'kafka',
    ...process,
    env: {},
    cwd: data,
    mark: data,
    ready: { text: 'Kafka Server started' },
    readyWithinMs: 120_000,
    stopSignal: 'SIGTERM',
    graceMs: 15_000,
    stopOrder: 2,
  })
  return { brokers: [`127.0.0.1:${port}`] }
}

function serverProperties(port: number, controller: number, log: string): string {
  const settings = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'log.dirs': log,
    'auto.create.topics.enable': false,
    // Soon enough that a test can watch retention delete records.
    'log.retention.check.interval.ms': 500,
    'log.segment.delete.delay.ms': 500,
    'log.initial.task.delay.ms': 500,
    // After a kill -9 the node's own former session must run out before it may register again: the default is 9 s.
    'broker.session.timeout.ms': 3000,
    'broker.heartbeat.interval.ms': 500,
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
  return Object.entries(settings)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')
}

/**
 * Makes the log folder of a new cluster. Kafka's own tool needs a JVM of its own, about two seconds: what it makes depends
 * on the Kafka version only, but for two ids, so it is kept as a template and the ids are drawn anew each time.
 */
async function formatLog(java: Java, jars: string, settings: string, log: string): Promise<void> {
  const version = /kafka_2\.13-([\d.]+)\.jar/.exec(jars)?.[1] ?? 'unknown'
  const template = join(cacheDir(), `kafka-${version}-formatted`)
  if (!existsSync(template)) {
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
  }
  await cp(template, log, { recursive: true })
  const meta = join(log, 'meta.properties')
  const text = await readFile(meta, 'utf8')
  await writeFile(
    meta,
    text.replace(/^(cluster|directory)\.id=.*$/gm, (_line, kind: string) => `${kind}.id=${id()}`),
  )
}

/** An id in Kafka's form: 16 random bytes as URL-safe base64, which must not begin with a dash. */
function id(): string {
  const text = randomBytes(16).toString('base64url')
  return text.startsWith('-') ? id() : text
}
