/**
 * Changes the kernel on purpose, one place at a time, and looks whether its tests notice: `npm run test:mutants`. Each change is made in a
 * copy of the project. Exit code 1 where one stays unnoticed, or no longer applies.
 */
import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { projectRoot } from '../../scripts/stack/places.ts'

type Mutant = readonly [file: 'json' | 'records' | 'values' | 'lz4', what: string, find: string, replace: string]

const mutants: readonly Mutant[] = [
  ['json', 'bytes are compared up to the last but one', '(1 << (length as i32)) - 1', '(1 << ((length as i32) - 1)) - 1'],
  [
    'json',
    'the tail of long bytes is not compared',
    'a + last), v128.load(b + last))) == 0xffff',
    'a + last), v128.load(a + last))) == 0xffff',
  ],
  ['json', 'a control character may stand in a string', 'i8x16.splat(0x20)', 'i8x16.splat(0x01)'],
  ['json', 'any escape is one', 'return known ? at + 2 : 0', 'return at + 2'],
  ['json', 'a \\u needs no hexadecimal digits', 'if (!isHex(load<u8>(at + k))) return 0', 'if (at + k == 0) return 0'],
  ['json', 'numbers may begin with zeros', '(load<u8>(p) == 0x30 && whole > p + 1)', 'false'],
  ['json', 'a point needs no digit behind it', 'if (fraction == p + 1) return 0', 'if (fraction == 0) return 0'],
  ['json', 'an exponent needs no digit', 'if (exponent == p) return 0', 'if (exponent == 0) return 0'],
  ['json', 'nesting has no end', 'if (depth > maxDepth) return 0', 'if (depth > 100_000) return 0'],
  ['json', 'members need no comma', 'if (c != 0x2c) return 0', 'if (c == 0) return 0'],
  ['records', 'what stands behind an object is not looked at', 'if (tail == 0) return at == end', 'if (tail == 0) return true'],
  ['records', 'a payload needs no closing brace', 'return at + 1 == end && load<u8>(at) == 0x7d', 'return at + 1 == end'],
  [
    'records',
    'names of members are not compared',
    'if (p + length > end || !equalBytes(p, load<u32>(member) as usize, length)) return 0',
    'if (p + length > end) return 0',
  ],
  [
    'records',
    'an object that is null keeps the slots of the one before',
    'if (inner != 0) clearSlots(inner)',
    'if (inner != 0 && p == 0) clearSlots(inner)',
  ],
  [
    'records',
    'an event of a later day does not end the run',
    'if (long >= dayEnd) return false',
    'if (long == nothing) return false',
  ],
  [
    'records',
    'any operation is usual',
    '(op != 0x63 && op != 0x75 && op != 0x72) || !opensObject(slotAfter)',
    '!opensObject(slotAfter)',
  ],
  [
    'records',
    'an update under FULL needs no old row',
    'if (oldRows != 0 && op == 0x75 && !opensObject(slotBefore)) return false',
    '',
  ],
  ['records', 'milliseconds of the source count as microseconds', 'long *= 1000\n', '\n'],
  [
    'records',
    'a record without a time has one',
    'timestamp < 0 ? nothing : (timestamp as i64) * 1000',
    '(timestamp as i64) * 1000',
  ],
  ['records', 'an unknown snapshot mark is none', 'return -1\n', 'return 0\n'],
  ['records', 'a row that is given up stays in its columns', 'takeBack(k)\n', '\n'],
  ['records', 'a real is not rounded to its precision', '(double as f32 as f64)', 'double'],
  [
    'records',
    'a placeholder of TOAST is a value',
    'if (isToken(start, end, load<u32>(column, columnToken) as usize, load<u32>(column, columnToken + 4) as usize)) return slow',
    '',
  ],
  ['records', 'texts may take more than their room', 'if (used + length > room) return length > room ? slow : full', ''],
  ['records', 'rows are not counted against the limit', 'rowsLeft--', ''],
  ['records', 'bytes are counted with their schemas', '(valueEnd - start - valueHeadLength) as i64', '(valueEnd - start) as i64'],
  [
    'records',
    'truncating leaves the values',
    'const values = load<i32>(column, columnValues) - gone',
    'const values = load<i32>(column, columnValues)',
  ],
  ['records', 'an earlier place in the stream is no replay', 'replayed++', ''],
  ['records', 'the least LSN is not kept', 'if (lsn < minLsn) minLsn = lsn', ''],
  [
    'values',
    'nineteen digits are read as a number',
    'if (p >= end || end - p > 18) return false',
    'if (p >= end || end - p > 19) return false',
  ],
  ['values', 'doubles beyond 2^53 are divided', 'value > 9_007_199_254_740_992', 'value > 900_719_925_474_099_200'],
  ['values', 'a decimal of a larger scale is cut', 'missing < 0 || ', ''],
  [
    'values',
    'February has 29 days',
    '(year % 100 != 0 || year % 400 == 0) ? 29 : 28',
    '(year % 100 != 0 || year % 400 == 0) ? 29 : 29',
  ],
  ['values', 'a day has 25 hours', 'hour > 23', 'hour > 24'],
  ['values', 'a time with a zone needs none', 'p == stop ? !zoned', 'p == stop ? true'],
  ['values', 'seven digits of a second are read', 'p - first > 6', 'p - first > 7'],
  ['values', 'UTF-8 of surrogates is text', 'const high: u8 = c == 0xed ? 0x9f : 0xbf', 'const high: u8 = 0xbf'],
  ['values', 'overlong UTF-8 is text', 'const low: u8 = c == 0xf0 ? 0x90 : 0x80', 'const low: u8 = 0x80'],
  ['lz4', 'a match may reach back before the block', 'distance > out - first || ', ''],
  ['lz4', 'a match may begin where it ends', 'distance == 0 || ', ''],
  [
    'lz4',
    'a match may end behind the limit',
    'distance == 0 || distance > out - first || length > limit - out',
    'distance == 0 || distance > out - first',
  ],
  ['lz4', 'matches that overlap are copied sixteen bytes at a time', 'if (distance >= 16)', 'if (distance >= 8)'],
]

