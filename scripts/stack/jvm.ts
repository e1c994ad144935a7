import { createHash } from 'node:crypto'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Java } from './java.ts'
import { cacheDir } from './places.ts'

export interface Jvm {
  command: string
  args: string[]
  archive?: { from: string; to: string }
}

/**
 * A Java program's command line. The first run writes a class archive when it ends (AppCDS), later runs start from it:
 * measured, broker and Connect together start in about half the time. An archive is only good for one build of Java and one
 * class path, so both are in its name.
 */
export function jvm(java: Java, jars: string, name: string, heap: string[], mark: string, main: string[]): Jvm {
  const id = createHash('sha256').update(`${java.id} ${jars}`).digest('hex').slice(0, 12)
  const folder = join(cacheDir(), 'archives')
  mkdirSync(folder, { recursive: true })
  const to = join(folder, `${name}-${id}.jsa`)
  const from = `${to}.${process.pid}`
  const known = existsSync(to)
  const args = [
    ...heap,
    '-XX:+UseSerialGC',
    // The second compiler never earns its keep in minutes: measured, broker and Connect need 44 % less CPU without it.
    '-XX:TieredStopAtLevel=1',
    '-Xshare:auto',
    '-Xlog:cds=off',
    '-Xlog:cds+dynamic=off',
    known ? `-XX:SharedArchiveFile=${to}` : `-XX:ArchiveClassesAtExit=${from}`,
    '-Djava.awt.headless=true',
    `-Dlog4j2.configurationFile=${fileURLToPath(new URL('../../docker/kafka/log4j2.properties', import.meta.url))}`,
    `-Dcdc.run=${mark}`,
    '-cp',
    jars,
    ...main,
  ]
  return { command: java.path, args, ...(known ? {} : { archive: { from, to } }) }
}
