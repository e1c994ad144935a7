/**
 * The disk of the S3 server is full: a limit on the size of its files (RLIMIT_FSIZE), so that the system itself refuses each write
 * that would let a file grow. The error is EFBIG, not ENOSPC; anybody may set it on processes of their own. Linux only.
 */
import { execFileSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { whole } from '../../random.ts'
import { fault, type Fault } from '../fault.ts'

/** The hard limit stays, else nobody but root could lift it again. */
function limitFiles(pid: number, bytes: number | 'unlimited'): void {
  execFileSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}:`])
}

const full = fault({
  kind: 'disk.full',
  lane: 'store',
  what: "the S3 server's disk is full (no file may grow)",
  draw: (random) => ({ forMs: whole(random, 2000, 6000) }),
  tell: ({ forMs }) => `the disk of the S3 server is full for ${(forMs / 1000).toFixed(1)} s`,
  async strike(stage, { forMs }) {
    const pid = stage.pid('store')
    limitFiles(pid, 4096)
    try {
      await sleep(forMs)
    } finally {
      limitFiles(pid, 'unlimited')
    }
  },
})

export const diskFaults: readonly Fault[] = process.platform === 'linux' ? [full] : []
