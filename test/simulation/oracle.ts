/** What two readers find who know nothing of the protocol: one follows the Delta log, one only globs the files under `data/`. */
import type { Action } from '../../src/lake/entries.ts'
import { decodeJsonFile, type JsonFile } from './jsonFormat.ts'
import type { KafkaLog } from './kafkaLog.ts'
import type { LivingLog } from './topicWorld.ts'

interface Range {
  readonly from: string
  readonly next: string
  readonly epoch: number
  readonly partition: number
  readonly gap?: { readonly from: string; readonly to: string }
  readonly quarantine?: { readonly key: string; readonly records: number } | null
}

/** What the log says of each chain, `<epoch>/<partition>`. */
interface Chains {
  readonly starts: Map<string, number>
  readonly bases: Map<string, number>
  readonly seens: Map<string, number>
  readonly gaps: Map<string, { from: number; to: number }[]>
  /** Version that began the chain. */
  readonly begun: Map<string, number>
}

/** Sentences about what is wrong; none where all is well. `logs` are told apart by topic id. */
export function violations(
  objects: ReadonlyMap<string, Uint8Array>,
  root: string,
  logs: readonly (KafkaLog | LivingLog)[],
): string[] {
  const wrong: string[] = []
  const entries = entriesOf(objects, root)
  if (entries.length === 0) return ['there is no table']

  const decoded = new Map<string, JsonFile>()
  for (const [key, bytes] of objects) if (key.startsWith(`${root}/data/`)) decoded.set(key, decodeJsonFile(bytes))

  const setAside = (file: JsonFile): readonly number[] | null => {
    const named = JSON.parse(file.keyValues['cdc.quarantine'] ?? 'null') as Range['quarantine']
    if (!named) return []
    const object = objects.get(`${root}/${named.key}`)
    return object ? (JSON.parse(new TextDecoder().decode(object)) as { offsets: number[] }).offsets : null
  }
  const chains: Chains = { starts: new Map(), bases: new Map(), seens: new Map(), gaps: new Map(), begun: new Map() }
  const { starts, bases, seens, gaps, begun } = chains
  const added = new Map<string, number>()
  let columns = new Set<string>()
  let decisions: string[][] = []
  let epochs: { epoch: number; topicId: string }[] = []
  entries.forEach((actions, version) => {
    const told = new Map<string, string>()
    for (const { metaData, commitInfo } of actions) {
      for (const { epoch, partition, from, next, gap, quarantine } of (commitInfo?.['cdc.ranges'] ?? []) as Range[]) {
        told.set(`${epoch}/${partition}/${from}/${next}`, JSON.stringify(quarantine ?? null))
        const chain = `${epoch}/${partition}`
        if (gap) gaps.set(chain, [...(gaps.get(chain) ?? []), { from: Number(gap.from), to: Number(gap.to) }])
      }
      if (!metaData) continue
      const { fields } = JSON.parse(metaData.schemaString) as { fields: { name: string }[] }
      const before = columns
      columns = new Set(fields.map(({ name }) => name))
      for (const name of before) if (!columns.has(name)) wrong.push(`entry ${version} takes column ${name} away`)
      const decided = JSON.parse(metaData.configuration['cdc.columns'] ?? '[]') as string[][]
      if (JSON.stringify(decided.slice(0, decisions.length)) !== JSON.stringify(decisions))
        wrong.push(`entry ${version} forgets a decision`)
      decisions = decided
      const named = JSON.parse(metaData.configuration['cdc.epochs']!) as typeof epochs
      if (JSON.stringify(named.slice(0, epochs.length)) !== JSON.stringify(epochs))
        wrong.push(`entry ${version} changes old epochs`)
      epochs = named
    }
    const newest = epochs.at(-1)!.epoch
    const before = new Map(bases)
    for (const { txn } of actions) {
      if (!txn) continue
      const [, chain, kind] = /^(\d+\/\d+)(\/day|\/seen)?$/.exec(txn.appId)!
      const at = kind === '/seen' ? seens : kind === undefined ? bases : null
      if (at === null) continue
      if (!chain!.startsWith(`${newest}/`)) wrong.push(`entry ${version} moves ${chain} in epoch ${newest}`)
      if (txn.version < (at.get(chain!) ?? 0)) wrong.push(`entry ${version} moves ${txn.appId} back`)
      at.set(chain!, txn.version)
      if (kind !== undefined || starts.has(chain!)) continue
      starts.set(chain!, txn.version)
      begun.set(chain!, version)
    }
    const reached = new Map(before)
    for (const { add } of actions) {
      if (!add) continue
      const bytes = objects.get(`${root}/${add.path}`)
      if (!bytes) {
        wrong.push(`entry ${version} adds ${add.path}, which is not there`)
        continue
      }
      const file = decoded.get(`${root}/${add.path}`)!
      const {
        'cdc.epoch': epoch,
        'cdc.partition': partition,
        'cdc.from': from,
        'cdc.next': next,
      } = add.tags as Record<string, string>
      const chain = `${epoch}/${partition}`
      if (Number(epoch) !== newest) wrong.push(`entry ${version} adds ${add.path} in epoch ${newest}`)
      if (reached.get(chain) !== Number(from))
        wrong.push(`entry ${version} adds [${from}, ${next}) of ${chain} behind ${reached.get(chain)}`)
      reached.set(chain, Number(next))
      if (bytes.length !== add.size) wrong.push(`entry ${version} says ${add.size} bytes of ${bytes.length}`)
      const { numRecords } = JSON.parse(add.stats) as { numRecords: number }
      if (numRecords !== file.rows.length) wrong.push(`entry ${version} says ${numRecords} rows of ${file.rows.length}`)
      if (file.rows.some(({ offset }) => offset < Number(from) || offset >= Number(next)))
        wrong.push(`${add.path} holds rows outside of its range`)
      if (told.get(`${chain}/${from}/${next}`) !== file.keyValues['cdc.quarantine'])
        wrong.push(`entry ${version} tells of another quarantine than ${add.path}`)
      for (const { name } of file.columns)
        if (!columns.has(name)) wrong.push(`entry ${version} adds a file with column ${name} that the table lacks`)
      added.set(`${root}/${add.path}`, version)
    }
    for (const [chain, base] of reached)
      if (bases.get(chain) !== base) wrong.push(`entry ${version} moves ${chain} without a file`)
  })

  for (const { epoch, topicId } of epochs) {
    const log = logs.find((candidate) => candidate.topicId === topicId)
    if (!log) return [...wrong, `epoch ${epoch} is of ${topicId}, which nobody carries`]
    const isNewest = epoch === epochs.at(-1)!.epoch
    const of = (key: string): boolean => new RegExp(`-${epoch}-\\d+-\\d{20}`).test(key)
    wrong.push(
      ...readBy('table', [...added.keys()].filter(of), { setAside, decoded, log, chains, epoch, isNewest }),
      ...readBy('glob', [...decoded.keys()].filter(of), { setAside, decoded, log, chains, epoch, isNewest }),
      ...falseGaps(log, chains, epoch),
      ...('counts' in log ? outOfOrder(log, epoch, begun, added, decoded) : []),
    )
  }
  return wrong
}

