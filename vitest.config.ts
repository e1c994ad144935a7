import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    // Most of an e2e test is waiting: for heartbeats to run out, for a minute to pass. Each file has its own database and topics.
    maxWorkers: 2,
    projects: [
      // Units keep nothing in their modules: one import serves all files, which saves a third of the time.
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 30_000, isolate: false } },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          globalSetup: ['test/e2e/stack.ts'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
})
