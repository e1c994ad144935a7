/** The protocol with one rule of DESIGN §4 left out at a time: each must lose, repeat or block something within a few hundred seeds. */
import { CdcFailure } from '../../src/core/failures.ts'
import { append, metaDataEntry } from '../../src/lake/commit.ts'
import { decided } from '../../src/lake/decide.ts'
import { mergeGrowth, schemaIdOf } from '../../src/lake/deltaSchema.ts'
import { putQuarantine } from '../../src/lake/quarantine.ts'
import type { ObjectStore, PutOutcome } from '../../src/lake/store.ts'
import * as shipped from '../../src/lake/table.ts'
import { protocol } from './carrier.ts'
import type { Mutant } from './simulate.ts'

type Put = (key: string, bytes: Uint8Array) => Promise<PutOutcome>

/** A store whose two kinds of conditional writes both go through `put`, which is given the honest one. */
function writing(change: (honest: Put, objects: Map<string, Uint8Array>) => Put): NonNullable<Mutant['store']> {
  return (store, objects) => {
    const put = change((key, bytes) => store.putIfAbsent(key, bytes), objects)
    return {
      ...store,
      putIfAbsent: put,
      upload(key) {
        const chunks: Uint8Array[] = []
        return {
          write: (bytes) => Promise.resolve(void chunks.push(bytes)),
          complete: () => put(key, new Uint8Array(Buffer.concat(chunks))),
          abort: () => Promise.resolve(),
        }
      },
    }
  }
}

const isLink = (key: string): boolean => key.includes('/data/')

function overwriting(which: (key: string) => boolean): Mutant['store'] {
  return writing((honest, objects) => async (key, bytes) => {
    const outcome = await honest(key, bytes)
    if (outcome === 'exists' && which(key)) objects.set(key, bytes)
    return which(key) ? 'created' : outcome
  })
}

async function known<T>(call: Promise<T>): Promise<T | 'unknown'> {
  return call.catch((error: unknown) => {
    if (error instanceof CdcFailure && error.policy === 'retry') return 'unknown' as const
    throw error
  })
}

/** Receipts that `such` is said of are made to fit to where the chain stands. */
function forcing(such: (begins: bigint, end: bigint) => boolean): Mutant {
  return {
    protocol: {
      async commitReceipts(ctx, table, receipts, provenance) {
        const at = await shipped.catchUp(ctx, table)
        const forced = receipts.map((receipt) => {
          const { base, day } = shipped.positionOf(at, receipt.partition)
          const fits = !such(BigInt(receipt.base), BigInt(base))
          return fits ? receipt : { ...receipt, base, link: receipt.link && { ...receipt.link, day } }
        })
        return shipped.commitReceipts(ctx, at, forced, provenance)
      },
    },
  }
}

/** What a carrier puts once its link is there. */
const late = new WeakMap<shipped.LakeContext, () => Promise<unknown>>()

