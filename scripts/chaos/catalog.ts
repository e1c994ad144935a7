/** Every kind of fault there is. */
import { answerFaults } from './faults/answers.ts'
import { clockFaults } from './faults/clock.ts'
import { diskFaults } from './faults/disk.ts'
import { partFaults } from './faults/parts.ts'
import { snapshotFaults } from './faults/snapshot.ts'
import { windowFaults } from './faults/windows.ts'
import { workerFaults } from './faults/workers.ts'
import { workflowFaults } from './faults/workflows.ts'
import type { Fault } from './fault.ts'

export const catalog: readonly Fault[] = [
  ...workerFaults,
  ...windowFaults,
  ...clockFaults,
  ...workflowFaults,
  ...partFaults,
  ...snapshotFaults,
  ...answerFaults,
  ...diskFaults,
]
