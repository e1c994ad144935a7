/**
 * The table's log by itself and against Kafka: the ranges of each partition join without gap or overlap, the positions are their
 * ends, and each record of Kafka that is no tombstone is one row, in the file whose range has its offset.
 */
export interface LoggedLink {
  readonly version: number
  readonly path: string
  readonly partition: number
  readonly from: number
  readonly next: number
  readonly rows: number
}

export interface LoggedEntry {
  readonly version: number
  readonly links: readonly LoggedLink[]
  /** By partition; none in an entry that moves nothing. */
  readonly positions: ReadonlyMap<number, { readonly base: number; readonly seen: number }>
}

/** Only what the log of a table with one epoch holds. */
export function entryOf(version: number, content: string): LoggedEntry {
  interface Line {
    add?: { path: string; stats: string; tags: Record<string, string> }
    txn?: { appId: string; version: number }
  }
  const lines = content.split('\n').filter((line) => line !== '')
  const actions = lines.map((line) => JSON.parse(line) as Line)
  const versions = new Map(actions.flatMap(({ txn }) => (txn ? [[txn.appId, txn.version] as const] : [])))
  const positions = new Map<number, { base: number; seen: number }>()
  for (const [appId, base] of versions) {
    const [, partition] = /^0\/(\d+)$/.exec(appId) ?? []
    if (partition !== undefined) positions.set(Number(partition), { base, seen: versions.get(`${appId}/seen`)! })
  }
  const links = actions.flatMap(({ add }) => {
    if (!add) return []
    const [partition, from, next] = ['partition', 'from', 'next'].map((name) => Number(add.tags[`cdc.${name}`]))
    const { numRecords: rows } = JSON.parse(add.stats) as { numRecords: number }
    return [{ version, path: add.path, partition: partition!, from: from!, next: next!, rows }]
  })
  return { version, links, positions }
}

export function wrongRanges(entries: readonly LoggedEntry[]): string[] {
  const wrong: string[] = []
  const ends = new Map<number, number>()
  const reached = new Map<number, number>()
  for (const [nth, { version, links, positions }] of entries.entries()) {
    if (version !== nth) return [`the log has no entry ${nth}`]
    for (const { partition, from, next, path } of links) {
      const end = ends.get(partition)
      const what = `entry ${version}: the range ${from} to ${next} of partition ${partition}`
      if (end === undefined) wrong.push(`${what} comes before its partition has a start (${path})`)
      else if (from !== end)
        wrong.push(`${what} ${from > end ? 'leaves a gap behind' : 'overlaps the range up to'} ${end} (${path})`)
      if (next < from) wrong.push(`${what} goes backwards (${path})`)
      ends.set(partition, Math.max(next, end ?? next))
    }
    for (const [partition, { base, seen }] of positions) {
      const end = ends.get(partition) ?? base
      ends.set(partition, end)
      if (base !== end)
        wrong.push(`entry ${version}: the base of partition ${partition} is ${base}, and its ranges end at ${end}`)
      const position = Math.max(base, seen)
      if (position < (reached.get(partition) ?? 0))
        wrong.push(`entry ${version}: partition ${partition} went back to ${position}`)
      reached.set(partition, position)
    }
  }
  return wrong
}

export interface LakeRow {
  /** Below the table's root. */
  readonly path: string
  readonly offset: number
}

/** `records`: offsets of committed records that are no tombstones, by partition, ascending. */
export function wrongOffsets(
  entries: readonly LoggedEntry[],
  rows: readonly LakeRow[],
  records: ReadonlyMap<number, readonly number[]>,
): string[] {
  const wrong: string[] = []
  const files = new Map<string, number[]>()
  for (const { path, offset } of rows) {
    const offsets = files.get(path)
    if (offsets) offsets.push(offset)
    else files.set(path, [offset])
  }
  const links = entries.flatMap((entry) => entry.links)
  const named = new Set(links.map(({ path }) => path))
  for (const path of files.keys()) if (!named.has(path)) wrong.push(`no entry names the file ${path}`)

  const accounted = new Map([...records.keys()].map((partition) => [partition, 0]))
  for (const link of links) {
    const { path, partition, from, next } = link
    const expected = within(records.get(partition) ?? [], from, next)
    const inFile = [...(files.get(path) ?? [])].sort((a, b) => a - b)
    accounted.set(partition, (accounted.get(partition) ?? 0) + expected.length)
    const where = `entry ${link.version}, partition ${partition}, offsets ${from} to ${next} (${path})`
    if (link.rows !== inFile.length) wrong.push(`${where}: the log says ${link.rows} rows, the file has ${inFile.length}`)
    const [inKafka, inLake] = [new Set(expected), new Set(inFile)]
    const lacking = expected.filter((offset) => !inLake.has(offset))
    const beyond = inFile.filter((offset, i) => offset === inFile[i - 1] || !inKafka.has(offset))
    if (lacking.length > 0) wrong.push(`${where}: no row has offset ${few(lacking)}, which Kafka has`)
    if (beyond.length > 0) wrong.push(`${where}: offset ${few(beyond)} has a row too many`)
  }
  for (const [partition, offsets] of records) {
    const left = offsets.length - accounted.get(partition)!
    if (left > 0)
      wrong.push(`partition ${partition}: ${left} records of Kafka lie in no range, the last one at ${offsets.at(-1)}`)
  }
  return wrong
}

/** What of an ascending list lies in [from, next). */
function within(offsets: readonly number[], from: number, next: number): readonly number[] {
  const first = (least: number): number => {
    let [low, high] = [0, offsets.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (offsets[middle]! < least) low = middle + 1
      else high = middle
    }
    return low
  }
  return offsets.slice(first(from), first(next))
}

function few(offsets: readonly number[]): string {
  return offsets.length > 3 ? `${offsets.slice(0, 3).join(', ')}, ... (${offsets.length})` : offsets.join(', ')
}
