/** Rooms made of memory: a topic, a lake and a carry that obey the protocol in small, for tests of the workflow alone. */
import type { ActivityDeps, CarryJob, Kafka, Lake, LakeSnapshot } from '../../src/activities/deps.ts'
import { loadConfig, type Config } from '../../src/config/config.ts'
import { CdcFailure, code } from '../../src/core/failures.ts'
import { offsetText, parseOffset } from '../../src/core/offsets.ts'
import type { Growth, Position, Receipt } from '../../src/core/receipts.ts'
import type { TopicState } from '../../src/core/records.ts'
import { advance } from '../../src/core/tableState.ts'

export interface FakeTable {
  /** Stable offset of each partition. */
  readonly ends: bigint[]
  readonly lows: bigint[]
  topicId: string
  readonly log: { version: number; positions: Position[]; entries: string[]; rows: number }
  /** Everything that happened, in order, as words. */
  readonly events: string[]
}

export interface FakeRooms {
  readonly tables: Map<string, FakeTable>
  table(topic: string, partitions?: number): FakeTable
  append(topic: string, partition: number, records: number): void
  /** Called before a range is carried; may wait or throw. Gives back where to cut and what to grow, if at all. */
  onWrite: (job: CarryJob, signal: AbortSignal) => Promise<{ next?: bigint; growth?: Growth } | void>
  onCommit: (receipts: readonly Receipt[], signal: AbortSignal) => Promise<void>
  onOpen: () => Promise<void>
  readonly kafka: Kafka
  readonly lake: Lake
  readonly carry: ActivityDeps['carry']
}

/** Stands for the values of rows: must never be seen in a history. */
export const canaryValue = 'canary-row-value-7f3a'
export const canarySecret = 'canary-secret-91bc'

export function fakeConfig(env: Record<string, string> = {}): Config {
  const base = {
    CDC_TOPIC_PREFIX: 'air',
    CDC_DATABASE: 'airline',
    CDC_LAKE_URL: 's3://lake/root',
    CDC_KAFKA_BROKERS: '127.0.0.1:1',
    CDC_KAFKA_SASL_MECHANISM: 'plain',
    CDC_KAFKA_SASL_USERNAME: 'sluice',
    CDC_KAFKA_SASL_PASSWORD: canarySecret,
    CDC_LAKE_ACCESS_KEY_ID: 'local',
    CDC_LAKE_SECRET_ACCESS_KEY: canarySecret,
    CDC_BATCH_MAX_AGE: '20ms',
  }
  return loadConfig({ ...base, ...env }, { readFile: () => missing() })
}

function missing(): never {
  throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
}

