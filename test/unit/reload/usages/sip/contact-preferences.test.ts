import { describe, expect, it } from 'vitest'
import { fromUtf8, utf8 } from '../../../../../src/common/bytes.ts'
import { decodeContactPreferences } from '../../../../../src/reload/usages/sip/contact-preferences-parser.ts'
import {
  encodeContactPreferences,
  type ContactPreferences,
  type Feature,
} from '../../../../../src/reload/usages/sip/contact-preferences.ts'

const yes: Feature = { filter: { kind: 'boolean', value: true }, negated: false }

function token(value: string, negated = false): Feature {
  return { filter: { kind: 'token', value }, negated }
}

function preferences(entries: Record<string, Feature[]>): ContactPreferences {
  return new Map(Object.entries(entries))
}

function parsed(text: string): ContactPreferences {
  return decodeContactPreferences(utf8(text))
}

const EXAMPLES: [string, ContactPreferences, string][] = [
  ['nothing', preferences({}), ''],
  [
    'R7904-3.2-05 tags in order',
    preferences({ 'sip.video': [yes], 'sip.audio': [yes] }),
    '(& (sip.audio=TRUE) (sip.video=TRUE))',
  ],
  ['R7904-3.2-06 a scheme', preferences({ 'sip.schemes': [token('SIPS')] }), '(& (sip.schemes=SIPS))'],
  [
    'R7904-3.2-07 the example of RFC 3840 s.5',
    preferences({
      language: [token('en'), token('de')],
      rangeparam: [{ filter: { kind: 'range', low: -4, high: 5.125 }, negated: false }],
      'sip.description': [{ filter: { kind: 'string', value: 'PC (new)' }, negated: false }],
      'sip.events': [token('presence', true), token('message-summary')],
      'sip.mobility': [token('fixed')],
      'sip.priority': [{ filter: { kind: 'number', comparator: '>=', value: 5 }, negated: false }],
    }),
    '(& (| (language=en) (language=de)) (rangeparam=-4..5125/1000) (sip.description="PC (new)") ' +
      '(| (! (sip.events=presence)) (sip.events=message-summary)) (sip.mobility=fixed) (sip.priority>=5))',
  ],
]

describe('contact preferences', () => {
  it.each(EXAMPLES)('%s', (_name, value, text) => {
    expect(fromUtf8(encodeContactPreferences(value))).toBe(text)
    expect(parsed(text)).toEqual(value)
  })

  it('R7904-3.2-05 R7904-3.2-06 R7904-3.2-07 R7904-5.1-11 reads what others write: no conjunction, any case, spaces, nested conjunctions', () => {
    expect(parsed('(sip.schemes=SIPS)')).toEqual(preferences({ 'sip.schemes': [token('SIPS')] }))
    expect(parsed(' ( & (SIP.Audio = true)\r\n (&(sip.video=TRUE)) ) ')).toEqual(
      preferences({ 'sip.audio': [yes], 'sip.video': [yes] }),
    )
    // A term about two tags says nothing about either; the others count.
    expect(parsed('(& (| (sip.audio=TRUE) (sip.video=TRUE)) (sip.text=TRUE))')).toEqual(
      preferences({ 'sip.text': [yes] }),
    )
  })

  it('reads Contact header parameters (RFC 3840 s.9)', () => {
    const text =
      'audio;mobility="fixed";events="!presence,message-summary";language="en,de";description="<PC; new>"' +
      ';+sip.newparam;+rangeparam="#-4:+5.125";priority="#>=5";+sip.extra!x'
    expect(parsed(text)).toEqual(
      preferences({
        'sip.audio': [yes],
        'sip.mobility': [token('fixed')],
        'sip.events': [token('presence', true), token('message-summary')],
        language: [token('en'), token('de')],
        'sip.description': [{ filter: { kind: 'string', value: 'PC; new' }, negated: false }],
        'sip.newparam': [yes],
        rangeparam: [{ filter: { kind: 'range', low: -4, high: 5.125 }, negated: false }],
        'sip.priority': [{ filter: { kind: 'number', comparator: '>=', value: 5 }, negated: false }],
        'sip.extra:x': [yes],
      }),
    )
  })

  it.each([
    '(',
    '()',
    '(&',
    '(& (sip.audio=TRUE)',
    '(& (sip.audio=TRUE)) x',
    '(sip.audio)',
    '(=TRUE)',
    '(sip.audio=)',
    '(sip.priority>=high)',
    '(sip.description="never closed)',
    '(! (a=b) (c=d))',
    '(a=b(c=d))',
    `${'(!'.repeat(30)}(a=b)${')'.repeat(30)}`,
    'audio;;=x',
    'a b',
    'audio="#4:x"',
    `(& ${'(sip.audio=TRUE) '.repeat(400)})`,
    '\u0000\ufffd',
  ])('reads nothing out of %s and does not fail', (text) => {
    expect(parsed(text)).toEqual(new Map())
  })

  it('tags named like properties of objects are tags', () => {
    expect(parsed('(& (__proto__=x) (constructor=y))').get('__proto__')).toEqual([token('x')])
  })
})
