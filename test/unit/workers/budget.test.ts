import { expect, test } from 'vitest'
import { budget } from '../../../src/workers/budget.ts'

const never = new AbortController().signal

function work(): { readonly run: () => Promise<void>; readonly end: () => void; readonly began: () => boolean } {
  let begun = false
  let end = () => {}
  const ended = new Promise<void>((resolve) => (end = resolve))
  return {
    run: () => {
      begun = true
      return ended
    },
    end: () => end(),
    began: () => begun,
  }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

test('ranges run side by side as long as they fit, and later ones wait their turn', async () => {
  const held = budget(100)
  const [one, two, three] = [work(), work(), work()]
  const all = [held.hold(60, never, one.run), held.hold(60, never, two.run), held.hold(40, never, three.run)]
  await settled()
  expect([one.began(), two.began(), three.began()]).toEqual([true, false, false])
  one.end()
  await settled()
  expect([two.began(), three.began()]).toEqual([true, true])
  two.end()
  three.end()
  await Promise.all(all)
})

test('a wish beyond the budget runs alone, and does not wait for ever', async () => {
  const held = budget(100)
  const [large, small] = [work(), work()]
  const all = [held.hold(1000, never, large.run), held.hold(1, never, small.run)]
  await settled()
  expect([large.began(), small.began()]).toEqual([true, false])
  large.end()
  await settled()
  expect(small.began()).toBe(true)
  small.end()
  await Promise.all(all)
})

test('a cancelled wait leaves the queue, and those behind it go on', async () => {
  const held = budget(100)
  const cancel = new AbortController()
  const [one, two, three] = [work(), work(), work()]
  const first = held.hold(50, never, one.run)
  const second = held.hold(100, cancel.signal, two.run)
  const third = held.hold(50, never, three.run)
  await settled()
  expect(three.began()).toBe(false)
  cancel.abort(new Error('cancelled'))
  await expect(second).rejects.toThrow('cancelled')
  await settled()
  expect([two.began(), three.began()]).toEqual([false, true])
  one.end()
  three.end()
  await Promise.all([first, third])
})

test('work that fails gives its bytes back', async () => {
  const held = budget(10)
  await expect(held.hold(10, never, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
  expect(await held.hold(10, never, () => Promise.resolve('next'))).toBe('next')
})
