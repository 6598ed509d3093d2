import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { domainAdmitted, Pattern } from '../../../../src/reload/config/index.ts'
import { configured, kindBlock, LIMITS } from './document.ts'

const admitted = (inner: string, domain: string, element = 'sip:domain-restriction'): boolean | string => {
  const name = element.split(' ')[0] as string
  const configuration = configured(`<${element}>${inner}</${name}>`)
  if (configuration.reason !== undefined) return configuration.kind
  return domainAdmitted(configuration.domainRestriction, 'example.org', domain)
}

describe('domain restriction', () => {
  it('R7904-3.4-01 R7904-3.4-02 without the element any AOR is accepted', () => {
    expect(configured('').domainRestriction).toBeUndefined()
    expect(domainAdmitted(undefined, 'example.org', 'anything.test')).toBe(true)
  })

  it.each([
    'sip:domain-restriction',
    'sip:domain-restriction enable="false"',
    'sip:domain-restrictions enable="0"',
  ])('R7904-3.4-03 R7904-3.4-05 <%s> accepts the name of the overlay alone, patterns or not', (element) => {
    const pattern = '<sip:pattern>.*</sip:pattern><sip:pattern>((</sip:pattern>'
    expect(admitted(pattern, 'Example.ORG', element)).toBe(true)
    expect(admitted(pattern, 'sub.example.org', element)).toBe(false)
    expect(admitted(pattern, 'other.test', element)).toBe(false)
  })

  it('R7904-3.4-04 R7904-3.4-06 enabled, the whole domain must match a pattern, letter case aside', () => {
    const patterns =
      '<sip:pattern> dht\\.example\\.com </sip:pattern><sip:pattern>.*\\.my\\.example</sip:pattern>'
    const at = (domain: string): boolean | string =>
      admitted(patterns, domain, 'sip:domain-restriction enable="true"')
    expect(['dht.example.com', 'DHT.Example.com', 'a.my.example', 'a.b.my.example'].map(at)).toEqual([
      true,
      true,
      true,
      true,
    ])
    expect(
      ['dhtxexample.com', 'x.dht.example.com', 'dht.example.com.evil', 'my.example', 'example.org', ''].map(
        at,
      ),
    ).toEqual(Array(6).fill(false))
    expect(admitted('', 'example.org', 'sip:domain-restriction enable="true"')).toBe(false)
  })

  it('R7904-3.4-07 is taken from a Kind as well, once in all, and only with readable patterns', () => {
    const parameters = `<data-model>DICTIONARY</data-model><access-control>USER-NODE-MATCH</access-control>${LIMITS}`
    const restriction =
      '<sip:domain-restriction enable="1"><sip:pattern>a\\.b</sip:pattern></sip:domain-restriction>'
    const inKind = kindBlock('name="SIP-REGISTRATION"', parameters + restriction)
    expect(configured(inKind).domainRestriction).toEqual({ enable: true, patterns: ['a\\.b'] })
    expect(configured(inKind + restriction)).toMatchObject({ kind: 'invalid' })
    expect(admitted('<sip:pattern>(</sip:pattern>', 'a', 'sip:domain-restriction enable="true"')).toBe(
      'unsupported',
    )
    expect(admitted('', 'a', 'sip:domain-restriction enable="maybe"')).toBe('invalid')
  })
})

function matches(pattern: string, text: string): boolean | string {
  const compiled = Pattern.compile(pattern)
  return compiled.ok ? compiled.value.matches(text) : compiled.error
}

describe('POSIX extended regular expressions', () => {
  it.each([
    ['abc', 'abc', true],
    ['abc', 'abcd', false],
    ['a.c', 'axc', true],
    ['a*', '', true],
    ['(ab)*', 'ababab', true],
    ['(ab)*', 'aba', false],
    ['a+', '', false],
    ['ab?c', 'ac', true],
    ['a{2}', 'aa', true],
    ['a{2}', 'a', false],
    ['a{2,3}', 'aaa', true],
    ['a{2,3}', 'aaaa', false],
    ['a{2,}', 'aaaaaa', true],
    ['a{0}b', 'b', true],
    ['cat|dog', 'dog', true],
    ['cat|dog', 'catdog', false],
    ['(cat|dog)+', 'catdogcat', true],
    ['^abc$', 'abc', true],
    ['a^b', 'ab', false],
    ['(^a|b)c', 'bc', true],
    ['[a-c]+', 'abcab', true],
    ['[^a-c]', 'd', true],
    ['[^a-c]', 'B', false],
    ['[]a]+', 'a]', true],
    ['[^]]', ']', false],
    ['[a-]', '-', true],
    ['[[:digit:]]{3}', '042', true],
    ['[[:alpha:].]+', 'a.B', true],
    ['[[:xdigit:]]+', '0aF', true],
    ['[[:xdigit:]]+', 'g', false],
    ['\\.\\*\\\\', '.*\\', true],
    ['ABC', 'abc', true],
    ['[A-Z]+', 'abc', true],
    ['a**', 'aaa', true],
    ['(a*)*', 'aaa', true],
    ['.', 'é', false],
  ])('%s on "%s" is %s', (pattern, text, expected) => {
    expect(matches(pattern, text)).toBe(expected)
  })

  it.each([
    '',
    '(',
    ')',
    'a)',
    '(a',
    '*a',
    '+',
    'a|',
    '|a',
    '()',
    'a{',
    'a{1',
    'a{2,1}',
    'a{256}',
    'a{x}',
    '[',
    '[a',
    '[z-a]',
    '[[:no:]]',
    '[[.a.]]',
    '[[=a=]]',
    '\\d',
    'a\\',
    'é',
    'a'.repeat(257),
  ])('refuses %s', (pattern) => {
    expect(Pattern.compile(pattern).ok).toBe(false)
  })

  it('R7904-3.4-06 S-62 takes time in proportion to text and pattern, whatever the pattern', () => {
    // Exponential for engines that try one way after the other.
    expect(matches('(a*)*b', 'a'.repeat(255))).toBe(false)
    expect(matches('(a|a)*(a|a)*(a|a)*x', 'a'.repeat(255))).toBe(false)
    expect(matches(`${'a?'.repeat(60)}${'a'.repeat(60)}`, 'a'.repeat(60))).toBe(true)
    expect(matches('((a{255}){255}){255}', 'a')).toMatch(/too complex/)
    expect(matches('((((a{0}){255}){255}){255}){255}', 'a')).toMatch(/too complex/)
    expect(matches('.*', 'a'.repeat(256))).toBe(false)
  })

  it('agrees with the built-in engine on expressions that mean the same to both', () => {
    const atom = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '(a|b)', '(ab)', '(a|ba)')
    const piece = fc
      .tuple(atom, fc.constantFrom('', '*', '+', '?', '{2}', '{1,2}'))
      .map((parts) => parts.join(''))
    const pattern = fc.array(piece, { minLength: 1, maxLength: 5 }).map((pieces) => pieces.join(''))
    const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 8 })
    fc.assert(
      fc.property(pattern, text, (source, subject) => {
        expect(matches(source, subject)).toBe(new RegExp(`^(?:${source})$`, 'is').test(subject))
      }),
      { numRuns: 500 },
    )
  })

  it('never throws', () => {
    const text = fc.string({ unit: fc.constantFrom(...'ab().*+?{}[]^$|\\,1-:é'), maxLength: 30 })
    fc.assert(
      fc.property(text, text, (pattern, subject) => typeof matches(pattern, subject) !== 'undefined'),
      { numRuns: 2000 },
    )
  })
})