export function fakeRooms(): FakeRooms {
  const tables = new Map<string, FakeTable>()
  const table = (topic: string, partitions = 2): FakeTable => {
    const known = tables.get(topic)
    if (known) return known
    const made: FakeTable = {
      ends: Array.from({ length: partitions }, () => 0n),
      lows: Array.from({ length: partitions }, () => 0n),
      topicId: `id-of-${topic}`,
      log: {
        version: 0,
        positions: Array.from({ length: partitions }, (_, partition) => ({ partition, base: '0', seen: '0', day: 20_000 })),
        entries: [],
        rows: 0,
      },
      events: [],
    }
    tables.set(topic, made)
    return made
  }
  const stateOf = (topic: string): TopicState => {
    const { ends, lows, topicId } = table(topic)
    return {
      identity: { clusterId: 'cluster', topic, id: topicId },
      partitions: ends.map((end, partition) => ({ partition, low: lows[partition]!, stable: end, high: end })),
    }
  }
  const snapshot = (topic: string): LakeSnapshot => {
    const { log } = table(topic)
    return {
      version: log.version,
      epoch: 0,
      topic: { clusterId: 'cluster', topic, id: `id-of-${topic}` },
      schema: { columns: [], key: [] },
      positions: log.positions,
    }
  }

  const rooms: FakeRooms = {
    tables,
    table,
    append: (topic, partition, records) => {
      table(topic).ends[partition]! += BigInt(records)
    },
    onWrite: async () => {},
    onCommit: async () => {},
    onOpen: async () => {},

    kafka: {
      describe: (topic) => Promise.resolve(stateOf(topic)),
      cleanupPolicy: () => Promise.resolve('delete'),
      async waitForRecords({ topic, id }, positions, { timeoutMs, signal }) {
        const until = Date.now() + timeoutMs
        const news = () => table(topic).ends.some((end, partition) => end > (positions.get(partition) ?? 0n))
        const cut = () => table(topic).lows.some((low, partition) => low > (positions.get(partition) ?? 0n))
        const anew = () => table(topic).topicId !== id
        while (!news() && !cut() && !anew() && Date.now() < until && !signal.aborted) await pause(10, signal)
        signal.throwIfAborted()
        return stateOf(topic)
      },
      mirrorOffsets: async () => {},
    },

    lake: {
      async open(resolved) {
        await rooms.onOpen()
        table(resolved.topic).events.push('open')
        return snapshot(resolved.topic)
      },
      admit: (resolved) => Promise.resolve(snapshot(resolved.topic)),
      refresh: (resolved) => Promise.resolve(snapshot(resolved.topic)),
      async commit(resolved, _epoch, receipts, _by, signal) {
        await rooms.onCommit(receipts, signal)
        const { log, events } = table(resolved.topic)
        const good = receipts.filter((r) => log.positions.find((p) => p.partition === r.partition)?.base === r.base)
        if (good.length > 0) {
          log.version++
          log.positions = advance(log.positions, good)
          log.rows += good.reduce((sum, r) => sum + (r.link?.rows ?? 0), 0)
          const text = good.map((r) => `${r.partition}:[${r.base},${r.next})`).join(' ')
          log.entries.push(text)
          events.push(`commit ${text}`)
        }
        return snapshot(resolved.topic)
      },
      grow(resolved, growth) {
        const { log, events } = table(resolved.topic)
        log.version++
        log.entries.push(`grow ${growth.columns.map((c) => c.name).join(',')}`)
        events.push(`grow ${growth.columns.map((c) => c.name).join(',')}`)
        return Promise.resolve(snapshot(resolved.topic))
      },
      decide(resolved, decision) {
        table(resolved.topic).events.push(`decide ${JSON.stringify(decision)}`)
        return Promise.resolve(snapshot(resolved.topic))
      },
    },

    async carry(job, _attempt, signal) {
      const { events } = table(job.table.topic)
      const text = `${job.partition}:[${job.from},${job.to})`
      events.push(`write ${text}`)
      const told = (await rooms.onWrite(job, signal)) ?? {}
      const next = offsetText(told.next ?? parseOffset(job.to))
      events.push(`wrote ${job.partition}:[${job.from},${next})`)
      return receiptOf(job, next, told.growth ?? null)
    },
  }
  return rooms
}

export function receiptOf(
  job: Pick<CarryJob, 'epoch' | 'partition' | 'base' | 'from' | 'day'>,
  next: string,
  growth: Growth | null = null,
): Receipt {
  const rows = Number(parseOffset(next) - parseOffset(job.from))
  const { epoch, partition, base, day } = job
  const link = {
    key: `data/${partition}-${base}.parquet`,
    epoch,
    partition,
    day,
    base,
    next,
    nextDay: day,
    rows,
    bytes: rows * 10,
    sha256: '0'.repeat(64),
    schemaId: 'schema',
    stats: { minOffset: job.from, maxOffset: next, minSourceTs: '1750000000000000', maxSourceTs: '1750000000000000' },
    lsn: null,
    quarantine: null,
    anchor: null,
    closed: null,
  }
  return { epoch, partition, base, next, nextDay: day, link: rows > 0 ? link : null, growth, adopted: false, writtenAtMs: 0 }
}

export function failing(name: keyof typeof code, message: string): () => Promise<never> {
  return () => Promise.reject(new CdcFailure(code[name], message))
}

export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal?.addEventListener('abort', end, { once: true })
  })
}
