import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { cacheDir, projectRoot } from './places.ts'
import { runTool } from './tools.ts'
import { requirePip, unpackedWheel } from './wheels.ts'

const requirements = join(projectRoot, 'test', 'readers', 'requirements.txt')

let python: Promise<string> | undefined

/** The Python that has pyarrow, DuckDB, deltalake, Polars and pandas: a virtual environment in the cache, made on first use. */
export function readersPython(): Promise<string> {
  return (python ??= makeReaders())
}

/** Runs a script in that Python: `given` goes in as JSON, one JSON document comes out. */
export async function askPython<T>(script: URL, given: unknown): Promise<T> {
  const child = spawn(await readersPython(), [fileURLToPath(script)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve))
  child.stdin.end(JSON.stringify(given))
  const [answer, exitCode] = await Promise.all([text(child.stdout), ended])
  if (exitCode !== 0) throw new Error(`${basename(script.pathname)} ended with exit code ${exitCode}`)
  return JSON.parse(answer) as T
}

async function makeReaders(): Promise<string> {
  const version = await runTool('python3', ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])']).catch(() => '0.0')
  const [major = 0, minor = 0] = version.trim().split('.').map(Number)
  if (major !== 3 || minor < 11) throw new Error(`Python 3.11 or newer is needed for the readers; python3 is ${version.trim()}`)
  await requirePip()
  const id = createHash('sha256')
    .update(await readFile(requirements))
    .update(version)
    .digest('hex')
    .slice(0, 12)
  // A virtual environment holds its own path and cannot be moved: the marker file says that it is whole.
  const home = join(cacheDir(), `readers-${id}`)
  const path = join(home, 'bin', 'python')
  if (existsSync(join(home, 'whole'))) return path

  const scratch = await mkdtemp(`${home}-`)
  try {
    await runTool('python3', ['-m', 'venv', '--without-pip', scratch]).catch((error: unknown) => {
      throw new Error('Python has no venv module: install it with "apt-get install python3-venv"', { cause: error })
    })
    const folders = await runTool(join(scratch, 'bin', 'python'), [
      '-c',
      'import sysconfig; print(sysconfig.get_path("purelib"))',
    ])
    const options = ['--disable-pip-version-check', 'install', '--quiet', '--no-deps', '--only-binary', ':all:']
    await runTool('python3', ['-m', 'pip', ...options, '--require-hashes', '--target', folders.trim(), '-r', requirements])
    await runTool(join(scratch, 'bin', 'python'), ['-c', 'import pyarrow, duckdb, deltalake, polars, pandas'])
    await runTool('sh', ['-c', 'touch "$1/whole"', 'sh', scratch])
    await rename(scratch, home).catch((error: unknown) => {
      if (!existsSync(join(home, 'whole'))) throw error
    })
    return path
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

/** The file of DuckDB's httpfs extension (S3), for `LOAD`, without asking the extension server. */
export function duckdbHttpfs(): Promise<string> {
  return duckdbExtension('httpfs')
}

/** The file of DuckDB's delta extension, for `LOAD`. */
export function duckdbDelta(): Promise<string> {
  return duckdbExtension('delta')
}

async function duckdbExtension(name: string): Promise<string> {
  const folder = join(await unpackedWheel(`duckdb-extension-${name}`), `duckdb_extension_${name}`, 'extensions')
  const [version] = await readdir(folder)
  return join(folder, version!, `${name}.duckdb_extension`)
}
