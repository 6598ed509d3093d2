import { describe, expect, it } from 'vitest'
import { utf8 } from '../../../src/common/bytes.ts'
import { enrollParts, loginOf, opaqueString } from '../../../src/enrollment/index.ts'

describe('opaque strings', () => {
  it('R6940-11.3-24 leaves visible ASCII and the case of letters alone', () => {
    expect(opaqueString('Correct Horse! ~"\\')).toEqual({ ok: true, value: 'Correct Horse! ~"\\' })
  })

  it('R6940-11.3-24 makes one text of those that look alike: composed letters and blanks', () => {
    expect(opaqueString('e\u0301te\u00a0\u2003x')).toEqual({ ok: true, value: '\u00e9te  x' })
    expect(opaqueString('\u03c0\u00df\u00e5')).toEqual({ ok: true, value: '\u03c0\u00df\u00e5' })
  })

  it.each([
    '',
    'a\tb',
    'a\u0000b',
    'soft\u00adhyphen',
    'zero\u200bwidth',
    '\ue000',
    '\ufdd0',
    '\ud800',
    '\u1100',
  ])('R6940-11.3-24 refuses %j', (text) => {
    expect(opaqueString(text).ok).toBe(false)
  })

  it('R6940-11.3-24 a login is prepared by whoever sends it and by whoever reads it', () => {
    const wish = { csr: new Uint8Array([1]), nodeIds: 1 }
    const sent = enrollParts({ account: 'rene\u0301', password: 'cafe\u0301' }, wish)
    expect(sent.slice(0, 2).map(({ content }) => content)).toEqual([utf8('ren\u00e9'), utf8('caf\u00e9')])
    const raw = sent.map((part) =>
      part.name === 'password' ? { ...part, content: utf8('cafe\u0301') } : part,
    )
    expect(loginOf(raw)).toEqual({ account: 'ren\u00e9', password: 'caf\u00e9' })
    expect(loginOf(raw.map((part) => ({ ...part, content: utf8('a\u0007') })))).toBeUndefined()
  })
})
