/** Pages of docs/ that come from code, and pages that must keep up with it. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { configurationPage, settings } from '../../../scripts/docs/configurationPage.ts'
import { errorsPage, told } from '../../../scripts/docs/errorsPage.ts'
import { notes, typesPage } from '../../../scripts/docs/typesPage.ts'
import { variables } from '../../../src/config/environment.ts'
import { failureRules } from '../../../src/core/failures.ts'
import { typeTable } from '../../../src/debezium/typeTable.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const read = (path: string) => readFileSync(join(root, path), 'utf8')

describe('pages that come from code', () => {
  test.each([
    ['errors', errorsPage],
    ['types', typesPage],
    ['configuration', configurationPage],
  ])('docs/%s.md is what npm run docs writes', (name, page) => {
    expect(read(`docs/${name}.md`)).toBe(page())
  })

  test('every code has a heading of its own, to which a status can point', () => {
    const headings = [...read('docs/errors.md').matchAll(/^### (CDC\d+)$/gm)].map(([, code]) => code)
    expect(headings).toEqual(Object.keys(failureRules))
  })

  test('every code tells what happened', () => {
    expect(Object.keys(failureRules).filter((code) => !told[code])).toEqual([])
  })

  test('every type that is carried has a line', () => {
    const page = read('docs/types.md')
    for (const name of typeTable.flatMap(({ postgres }) => postgres)) expect(page).toMatch(new RegExp(`^\\|.*\\b${name}\\b`, 'm'))
  })

  test('every way of encoding has a note', () => {
    expect(typeTable.filter(({ encoding }) => notes[encoding] === undefined)).toEqual([])
  })

  test('every environment variable stands beside its place in the file', () => {
    const paths = new Set(settings().map(({ path }) => path))
    expect(variables.filter(([, path]) => !paths.has(path))).toEqual([])
    for (const [variable] of variables) expect(read('docs/configuration.md')).toContain(`| ${variable} `)
  })

  test('every setting says what it is', () => {
    expect(settings().filter(({ about, fallback }) => about === '' && fallback === '')).toEqual([])
  })
})

describe('the connector', () => {
  const profile = Object.keys(JSON.parse(read('docker/connect/sluice-source.json')) as object).sort()
  const rows = [...read('docs/connector.md').matchAll(/^\| `([a-zA-Z.]+)` *\| *([^|]*?) *\| *([^|]*?) *\|$/gm)]

  test('every setting of the profile is explained, and no other', () => {
    expect(rows.map(([, setting]) => setting!).sort()).toEqual(profile)
  })

  test('every setting has a test that shows it, or is there for speed; the tests are there', () => {
    const section = read('docs/connector.md').split('## Which test shows it')[1]!
    const named = [...section.matchAll(/`([a-zA-Z.]+)(\*?)`/g)].map(([, name, more]) => ({ name: name!, more: more === '*' }))
    const shown = (setting: string) => named.some(({ name, more }) => (more ? setting.startsWith(name) : setting === name))
    expect(profile.filter((setting) => !shown(setting))).toEqual([])
    const tests = [...section.matchAll(/^\|.*\| `([a-z.]+)`: (.*?)(?:; and .*)? \|$/gm)]
    expect(tests.length).toBeGreaterThan(10)
    expect(tests.filter(([, file, title]) => !read(`test/e2e/${file}`).includes(`'${title}`)).map(([row]) => row)).toEqual([])
  })

  test('every setting that is ours has a reason', () => {
    expect(rows.filter(([, , value, why]) => value !== 'yours' && why === '').map(([, setting]) => setting)).toEqual([])
  })
})

test('links between pages lead somewhere', () => {
  const pages = [
    'README.md',
    'CONTRIBUTING.md',
    ...readdirSync(join(root, 'docs')).flatMap((name) => (name.endsWith('.md') ? [`docs/${name}`] : [])),
  ]
  const broken = pages.flatMap((page) =>
    [...read(page).matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)]
      .map(([, target]) => new URL(target!, `file://${join(root, page)}`).pathname)
      .filter((path) => !exists(path))
      .map((path) => `${page}: ${path}`),
  )
  expect(broken).toEqual([])
})

function exists(path: string): boolean {
  try {
    readFileSync(path)
    return true
  } catch (error) {
    return (error as { code?: string }).code === 'EISDIR'
  }
}
