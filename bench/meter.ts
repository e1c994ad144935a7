/**
 * What processes cost, by the kernel's own account (/proc, so on Linux only): CPU time of a process and all that it started, and
 * the peak of the memory that they hold together.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

export interface Usage {
  readonly wallS: number
  /** User and system time of the whole tree, s. */
  readonly cpuS: number
  /** Most resident memory of the whole tree at any sample, MiB; pages that processes share count once for each. */
  readonly peakRssMib: number
}

export interface Meter {
  stop(): Usage
}

/** A sample costs what it measures some 0.05 ms; to look for new processes below is dearer, and done every tenth time. */
const sampleMs = 100
/** What /proc counts in, on every Linux that Node runs on. */
const ticksASecond = 100
const pageBytes = 4096

/** Measures from now on. The process must live until `stop`; those below it may come and go. */
export function meter(pid: number): Meter {
  const cpu = cpuSecondsOf(pid)
  const from = process.hrtime.bigint()
  let tree = treeOf(pid)
  let samples = 0
  let peak = 0
  const sample = (): void => {
    tree = ++samples % 10 === 0 ? treeOf(pid) : tree.flatMap((each) => procOf(each.pid) ?? [])
    peak = Math.max(peak, tree.reduce((sum, { pages }) => sum + pages, 0) * pageBytes)
  }
  resetPeak(pid)
  const timer = setInterval(sample, sampleMs)
  return {
    stop() {
      clearInterval(timer)
      sample()
      const wallS = Number(process.hrtime.bigint() - from) / 1e9
      const peakBytes = Math.max(peak, peakBytesOf(pid))
      return { wallS, cpuS: cpuSecondsOf(pid) - cpu, peakRssMib: peakBytes / 2 ** 20 }
    },
  }
}

/** CPU time of the process, of all below it that run, and of those below it that have ended, s. */
export function cpuSecondsOf(pid: number): number {
  return treeOf(pid).reduce((sum, { cpuTicks }) => sum + cpuTicks, 0) / ticksASecond
}

interface Proc {
  readonly pid: number
  readonly parent: number
  /** Children that have ended included. */
  readonly cpuTicks: number
  readonly pages: number
}

function treeOf(root: number): Proc[] {
  const all = readdirSync('/proc').flatMap((name) => (/^\d/.test(name) ? (procOf(Number(name)) ?? []) : []))
  const tree = all.filter(({ pid }) => pid === root)
  for (const { pid } of tree) tree.push(...all.filter(({ parent }) => parent === pid))
  return tree
}

function procOf(pid: number): Proc | null {
  const text = read(`/proc/${pid}/stat`)
  if (text === undefined) return null
  // The command's name in front may hold blanks and parentheses. Behind it: state, parent, ..., utime and so on at 11, rss at 21.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const cpuTicks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
  return { pid, parent: Number(fields[1]), cpuTicks, pages: Number(fields[21]) }
}

/** Between two samples more may have been held: of the process itself the kernel keeps the peak. */
function peakBytesOf(pid: number): number {
  return Number(/VmHWM:\s*(\d+) kB/.exec(read(`/proc/${pid}/status`) ?? '')?.[1] ?? 0) * 1024
}

function resetPeak(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5')
  } catch {
    // Not ours to reset: then the peak since its start counts.
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