export const mutants: Readonly<Record<string, Mutant>> = {
  'start positions: each carrier begins an untouched partition where it peeked, not where entry 0 says': {
    protocol: {
      place(table, position, { starts }) {
        const untouched = table.version <= 1 || Number(position.base) <= 5
        const own = starts[position.partition]!.offset.toString()
        return untouched ? { ...position, base: own, seen: own } : position
      },
    },
  },
  'binding: whoever comes is believed to bring the cluster and the topic of the table': {
    protocol: {
      claim: () => ({ clusterId: 'cluster-a', topic: 'topic', topicId: 'topic-1', deltaCompat: 'none' }),
    },
  },
  'topic id: a topic that was made again is taken for the old one': {
    protocol: {
      claim: ({ log }) => ({ clusterId: log.clusterId, topic: 'topic', topicId: 'topic-1', deltaCompat: 'none' }),
    },
  },
  'adopting whole: on 412 the receipt tells of the own bytes': {
    protocol: {
      openLink(ctx, table, position) {
        const link = shipped.openLink(ctx, table, position)
        let own: shipped.LinkFacts | null = null
        let size = 0
        return {
          ...link,
          write: (bytes) => ((size += bytes.length), link.write(bytes)),
          footer: (facts) => link.footer((own = facts)),
          async complete() {
            const outcome = await link.complete()
            if (outcome === 'again' || !outcome.adopted) return outcome
            const { rules: _, ...facts } = own!
            return { adopted: true, link: { ...outcome.link, ...facts, bytes: size, closed: null } }
          },
        }
      },
    },
  },
  'quarantine by hash: set-aside records are named by their link alone': {
    protocol: {
      async putQuarantine(ctx, link, file, records) {
        const named = await putQuarantine(
          { ...ctx, store: { ...ctx.store, putIfAbsent: () => Promise.resolve('exists') } },
          link,
          file,
          records,
        )
        const key = named.key.replace(named.sha256, '')
        await ctx.store.putIfAbsent(`${ctx.root}/${key}`, file)
        return { ...named, key }
      },
    },
  },
  'quarantine first: set-aside records are put behind the link that names them': {
    protocol: {
      async putQuarantine(ctx, link, file, records) {
        late.set(ctx, () => putQuarantine(ctx, link, file, records))
        const unput = { ...ctx, store: { ...ctx.store, putIfAbsent: () => Promise.resolve('exists' as const) } }
        return putQuarantine(unput, link, file, records)
      },
      openLink(ctx, table, position) {
        const link = shipped.openLink(ctx, table, position)
        return {
          ...link,
          async complete() {
            const outcome = await link.complete()
            await late.get(ctx)?.()
            late.delete(ctx)
            return outcome
          },
        }
      },
    },
  },
  'schema first: a link with new columns is put before the table has them': {
    protocol: {
      beforeGrowth(table, growth) {
        const schema = mergeGrowth(table.schema, growth, 'none')
        return { ...table, schema, schemaId: schemaIdOf(schema) }
      },
    },
  },
  'write once: a link is overwritten': { store: overwriting(isLink)! },
  'write once: an entry of the log is overwritten': { store: overwriting((key) => !isLink(key))! },
  'read again: an entry that was refused or got no answer is put under the next version as it is': {
    store: writing((honest) => async (key, bytes) => {
      if (isLink(key) || key.endsWith('00.json')) return honest(key, bytes)
      for (let version = Number(/(\d{20})\.json$/.exec(key)![1]); ; version++) {
        const next = key.replace(/\d{20}\.json$/, `${String(version).padStart(20, '0')}.json`)
        if ((await known(honest(next, bytes))) === 'created') return 'created'
      }
    }),
  },
  'read again: a link whose answer was lost is taken for written': {
    store: writing((honest) => async (key, bytes) => {
      const outcome = isLink(key) ? await known(honest(key, bytes)) : await honest(key, bytes)
      return outcome === 'unknown' ? 'created' : outcome
    }),
  },
  'names: a link that finds its name taken takes the next free one': {
    store: writing((honest) => async (key, bytes) => {
      for (let copy = 1, name = key; ; name = key.replace('.parquet', `.${copy++}.parquet`)) {
        const outcome = await honest(name, bytes)
        if (outcome === 'created' || !isLink(key)) return outcome
      }
    }),
  },
  'names: a link is named by the start of its range, not by the end of the link before': {
    protocol: {
      place: (_table, position) => ({ ...position, base: shipped.startOf(position).toString() }),
    },
  },
  'names: the folder is the day on the clock of the carrier': {
    protocol: {
      place: (_table, position, { ctx }) => ({
        ...position,
        day: position.day + (Math.floor(ctx.clock() / 1000) % 3 === 0 ? 1 : 0),
      }),
    },
  },
  'N+1 from the plan: the next link begins where the range was meant to end': {
    protocol: {
      following: (position, receipt, to) => ({
        ...protocol.following(position, receipt, to),
        base: String(to),
        seen: String(to),
      }),
    },
  },
  'gap check: a receipt that begins behind the end of the chain is committed': forcing((begins, end) => begins > end),
  'txn check: a receipt whose range was committed before is committed': forcing((begins, end) => begins < end),
  'whole positions: an entry carries only what it moved': {
    store: (store: ObjectStore) => ({
      ...store,
      putIfAbsent(key, bytes) {
        if (!key.includes('_delta_log') || key.endsWith('00.json')) return store.putIfAbsent(key, bytes)
        const lines = new TextDecoder().decode(bytes).trimEnd().split('\n')
        const moved = new Set([...lines.join('\n').matchAll(/"path":"[^"]*-0-(\d+)-\d{20}/g)].map((match) => `0/${match[1]}`))
        const kept = lines.filter((line) => {
          const { txn } = JSON.parse(line) as { txn?: { appId: string } }
          return !txn || moved.has(txn.appId.split('/').slice(0, 2).join('/'))
        })
        return store.putIfAbsent(key, new TextEncoder().encode(kept.join('\n') + '\n'))
      },
    }),
  },
}

