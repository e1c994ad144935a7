/** The rules of the house (DESIGN §7): which room may import what, one door a package, names that say something. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))
const src = join(root, 'src')

interface Import {
  /** `lake/s3.ts`, below src. */
  readonly file: string
  readonly room: string
  readonly from: string
  /** Erased when the program runs. */
  readonly typeOnly: boolean
}

function filesOf(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(ts|mts|mjs|js)$/.test(name))
    .map((name) => name.replaceAll('\\', '/'))
    .sort()
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(src, file), 'utf8')
  const room = file.split('/')[0]!
  const statement = /^\s*(?:import|export)\s+(type\s)?(?:[^'"`;]*?\sfrom\s+)?['"]([^'"]+)['"]/gm
  const dynamic = /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g
  return [
    ...[...text.matchAll(statement)].map((m) => ({ file, room, from: m[2]!, typeOnly: m[1] !== undefined })),
    ...[...text.matchAll(dynamic)].map((m) => ({ file, room, from: m[1]!, typeOnly: false })),
  ]
}

// What is compiled to WebAssembly is another language.
const files = filesOf('src').filter((file) => !file.startsWith('kernel/assembly/'))
const imports = files.flatMap(importsOf)

/** The room that a relative import leads to; null for a package or a built-in. */
function roomOf({ file, from }: Import): string | null {
  if (!from.startsWith('.')) return null
  return new URL(from, `file:///${file}`).pathname.split('/')[1]!
}

function packageOf(from: string): string | null {
  if (from.startsWith('.') || from.startsWith('node:')) return null
  return from
    .split('/')
    .slice(0, from.startsWith('@') ? 2 : 1)
    .join('/')
}

const rooms: Readonly<Record<string, { rooms: readonly string[]; types?: readonly string[]; packages: readonly string[] }>> = {
  core: { rooms: [], packages: [] },
  kernel: { rooms: ['core'], packages: [] },
  config: { rooms: ['core'], packages: ['zod', 'yaml'] },
  kafka: { rooms: ['core', 'kernel'], packages: ['kafkajs', '@node-rs/crc32', 'lz4-napi', 'snappy', 'fzstd'] },
  debezium: { rooms: ['core'], packages: [] },
  rows: { rooms: ['core'], packages: [] },
  lake: { rooms: ['core'], packages: ['@dsnp/parquetjs', 'node-int64', 'snappy', '@aws-sdk/client-s3', '@node-rs/crc32'] },
  catalog: { rooms: ['core'], packages: [] },
  alerts: { rooms: ['core'], packages: [] },
  carry: { rooms: ['core', 'kernel', 'kafka', 'debezium', 'rows', 'lake'], packages: [] },
  activities: {
    rooms: ['core', 'config', 'carry', 'lake'],
    types: ['kafka', 'debezium', 'rows'],
    packages: ['@temporalio/activity', '@temporalio/common'],
  },
  workflows: { rooms: ['core'], types: ['activities'], packages: ['@temporalio/workflow', '@temporalio/common'] },
  workers: {
    rooms: ['core', 'config', 'kafka', 'debezium', 'rows', 'lake', 'catalog', 'alerts', 'carry', 'activities', 'workflows'],
    packages: ['@temporalio/worker', '@temporalio/client', '@temporalio/common', '@temporalio/envconfig', 'pino'],
  },
}

/** A package that may be imported in one place only: files below src. */
const doors: Readonly<Record<string, RegExp>> = {
  kafkajs: /^kafka\//,
  '@dsnp/parquetjs': /^lake\/parquet[A-Za-z]*\.ts$/,
  '@aws-sdk/client-s3': /^lake\/s3\.ts$/,
  zod: /^config\//,
  yaml: /^config\//,
  pino: /^workers\//,
}

function told(found: readonly Import[]): string[] {
  return found.map(({ file, from, typeOnly }) => `${file} imports ${typeOnly ? 'types of ' : ''}${from}`)
}

describe('rooms', () => {
  test('the scan sees the imports it is to judge', () => {
    expect(imports.length).toBeGreaterThan(200)
    expect(told(imports)).toContain('workflows/proxies.ts imports types of ../activities/index.ts')
  })

  test('every folder of src is a room with rules', () => {
    const folders = new Set(files.map((file) => file.split('/')[0]!))
    expect([...folders].filter((folder) => !(folder in rooms))).toEqual([])
  })

  test.each(Object.keys(rooms))('%s imports only the rooms it may', (room) => {
    const rule = rooms[room]!
    const wrong = imports.filter((one) => {
      const other = one.room === room ? roomOf(one) : null
      if (other === null || other === room || rule.rooms.includes(other)) return false
      return !(one.typeOnly && rule.types?.includes(other))
    })
    expect(told(wrong)).toEqual([])
  })

  test.each(Object.keys(rooms))('%s imports only its own packages', (room) => {
    const wrong = imports.filter((one) => {
      const name = one.room === room ? packageOf(one.from) : null
      return name !== null && !rooms[room]!.packages.includes(name)
    })
    expect(told(wrong)).toEqual([])
  })

  test('core imports nothing at all', () => {
    expect(told(imports.filter((one) => one.room === 'core' && roomOf(one) !== 'core'))).toEqual([])
  })

  test('Node is reached only from kernel, kafka, lake, alerts, workers and config', () => {
    const allowed = ['kernel', 'kafka', 'lake', 'alerts', 'workers', 'config']
    expect(told(imports.filter((one) => one.from.startsWith('node:') && !allowed.includes(one.room)))).toEqual([])
  })

  test('each package has one door', () => {
    const wrong = imports.filter((one) => {
      const door = doors[packageOf(one.from) ?? '']
      return door !== undefined && !door.test(one.file)
    })
    expect(told(wrong)).toEqual([])
  })

  test('the stores are constructed in workers alone', () => {
    const stores = imports.filter((one) => /\/lake\/(s3|folder)\.ts$/.test(one.from) && !one.typeOnly)
    expect(stores.map((one) => one.file).filter((file) => !file.startsWith('workers/'))).toEqual([])
  })

  test('a thread that carries ranges loads nothing of Temporal, nor what reads the configuration', () => {
    const loaded = new Set(['workers/rangeThread.ts'])
    for (const file of loaded) {
      const relative = imports.filter((one) => one.file === file && !one.typeOnly && one.from.startsWith('.'))
      for (const { from } of relative) loaded.add(new URL(from, `file:///${file}`).pathname.slice(1))
    }
    const packages = imports.filter((one) => loaded.has(one.file) && !one.typeOnly).map(({ from }) => packageOf(from))
    expect(packages).toContain('kafkajs')
    expect(packages.filter((name) => name?.startsWith('@temporalio/') || ['pino', 'zod', 'yaml'].includes(name ?? ''))).toEqual(
      [],
    )
  })

  test('the environment is read in config alone', () => {
    const readers = files.filter((file) => /\bprocess\.env\b/.test(readFileSync(join(src, file), 'utf8')))
    expect(readers).toEqual(['config/process.ts'])
  })
})

describe('files', () => {
  test('are named for what they own', () => {
    const empty = /(^|\/)(utils?|helpers?|managers?|commons?|types?|misc|shared)\.[a-z]+$/i
    const all = ['src', 'scripts', 'test'].flatMap((folder) => filesOf(folder).map((file) => `${folder}/${file}`))
    expect(all.filter((file) => empty.test(file))).toEqual([])
  })

  test('import TypeScript by its own name', () => {
    expect(told(imports.filter((one) => one.from.startsWith('.') && !/\.(ts|json)$/.test(one.from)))).toEqual([])
  })
})
