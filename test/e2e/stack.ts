/** One stack for the whole run of the e2e project. Its addresses reach the tests by `inject('stack')`. */
import type { TestProject } from 'vitest/node'
import { loadAirline } from '../../scripts/stack/airline.ts'
import { runDir } from '../../scripts/stack/places.ts'
import { runningIn, type StackFacts, startStack } from '../../scripts/stack/start.ts'

declare module 'vitest' {
  interface ProvidedContext {
    stack: StackFacts
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // Two test runs may share a checkout.
  const name = runningIn(runDir('test')) === undefined ? 'test' : `test-${process.pid}`
  const stack = await startStack({
    name,
    progress: (label, elapsedMs) => console.log(`stack: ${label} after ${(elapsedMs / 1000).toFixed(1)} s`),
  })
  // The template of the tests' own databases: nobody connects to it.
  await loadAirline(stack.postgres)
  project.provide('stack', stack.facts)
  return () => stack.stop()
}
