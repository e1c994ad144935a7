/** Values of PostgreSQL's types by chance. */
import { pick, whole, type Random } from '../random.ts'

export { pick, whole, type Random }

export const sign = (random: Random): string => pick(random, ['', '-'])
export const digits = (random: Random, count: number): string => Array.from({ length: count }, () => whole(random, 0, 9)).join('')
export const hex = (random: Random, length: number): string =>
  Array.from({ length }, () => whole(random, 0, 15).toString(16)).join('')
const padded = (value: number, length: number): string => String(value).padStart(length, '0')

/** Any int64 and no more than `bits` of it. */
export function integer(random: Random, bits: number): string {
  const value = BigInt(whole(random, 0, 2 ** 32 - 1)) * 2n ** 32n + BigInt(whole(random, 0, 2 ** 32 - 1))
  return BigInt.asIntN(whole(random, 2, bits), value).toString()
}

export function decimal(random: Random, precision: number, scale: number): string {
  const before = digits(random, whole(random, 1, Math.max(1, precision - scale)))
  const after = digits(random, whole(random, 0, scale))
  return `${sign(random)}${precision > scale ? before : '0'}${after === '' ? '' : `.${after}`}`
}

export function double(random: Random): string {
  const view = new DataView(new ArrayBuffer(8))
  view.setUint32(0, whole(random, 0, 2 ** 32 - 1))
  view.setUint32(4, whole(random, 0, 2 ** 32 - 1))
  return String(random() < 0.5 ? view.getFloat64(0) : Math.round(random() * 1e6) / 1e3)
}

export function real(random: Random): string {
  const view = new DataView(new ArrayBuffer(4))
  view.setUint32(0, whole(random, 0, 2 ** 32 - 1))
  return String(random() < 0.5 ? view.getFloat32(0) : Math.fround(random() * 1e4))
}

const words = [
  'gate',
  'Zürich',
  '✈️',
  "it's",
  '"quoted"',
  '\\',
  '\n',
  '\t',
  'null',
  '東京',
  '\u2028',
  'a,b',
  '{c}',
  '👩‍✈️',
  '\u0001',
]

export function text(random: Random): string {
  return Array.from({ length: whole(random, 0, 6) }, () => pick(random, words)).join(pick(random, ['', ' ']))
}

export function date(random: Random, from = 1): string {
  return `${padded(whole(random, from, 9999), 4)}-${padded(whole(random, 1, 12), 2)}-${padded(whole(random, 1, 28), 2)}`
}

export function time(random: Random, fraction = 6): string {
  const second = `${padded(whole(random, 0, 23), 2)}:${padded(whole(random, 0, 59), 2)}:${padded(whole(random, 0, 59), 2)}`
  const count = whole(random, 0, fraction)
  return count === 0 ? second : `${second}.${digits(random, count)}`
}

export function json(random: Random): string {
  const number = decimal(random, 25, 10).replace(/^(-?)0+(?=\d)/, '$1')
  return `{"word": ${JSON.stringify(text(random).replaceAll('\u0001', ''))}, "n": ${number}, "list": [null, true, {"n": 1.10}]}`
}
