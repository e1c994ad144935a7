/** What two readers find who know nothing of the protocol: one follows the Delta log, one only globs the files under `data/`. */
import type { Action } from '../../src/lake/entries.ts'
import { decodeJsonFile, type JsonFile } from './jsonFormat.ts'
import type { KafkaLog } from './kafkaLog.ts'

/** Sentences about what is wrong; none where all is well. `logs` are told apart by topic id. */
export function violations(objects: ReadonlyMap<string, Uint8Array>, root: string, logs: readonly KafkaLog[]): string[] {
  const wrong: string[] = []
  const entries = entriesOf(objects, root)
  if (entries.length === 0) return ['there is no table']
  const configuration = entries[0]!.find((action) => action.metaData)!.metaData!.configuration
  const [{ topicId }] = JSON.parse(configuration['cdc.epochs']!) as [{ topicId: string }]
  const log = logs.find((candidate) => candidate.topicId === topicId)!

  const decoded = new Map<string, JsonFile>()
  for (const [key, bytes] of objects) if (key.startsWith(`${root}/data/`)) decoded.set(key, decodeJsonFile(bytes))

  const starts = new Map<string, number>()
  const bases = new Map<string, number>()
  const seens = new Map<string, number>()
  const added: string[] = []
  let columns = new Set<string>()
  entries.forEach((actions, version) => {
    for (const { metaData } of actions) {
      if (!metaData) continue
      const { fields } = JSON.parse(metaData.schemaString) as { fields: { name: string }[] }
      columns = new Set(fields.map(({ name }) => name))
    }
    const before = new Map(bases)
    for (const { txn } of actions) {
      if (!txn) continue
      const [, partition, kind] = /^0\/(\d+)(\/day|\/seen)?$/.exec(txn.appId)!
      const at = kind === '/seen' ? seens : kind === undefined ? bases : null
      if (at === null) continue
      if (txn.version < (at.get(partition!) ?? 0)) wrong.push(`entry ${version} moves ${txn.appId} back`)
      at.set(partition!, txn.version)
      if (version === 0 && kind === undefined) starts.set(partition!, txn.version)
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
      const { 'cdc.partition': partition, 'cdc.from': from, 'cdc.next': next } = add.tags as Record<string, string>
      if (reached.get(partition!) !== Number(from))
        wrong.push(`entry ${version} adds [${from}, ${next}) of ${partition} behind ${reached.get(partition!)}`)
      reached.set(partition!, Number(next))
      if (bytes.length !== add.size) wrong.push(`entry ${version} says ${add.size} bytes of ${bytes.length}`)
      const { numRecords } = JSON.parse(add.stats) as { numRecords: number }
      if (numRecords !== file.rows.length) wrong.push(`entry ${version} says ${numRecords} rows of ${file.rows.length}`)
      if (file.rows.some(({ offset }) => offset < Number(from) || offset >= Number(next)))
        wrong.push(`${add.path} holds rows outside of its range`)
      for (const { name } of file.columns)
        if (!columns.has(name)) wrong.push(`entry ${version} adds a file with column ${name} that the table lacks`)
      added.push(`${root}/${add.path}`)
    }
    for (const [partition, base] of reached)
      if (bases.get(partition) !== base) wrong.push(`entry ${version} moves ${partition} without a file`)
  })

  wrong.push(...readBy('table', added, decoded, log, starts), ...readBy('glob', [...decoded.keys()], decoded, log, starts))
  return wrong
}

function readBy(
  reader: string,
  files: readonly string[],
  decoded: ReadonlyMap<string, JsonFile>,
  log: KafkaLog,
  starts: ReadonlyMap<string, number>,
): string[] {
  const wrong: string[] = []
  const counts = new Map<string, number>()
  for (const key of files) {
    const file = decoded.get(key)
    if (!file) continue
    const { rows, columns } = file
    const partition = /-\d+-(\d+)-\d{20}/.exec(key)![1]!
    const has = new Set(columns.map(({ name }) => name))
    let last = -1
    for (const { offset, columns: filled, source } of rows) {
      if (source !== log.topicId) wrong.push(`${reader}: a row of another Kafka log`)
      if (offset <= last) wrong.push(`${reader}: rows out of order`)
      if (filled.some((name) => !has.has(name))) wrong.push(`${reader}: a value without a column`)
      last = offset
      counts.set(`${partition}:${offset}`, (counts.get(`${partition}:${offset}`) ?? 0) + 1)
    }
  }
  log.partitions.forEach((records, partition) => {
    for (const { offset, keep } of records) {
      const count = counts.get(`${partition}:${offset}`) ?? 0
      const due = offset >= (starts.get(String(partition)) ?? 0)
      if (count > 1) wrong.push(`${reader}: ${partition}:${offset} is there ${count} times`)
      if (due && keep === 'yes' && count === 0) wrong.push(`${reader}: ${partition}:${offset} is missing`)
      if (count > 0 && (!due || keep === 'no')) wrong.push(`${reader}: ${partition}:${offset} should not be there`)
    }
  })
  return wrong
}

function entriesOf(objects: ReadonlyMap<string, Uint8Array>, root: string): Action[][] {
  const keys = [...objects.keys()].filter((key) => key.startsWith(`${root}/_delta_log/`)).sort()
  return keys.map((key) => {
    const lines = new TextDecoder().decode(objects.get(key)).trimEnd().split('\n')
    return lines.map((line) => JSON.parse(line) as Action)
  })
}