/** Links of one kind are only believed to be put: the carrier sees its own where nothing stands, or wherever `always`. */
function believing(isSuch: (file: string) => boolean, always: boolean): Mutant['store'] {
  return (store) => {
    const own = new Map<string, Uint8Array>()
    return {
      ...store,
      async get(key) {
        const believed = own.get(key)
        return always && believed ? believed : ((await store.get(key)) ?? believed ?? null)
      },
      async putIfAbsent(key, bytes) {
        if (!isLink(key) || !isSuch(new TextDecoder().decode(bytes))) return store.putIfAbsent(key, bytes)
        if (always) await known(store.putIfAbsent(key, bytes))
        own.set(key, bytes)
        return 'created'
      },
    }
  }
}

const saysGap = (file: string): boolean => file.includes('"cdc.gap"')
const saysClosed = (file: string): boolean => /"cdc.closed":"\d/.test(file)

/** For the world in which topics change and people decide. */
export const decisionMutants: Readonly<Record<string, Mutant>> = {
  'schema first: a decision is recorded with the schema as its carrier last saw it': {
    protocol: {
      decide: (ctx, seen, decision, provenance) =>
        append(ctx, seen, (at) => {
          const { schema, metaData } = seen
          const done = decision.rules.every(({ source, as }) => at.schema.rules?.some((r) => r.source === source && r.as === as))
          const stale = { ...at, schema, metaData }
          return Promise.resolve(done ? null : metaDataEntry(ctx, stale, decided(schema, decision), {}, provenance))
        }),
    },
  },
  'epochs: the old chains are not closed': { store: believing(saysClosed, false)! },
  'epochs: receipts are committed whatever the epoch': {
    protocol: {
      async commitReceipts(ctx, table, receipts, provenance, told) {
        const at = await shipped.catchUp(ctx, table)
        return shipped.commitReceipts(
          ctx,
          at,
          receipts.map((receipt) => ({ ...receipt, epoch: at.epoch })),
          provenance,
          told,
        )
      },
    },
  },
  'gaps: the link over a gap overwrites what stands there': {
    store: writing((honest, objects) => async (key, bytes) => {
      const outcome = await honest(key, bytes)
      if (!isLink(key) || !saysGap(new TextDecoder().decode(bytes))) return outcome
      objects.set(key, bytes)
      return 'created'
    }),
  },
  'gaps: the link over a gap is taken for put, whatever stands there': { store: believing(saysGap, true)! },
  'growth: new partitions are admitted without a barrier': {
    protocol: {
      admitPartitions: (ctx, table, starts, _leave, provenance) =>
        shipped.admitPartitions(ctx, table, starts, { barrier: { partitions: [], ends: [] } }, provenance),
      barrierOf: (from, marks) => ({ ...protocol.barrierOf(from, marks), ends: [] }),
    },
  },
  'growth: the barrier stands at the last stable offsets': {
    protocol: {
      barrierOf: (from, marks) =>
        protocol.barrierOf(
          from,
          marks.map((mark) => ({ ...mark, high: mark.stable })),
        ),
    },
  },
}
