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
const results = join(scratch, 'results.json')
const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${results}`]
const code = await runNode([...vitest, ...args])
console.log(closingLine() ?? 'no tests were run')
rmSync(scratch, { recursive: true, force: true })
process.exit(code)

/** "N passed, M failed"; a file that broke before its first test counts as one that failed. */
function closingLine() {
  let report
  try {
    report = JSON.parse(readFileSync(results, 'utf8'))
  } catch {
    return undefined
  }
  const broken = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  )
  return `${report.numPassedTests} passed, ${report.numFailedTests + broken.length} failed`
}
