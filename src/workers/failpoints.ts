/** Arms crash windows from CDC_FAILPOINTS, for tests: `commit.afterEntry=kill@3,write.midFile=delay:500`. */
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { CdcFailure, code } from '../core/failures.ts'
import { failpoints, nothing, type Failpoint, type Reach } from '../core/failpoints.ts'

/**
 * - `kill`: SIGKILL to this process, as a power cut
 * - `pause`: SIGSTOP, a zombie until somebody sends SIGCONT
 * - `exit`: ends the process with code 70
 * - `error`: throws
 * - `delay:<ms>`
 */
type Action = 'kill' | 'pause' | 'exit' | 'error' | `delay:${number}`

interface Armed {
  readonly action: Action
  /** Only the n-th time; 0 is every time. */
  readonly at: number
  reached: number
}

export interface Effects {
  signal(name: 'SIGKILL' | 'SIGSTOP'): void
  exit(code: number): void
  /** Says what is about to happen: nothing else can, after a kill. */
  tell(line: string): void
}

const effectsOfProcess: Effects = {
  signal: (name) => process.kill(process.pid, name),
  exit: (code) => process.exit(code),
  tell: (line) => void process.stderr.write(`${line}\n`),
}

/** CDC1002 where the text arms something unknown. */
export function armFailpoints(text: string, effects: Effects = effectsOfProcess): Reach {
  if (text.trim() === '') return nothing
  const armed = new Map<Failpoint, Armed>()
  for (const part of text.split(',').map((p) => p.trim())) {
    const [, point, action, at] = /^([A-Za-z.]+)=(kill|pause|exit|error|delay:\d+)(?:@(\d+))?$/.exec(part) ?? []
    if (!point || !(failpoints as readonly string[]).includes(point)) {
      const how = `point=kill|pause|exit|error|delay:<ms>, with @n for only the n-th time; points: ${failpoints.join(', ')}`
      throw new CdcFailure(code.InvalidConfig, `failpoints: ${JSON.stringify(part)}; expected ${how}`)
    }
    armed.set(point as Failpoint, { action: action as Action, at: Number(at ?? 0), reached: 0 })
  }
  return (point) => {
    const one = armed.get(point)
    if (!one) return
    one.reached++
    if (one.at !== 0 && one.reached !== one.at) return
    effects.tell(`failpoint ${point}: ${one.action}`)
    return act(point, one.action, effects)
  }
}

async function act(point: Failpoint, action: Action, effects: Effects): Promise<void> {
  if (action === 'kill') {
    effects.signal('SIGKILL')
    // Signals reach the process a moment later: nothing may happen in between.
    await sleep(60_000)
  } else if (action === 'pause') {
    effects.signal('SIGSTOP')
    await sleep(10)
  } else if (action === 'exit') effects.exit(70)
  else if (action === 'error') throw new Error(`failpoint ${point}`)
  else await sleep(Number(action.slice('delay:'.length)))
}
