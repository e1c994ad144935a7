/** Counts the tests for the line with which `npm test` ends. A file that breaks outside its tests counts as one that failed. */
import { writeFileSync } from 'node:fs'
import type { Reporter, TestModule } from 'vitest/node'

export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const file = process.env['SLUICE_TEST_COUNTS']
    if (!file) return
    let [passed, failed] = [0, errors.length]
    for (const module of modules) {
      const states = [...module.children.allTests()].map((test) => test.result().state)
      const failures = states.filter((state) => state === 'failed').length
      passed += states.filter((state) => state === 'passed').length
      failed += failures === 0 && !module.ok() ? 1 : failures
    }
    writeFileSync(file, `${passed} passed, ${failed} failed\n`)
  }
}
