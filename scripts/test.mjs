// npm test: all tests, those without a network and those on the real parts. Arguments go to vitest: npm test -- --project unit
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { prepare, runNode } from './bootstrap.mjs'

const args = process.argv.slice(2)
const asksFor = (project) =>
  args.some((arg, i) => arg === `--project=${project}` || (arg === '--project' && args[i + 1] === project))
prepare({ parts: !asksFor('unit') || asksFor('e2e') })

const scratch = mkdtempSync(join(tmpdir(), 'sluice-test-'))
const counts = join(scratch, 'counts')
const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--reporter=default', '--reporter=./test/closingLine.ts']
const plain = process.stdout.isTTY && !process.env.CI ? {} : { NO_COLOR: '1' }
const code = await runNode([...vitest, ...args], { SLUICE_TEST_COUNTS: counts, ...plain })
console.log(closingLine())
rmSync(scratch, { recursive: true, force: true })
process.exit(code)

function closingLine() {
  try {
    return readFileSync(counts, 'utf8').trimEnd()
  } catch {
    return 'no tests were run to their end'
  }
}
