/**
 * Apache Spark as PyPI has it, and from Maven what the job needs besides: versions and hashes stand in spark.lock.json. (The Kafka
 * source for 3.5.5 is that of 3.5.3: its own could not be had.)
 */
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { findJava } from '../../scripts/stack/java.ts'
import { lockedJars } from '../../scripts/stack/jars.ts'
import { cacheDir } from '../../scripts/stack/places.ts'
import { runTool } from '../../scripts/stack/tools.ts'
import { pip } from '../../scripts/stack/wheels.ts'
import lock from './spark.lock.json' with { type: 'json' }

export type SparkVersion = keyof typeof lock

export const sparkVersions = Object.keys(lock) as SparkVersion[]

/** By version, the jars beside Spark's own: for people. */
export const sparkJars: readonly (readonly [SparkVersion, string])[] = sparkVersions.map((version) => {
  return [
    version,
    Object.keys(lock[version].jars)
      .map((jar) => jar.split(':').slice(1).join(' '))
      .join(', '),
  ]
})

/** Downloads on first use some 0.6 GB (3.5.5) or 1.1 GB (4.1.1). Returns the environment in which Python runs a job on two cores. */
export async function installSpark(version: SparkVersion): Promise<Record<string, string>> {
  const java = await findJava()
  if (!/^Java (17|21)\./.test(java.label))
    throw new Error(`Spark needs Java 17 or 21 on the PATH or by JAVA_HOME; found is ${java.label}`)
  const [home, jars] = await Promise.all([sparkHome(version), lockedJars(lock[version].jars)])
  const py4j = (await readdir(join(home, 'lib'))).find((file) => file.startsWith('py4j'))!
  return {
    SPARK_HOME: join(home, 'deps'),
    SPARK_LOCAL_IP: '127.0.0.1',
    PYTHONPATH: [home, join(home, 'lib', py4j)].join(':'),
    PYSPARK_SUBMIT_ARGS: `--master local[2] --driver-class-path ${jars.join(':')} pyspark-shell`,
    // Whichever Java the broker runs on, where it is a whole one of its own.
    ...(java.path.includes('/') && { JAVA_HOME: dirname(dirname(java.path)) }),
  }
}

/** The sdist holds all of Spark: it is unpacked, nothing is built or installed. */
async function sparkHome(version: SparkVersion): Promise<string> {
  const home = join(cacheDir(), `spark-${version}`)
  if (existsSync(home)) return home
  await mkdir(cacheDir(), { recursive: true })
  const scratch = await mkdtemp(`${home}-`)
  try {
    const requirements = join(scratch, 'requirements.txt')
    await writeFile(requirements, `pyspark==${version} --hash=sha256:${lock[version].pyspark}\n`)
    const options = ['--quiet', '--no-deps', '--no-binary', ':all:', '--require-hashes', '-d', scratch]
    await pip(['download', ...options, '-r', requirements])
    const content = join(scratch, 'content')
    await mkdir(content)
    await runTool('tar', ['-xzf', join(scratch, `pyspark-${version}.tar.gz`), '-C', content, '--strip-components', '1'])
    await rename(content, home).catch((error: unknown) => {
      if (!existsSync(home)) throw error
    })
    return home
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}
