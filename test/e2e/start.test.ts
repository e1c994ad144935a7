/** `npm start` as a person types it: the program is built where that is due, then it runs. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, inject, test } from 'vitest'
import { projectRoot } from '../../scripts/stack/places.ts'
import { workerEnv } from '../../scripts/stack/worker.ts'

test('npm start gives a worker with its workflow code ready, and SIGTERM drains it', { timeout: 120_000 }, async () => {
  const plan = { topicPrefix: 'started', database: 'airline', lakePrefix: 'started', env: { CDC_TASK_QUEUE: 'started' } }
  const npm = spawn('npm', ['start'], { cwd: projectRoot, env: { ...process.env, ...workerEnv(inject('stack'), plan) } })
  const ended = once(npm, 'exit')
  let output = ''
  const take = (chunk: Buffer): void => {
    output += chunk.toString()
    if (output.includes('worker is ready') && !npm.killed) npm.kill('SIGTERM')
  }
  npm.stdout.on('data', take)
  npm.stderr.on('data', take)
  const [code] = (await ended) as [number | null]
  expect(output).toContain('worker has drained')
  expect(output).not.toContain('Workflow bundle created')
  expect(code).toBe(0)
})