function readBy(
  reader: string,
  files: readonly string[],
  at: {
    /** Offsets in the quarantine that a file names; null where that is not there. */
    readonly setAside: (file: JsonFile) => readonly number[] | null
    readonly decoded: ReadonlyMap<string, JsonFile>
    readonly log: KafkaLog
    readonly chains: Chains
    readonly epoch: number
    readonly isNewest: boolean
  },
): string[] {
  const { setAside, decoded, log, chains, epoch, isNewest } = at
  const wrong: string[] = []
  const counts = new Map<string, number>()
  for (const key of files) {
    const file = decoded.get(key)
    if (!file) continue
    const { rows, columns } = file
    const partition = /-\d+-(\d+)-\d{20}/.exec(key)![1]!
    const has = new Set(columns.map(({ name }) => name))
    let last = -1
    const apart = setAside(file)
    if (apart === null) wrong.push(`${reader}: ${key} names a quarantine that is not there`)
    for (const offset of apart ?? []) counts.set(`${partition}:${offset}`, (counts.get(`${partition}:${offset}`) ?? 0) + 1)
    for (const { offset, columns: filled, source } of rows) {
      if (source !== log.topicId) wrong.push(`${reader}: a row of another Kafka log`)
      if (offset <= last) wrong.push(`${reader}: rows out of order`)
      if (filled.some((name) => !has.has(name))) wrong.push(`${reader}: a value without a column`)
      last = offset
      counts.set(`${partition}:${offset}`, (counts.get(`${partition}:${offset}`) ?? 0) + 1)
    }
  }
  log.partitions.forEach((records, partition) => {
    const chain = `${epoch}/${partition}`
    const start = chains.starts.get(chain) ?? Infinity
    // An epoch that is over has what was carried until then.
    const end = isNewest ? Infinity : Math.max(chains.bases.get(chain) ?? 0, chains.seens.get(chain) ?? 0)
    if (isNewest && start === Infinity && records.length > 0) wrong.push(`${reader}: partition ${partition} was never admitted`)
    const lost = (offset: number): boolean => (chains.gaps.get(chain) ?? []).some(({ from, to }) => offset >= from && offset < to)
    for (const { offset, keep } of records) {
      const count = counts.get(`${partition}:${offset}`) ?? 0
      const due = offset >= start && offset < end && !lost(offset)
      const name = `${epoch}: ${partition}:${offset}`
      if (count > 1) wrong.push(`${reader}: ${name} is there ${count} times`)
      if (due && keep !== 'no' && keep !== 'maybe' && count === 0) wrong.push(`${reader}: ${name} is missing`)
      if (count > 0 && (!due || keep === 'no')) wrong.push(`${reader}: ${name} should not be there`)
    }
  })
  return wrong
}