const tests = ['test/unit/carry/recordRuns.test.ts', 'test/unit/kernel/lz4.test.ts', 'test/unit/kafka/compression.test.ts']

function copyOfProject(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-mutants-'))
  for (const name of ['src', 'test', 'bench', 'scripts', 'package.json', 'tsconfig.json', 'vitest.config.ts', 'asconfig.json']) {
    cpSync(join(projectRoot, name), join(folder, name), { recursive: true })
  }
  symlinkSync(join(projectRoot, 'node_modules'), join(folder, 'node_modules'))
  return folder
}

function succeeds(folder: string, program: string, args: readonly string[]): Promise<boolean> {
  const child = spawn(process.execPath, [join(folder, 'node_modules', program), ...args], { cwd: folder, stdio: 'ignore' })
  return new Promise((resolve, reject) => child.on('error', reject).on('exit', (exitCode) => resolve(exitCode === 0)))
}

const compiles = (folder: string) => succeeds(folder, 'assemblyscript/bin/asc.js', ['--config', 'asconfig.json'])
const passes = (folder: string) => succeeds(folder, 'vitest/vitest.mjs', ['run', '--project', 'unit', '--bail', '1', ...tests])

/** What became of the mutant; null: the tests noticed it. */
async function tried(folder: string, [file, , find, replace]: Mutant): Promise<string | null> {
  const path = join(folder, 'src', 'kernel', 'assembly', `${file}.ts`)
  const source = readFileSync(path, 'utf8')
  if (source.split(find).length !== 2) return 'does not apply: its place is not there, or more than once'
  try {
    writeFileSync(
      path,
      source.replace(find, () => replace),
    )
    if (!(await compiles(folder))) return 'does not compile'
    return (await passes(folder)) ? 'was not noticed' : null
  } finally {
    writeFileSync(path, source)
  }
}

async function main(): Promise<boolean> {
  const folders = Array.from({ length: availableParallelism() }, copyOfProject)
  const left = [...mutants]
  const bad: string[] = []
  try {
    if (!(await compiles(folders[0]!)) || !(await passes(folders[0]!))) throw new Error('the tests do not pass without a change')
    await Promise.all(
      folders.map(async (folder) => {
        for (let mutant = left.shift(); mutant; mutant = left.shift()) {
          const trouble = await tried(folder, mutant)
          console.log(`${trouble ?? 'noticed'}: ${mutant[0]}: ${mutant[1]}`)
          if (trouble !== null) bad.push(mutant[1])
        }
      }),
    )
  } finally {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  }
  console.log(`${mutants.length - bad.length} of ${mutants.length} changes of the kernel were noticed`)
  return bad.length === 0
}

process.exitCode = (await main()) ? 0 : 1
