import { describe, expect, test } from 'vitest'
import { requireChoice, topicDecisionOf } from '../../../src/core/topicDecisions.ts'

const gaps = [0, 1].map((partition) => ({ partition, from: '1', to: '9' }))
const choices = [{ acceptGap: gaps }]

describe('a decision about a topic', () => {
  test.each([
    [{ openEpoch: true }],
    [{ openEpoch: { epoch: 1 } }],
    [{ openEpoch: { epoch: 1, topicId: 'a', more: 1 } }],
    [{ acceptGap: [] }],
    [{ acceptGap: [{ partition: 0, from: '1' }] }],
    [{ admitPartitions: ['3'] }],
    [{ admitPartitions: [3], openEpoch: { epoch: 1, topicId: 'a' } }],
    [null],
  ])('%j is none', (value) => {
    expect(topicDecisionOf(value)).toBeNull()
  })

  test('is taken as it was listed, and gap by gap', () => {
    requireChoice({ acceptGap: gaps }, choices)
    requireChoice({ acceptGap: [gaps[1]] }, choices)
    requireChoice({ acceptGap: [{ to: '9', from: '1', partition: 0 }] }, choices)
  })

  test.each([
    [{ acceptGap: [{ ...gaps[0], to: '8' }] }],
    [{ openEpoch: { epoch: 1, topicId: 'a' } }],
    [{ acceptGap: true }],
    [{ anything: 1 }],
  ])('%j is refused with what to type instead', (decision) => {
    const told = /CDC1001 .*choices: \{"acceptGap":\[\{"partition":0,"from":"1","to":"9"\}/
    expect(() => requireChoice(decision, choices)).toThrow(told)
  })

  test('is refused where none is asked for', () => {
    expect(() => requireChoice({ admitPartitions: [3] }, undefined)).toThrow('it asks for no decision')
  })
})
