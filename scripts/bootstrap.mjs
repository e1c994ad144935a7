// What every entry script does first. It runs before `npm ci`, so it needs no dependency.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setInterval } from 'node:timers'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * Checks what the machine must have, installs the dependencies when they are missing or out of date, and ends with one
 * clear line when something is not there. `parts: false` leaves out what only the real parts need.
 */
export function prepare({ parts = true } = {}) {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major < 20 || (major === 20 && minor < 19)) stop(`Node.js 20.19 or newer is needed; this is ${process.versions.node}`)
  if (parts) {
    const python = says('python3', ['--version'])
    if (python === undefined) stop('Python 3 is needed: "apt-get install python3 python3-pip" or "brew install python"')
    if (says('python3', ['-m', 'pip', '--version']) === undefined) {
      stop('pip is needed for Python 3: "apt-get install python3-pip" (Debian, Ubuntu) or "python3 -m ensurepip"')
    }
    const home = process.env.JAVA_HOME
    const java = (home && says(join(home, 'bin', 'java'), ['-version'])) || says('java', ['-version'])
    const version = /version "(\d+)/.exec(java ?? '')?.[1]
    if (!version || Number(version) < 17) console.log('No Java 17 or newer found: a runtime is downloaded once (35 MB)')
  }
  install()
  buildKernel()
}

/** The WebAssembly of src/kernel: `npm ci` makes it, and a change of its source makes it stale. */
export function buildKernel() {
  const folder = join(root, 'src', 'kernel')
  const built = timeOf(join(folder, 'kernel.wasm'))
  const sources = readdirSync(join(folder, 'assembly')).map((name) => timeOf(join(folder, 'assembly', name)))
  if (Math.max(...sources, timeOf(join(root, 'asconfig.json'))) < built) return
  const asc = join(root, 'node_modules', 'assemblyscript', 'bin', 'asc.js')
  const { status } = spawnSync(process.execPath, [asc, '--config', 'asconfig.json'], { cwd: root, stdio: 'inherit' })
  if (status !== 0) stop('src/kernel was not compiled; the reasons stand above')
}

function timeOf(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
}

/** Runs Node on a TypeScript file or a program of node_modules; signals are passed on, the exit code is the child's. */
export function runNode(args, env = {}) {
  const child = spawn(process.execPath, args, {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...process.env,
      // Its notice about future Node versions would stand in every output.
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
      SLUICE_PARENT: String(process.pid),
      ...env,
    },
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  watchParent(() => child.kill('SIGTERM'))
  return new Promise((resolve) => {
    child.on('error', (error) => stop(error.message))
    child.on('exit', (code, signal) => resolve(code ?? { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }[signal] ?? 1))
  })
}

/** When npm, or the shell between it and us, is killed without warning, nobody passes its end on to us: notice it. */
function watchParent(onGone) {
  if (!process.env.npm_lifecycle_event) return
  const parent = process.ppid
  const npm = Number(says('ps', ['-o', 'ppid=', '-p', String(parent)]) ?? 1)
  const timer = setInterval(() => (process.ppid !== parent || !exists(npm)) && onGone(), 500)
  timer.unref()
}

function exists(pid) {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return error.code === 'EPERM'
  }
}

function install() {
  const lock = readFileSync(join(root, 'package-lock.json'))
  const marker = join(root, 'node_modules', '.sluice-lock-hash')
  const hash = createHash('sha256').update(lock).digest('hex')
  if (read(marker) === hash) return
  if (!isInstalled(JSON.parse(lock))) {
    const startedAt = Date.now()
    console.log('Installing the dependencies (npm ci) ...')
    const npm = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    if (npm.status !== 0) stop('npm ci failed; its reasons stand above')
    console.log(`Dependencies installed in ${((Date.now() - startedAt) / 1000).toFixed(1)} s`)
  }
  writeFileSync(marker, hash)
}

/** Whether node_modules holds what the lock asks for, by npm's own account of what it installed. */
function isInstalled(lock) {
  const installed = JSON.parse(read(join(root, 'node_modules', '.package-lock.json')) ?? '{}').packages
  if (!installed) return false
  const wanted = Object.entries(lock.packages).filter(([path, entry]) => path !== '' && !entry.optional && !entry.devOptional)
  return wanted.every(([path, entry]) => installed[path]?.version === entry.version)
}

function read(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/** What a command prints, or undefined when it is missing or fails. */
function says(command, args) {
  const result = spawnSync(command, args, { encoding: 'utf8' })
  return result.status === 0 ? result.stdout + result.stderr : undefined
}

function stop(line) {
  console.error(line)
  process.exit(1)
}