/** Only what Kafka really took may be left out. */
function falseGaps(log: KafkaLog | LivingLog, { gaps }: Chains, epoch: number): string[] {
  return log.partitions.flatMap((_, partition) => {
    const cuts = 'retention' in log ? log.retention.filter((cut) => cut.partition === partition) : []
    const low = Math.max(0, ...cuts.map((cut) => cut.low))
    const untrue = (gaps.get(`${epoch}/${partition}`) ?? []).filter(({ to }) => to > low)
    return untrue.map(({ from, to }) => `${epoch}/${partition}: [${from}, ${to}) was left out and is there from ${low} on`)
  })
}

/**
 * A key that moved to a partition which was admitted later: what came before in the old one stands in an earlier version. (A topic
 * that had grown before the table was bound to it is carried as it stands.)
 */
function outOfOrder(
  { partitions, counts }: LivingLog,
  epoch: number,
  begun: ReadonlyMap<string, number>,
  added: ReadonlyMap<string, number>,
  decoded: ReadonlyMap<string, JsonFile>,
): string[] {
  if (counts[1] % counts[0] !== 0) return []
  const versions = new Map<string, number>()
  for (const [key, version] of added) {
    const match = new RegExp(`-${epoch}-(\\d+)-\\d{20}`).exec(key)
    if (match) for (const { offset } of decoded.get(key)!.rows) versions.set(`${match[1]}:${offset}`, version)
  }
  const last = new Map<number, { partition: number; version: number }>()
  const wrong: string[] = []
  const records = partitions.flatMap((each, partition) => each.map((record) => ({ ...record, partition })))
  for (const { key, partition, offset } of records.sort((a, b) => a.time - b.time || a.partition - b.partition)) {
    const version = versions.get(`${partition}:${offset}`)
    if (version === undefined) continue
    const before = last.get(key)
    const isAdmitted = begun.get(`${epoch}/${partition}`) !== begun.get(`${epoch}/0`)
    if (before && isAdmitted && before.partition !== partition && before.version >= version)
      wrong.push(`key ${key} moves to ${partition}:${offset} in version ${version}, and stood in ${before.version}`)
    last.set(key, { partition, version: Math.max(version, before?.version ?? 0) })
  }
  return wrong
}

function entriesOf(objects: ReadonlyMap<string, Uint8Array>, root: string): Action[][] {
  const keys = [...objects.keys()].filter((key) => key.startsWith(`${root}/_delta_log/`)).sort()
  return keys.map((key) => {
    const lines = new TextDecoder().decode(objects.get(key)).trimEnd().split('\n')
    return lines.map((line) => JSON.parse(line) as Action)
  })
}
