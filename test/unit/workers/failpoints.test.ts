import { describe, expect, test } from 'vitest'
import { nothing } from '../../../src/core/failpoints.ts'
import { armFailpoints } from '../../../src/workers/failpoints.ts'

function effects() {
  const seen: string[] = []
  const told: string[] = []
  return {
    seen,
    told,
    signal: (name: string) => void seen.push(name),
    exit: (code: number) => void seen.push(`exit ${code}`),
    tell: (line: string) => void told.push(line),
  }
}

describe('failpoints', () => {
  test('do nothing where none is armed', () => {
    expect(armFailpoints('')).toBe(nothing)
  })

  test('act every time, or only the n-th time', async () => {
    const { seen, ...given } = effects()
    const reach = armFailpoints('commit.afterEntry=exit@3, poll.before=pause, write.before=error, poll.after=delay:1', given)
    for (let n = 0; n < 4; n++) await reach('commit.afterEntry')
    expect(seen).toEqual(['exit 70'])
    for (let n = 0; n < 2; n++) await reach('poll.before')
    expect(seen).toEqual(['exit 70', 'SIGSTOP', 'SIGSTOP'])
    await expect(reach('write.before')).rejects.toThrow('failpoint write.before')
    await reach('poll.after')
    await reach('commit.before')
    expect(seen).toHaveLength(3)
    expect(given.told.slice(0, 2)).toEqual(['failpoint commit.afterEntry: exit', 'failpoint poll.before: pause'])
  })

  test('that do not exist are refused with the known ones listed', () => {
    for (const text of ['commit.afterwards=kill', 'commit.before=explode', 'commit.before', 'commit.before=kill@x']) {
      expect(() => armFailpoints(text), text).toThrow(/^CDC1002 .*commit\.afterEntry/)
    }
  })
})
