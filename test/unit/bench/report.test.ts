import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { median } from '../../../bench/median.ts'
import { selfTimes } from '../../../bench/profile.ts'
import { ratiosOf } from '../../../bench/report.ts'
import { projectRoot } from '../../../scripts/stack/places.ts'

test('the last line compares with Spark and with the floor, and says what was not measured', () => {
  const figures = { sluiceRowsASecond: 150_000, sluiceCpuUs: 8, sparkRowsASecond: 30_000, sparkCpuUs: 40 }
  expect(ratiosOf({ ...figures, floorCpuUs: 5 })).toBe('rows_ratio 5.00 cpu_ratio 0.20 floor_ratio 1.60')
  expect(ratiosOf(figures)).toBe('rows_ratio 5.00 cpu_ratio 0.20 floor_ratio n/a')
})

test('the median of an even number of runs lies between the two in the middle', () => {
  expect(median([5, 1, 3])).toBe(3)
  expect(median([4, 1, 3, 2])).toBe(2.5)
})

test('a profile tells the time in functions within its window, by file or package, without what waits', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-profile-'))
  try {
    const url = (path: string) => pathToFileURL(join(projectRoot, path)).href
    const frames = [
      ['(idle)', ''],
      ['(garbage collector)', ''],
      ['read', url('src/debezium/objectReader.ts')],
      ['send', url('node_modules/@aws-sdk/client-s3/dist/index.js')],
    ]
    const nodes = frames.map(([functionName, url], i) => ({ id: i + 1, callFrame: { functionName, url } }))
    // us: from 100 to 200 each sample lasts 10; the first one lies before the window.
    const samples = [3, 1, 2, 3, 3, 4]
    const profile = { nodes, startTime: 90, samples, timeDeltas: samples.map(() => 10) }
    writeFileSync(join(folder, 'a.cpuprofile'), JSON.stringify(profile))
    expect(selfTimes(folder, { from: 105_000n, to: 1_000_000n })).toEqual([
      { function: 'read', where: 'src/debezium/objectReader.ts', ms: 0.02 },
      { function: '(garbage collector)', where: 'V8', ms: 0.01 },
      { function: 'send', where: '@aws-sdk/client-s3', ms: 0.01 },
    ])
  } finally {
    rmSync(folder, { recursive: true })
  }
})
