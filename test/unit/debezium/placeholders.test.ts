import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nameUuid } from '../../../src/debezium/nameUuid.ts'
import { placeholdersOf } from '../../../src/debezium/placeholders.ts'

const texts = (placeholder: string) =>
  Object.fromEntries(
    Object.entries(placeholdersOf(placeholder)).map(([shape, token]) => [shape, Buffer.from(token as Uint8Array).toString()]),
  )

describe('placeholders of TOASTed values', () => {
  test('have the shapes that Debezium 3.7.0.Final sends, type by type', () => {
    expect(texts('cdc-ph-1234567890')).toEqual({
      text: '"cdc-ph-1234567890"',
      base64: '"Y2RjLXBoLTEyMzQ1Njc4OTA="',
      hstore: '"{\\"cdc-ph-1234567890\\":\\"cdc-ph-1234567890\\"}"',
      texts: '["cdc-ph-1234567890"]',
      base64s: '["Y2RjLXBoLTEyMzQ1Njc4OTA="]',
      numbers: '[99,100,99,45,112,104,45,49,50,51,52,53,54,55,56,57,48]',
      uuids: '["aeae426b-6c1e-3e5d-84d9-35f7a9dd1027"]',
    })
  })

  test('of the default text are those of its documentation', () => {
    const { base64, uuids } = texts('__debezium_unavailable_value')
    expect([base64, uuids]).toEqual(['"X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ=="', '["b68a35a7-17ad-35b3-af2a-ae46edb4545a"]'])
  })

  test('a uuid of a name is its MD5 hash marked as version 3', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (name) => {
        const hex = createHash('md5').update(name).digest('hex')
        const uuid = nameUuid(name).replaceAll('-', '')
        const plain = (text: string) => text.slice(0, 12) + text.slice(13, 16) + text.slice(17)
        expect(plain(uuid)).toBe(plain(hex))
        expect(uuid[12]).toBe('3')
        expect('89ab').toContain(uuid[16])
      }),
    )
  })
})
