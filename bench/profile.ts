/** What a worker's CPU went to: reads what `node --cpu-prof` wrote, one file a thread. */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { SourceMap, type SourceMapPayload } from 'node:module'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { projectRoot } from '../scripts/stack/places.ts'
import type { Part } from './part.ts'
import { catchUp, startSluice } from './sluiceWorker.ts'

const shown = 40

/** One catch-up under Node's profiler. Its files stay, for Chrome's DevTools and the like. */
export const profile: Part = async (bench) => {
  const topic = await bench.topic()
  const folder = join(projectRoot, '.stack', 'bench', 'profile')
  rmSync(folder, { recursive: true, force: true })
  const sluice = await startSluice(bench.stack, { ...topic, nodeOptions: ['--cpu-prof', `--cpu-prof-dir=${folder}`] })
  const from = process.hrtime.bigint()
  await catchUp(sluice, topic)
  const window = { from, to: process.hrtime.bigint() }
  await sluice.stop()
  const times = selfTimes(folder, window)
  const total = times.reduce((sum, { ms }) => sum + ms, 0)
  return {
    title: 'Where the CPU of a worker goes',
    text: [
      `Time in the functions themselves while a backlog of ${topic.messages} messages was carried, in all threads of JavaScript: ${(total / 1000).toFixed(1)} s. The profiles stand in ${relative(projectRoot, folder)}.`,
    ],
    tables: [
      [
        ['function', 'where', 'ms', 'share', 'us a row'],
        ...times
          .slice(0, shown)
          .map(({ function: name, where, ms }) => [
            name,
            where,
            ms.toFixed(0),
            `${((ms / total) * 100).toFixed(1)} %`,
            ((ms * 1000) / topic.messages).toFixed(2),
          ]),
      ],
    ],
  }
}

/** Times as `process.hrtime.bigint()` tells them, ns: the profiler's clock is the same one. */
export interface Window {
  readonly from: bigint
  readonly to: bigint
}

export interface SelfTime {
  readonly function: string
  /** A file of the project, a package's name, or Node's and V8's own. */
  readonly where: string
  /** ms in the function itself, in all threads. */
  readonly ms: number
}

/** Line and column begin at 0. */
interface CallFrame {
  readonly functionName: string
  readonly url: string
  readonly lineNumber: number
  readonly columnNumber: number
}

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: CallFrame
  }[]
  /** us */
  readonly startTime: number
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

const waiting = new Set(['(idle)', '(root)', '(program)'])

/** Functions by the time in themselves, the longest first; what waits is left out, and what lies outside the window. */
export function selfTimes(folder: string, window: Window): SelfTime[] {
  const times = new Map<string, { function: string; where: string; ms: number }>()
  for (const name of readdirSync(folder).filter((each) => each.endsWith('.cpuprofile'))) {
    const profile = JSON.parse(readFileSync(join(folder, name), 'utf8')) as CpuProfile
    const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]))
    let at = profile.startTime
    profile.samples.forEach((id, i) => {
      const us = profile.timeDeltas[i]!
      at += us
      const frame = frames.get(id)!
      if (at * 1000 < Number(window.from) || at * 1000 > Number(window.to) || waiting.has(frame.functionName)) return
      const { name, where } = placeOf(frame)
      const key = `${name} ${where}`
      const time = times.get(key) ?? { function: name || '(anonymous)', where, ms: 0 }
      time.ms += us / 1000
      times.set(key, time)
    })
  }
  return [...times.values()].sort((a, b) => b.ms - a.ms)
}

function placeOf(frame: CallFrame): { readonly name: string; readonly where: string } {
  const { functionName: name, url } = frame
  // Of the kernel, a name is a path: src/kernel/assembly/json/skipValue.
  if (url.startsWith('wasm:')) return { name: basename(name), where: `${dirname(name)}.ts` }
  if (!url.startsWith('file:')) return { name, where: url === '' ? 'V8' : url }
  const path = relative(projectRoot, sourceOf(frame))
  const pack = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1]
  return { name, where: pack ?? path }
}

const maps = new Map<string, SourceMap | null>()

/** The file in which a function was written, where one was made of several. */
function sourceOf({ url, lineNumber, columnNumber }: CallFrame): string {
  const file = fileURLToPath(url)
  if (!maps.has(file)) maps.set(file, existsSync(`${file}.map`) ? new SourceMap(mapAt(`${file}.map`)) : null)
  const entry = maps.get(file)?.findEntry(lineNumber, columnNumber)
  return entry && 'originalSource' in entry ? resolve(dirname(file), entry.originalSource) : file
}

function mapAt(path: string): SourceMapPayload {
  return JSON.parse(readFileSync(path, 'utf8')) as SourceMapPayload
}
