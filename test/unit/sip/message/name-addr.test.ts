import { describe, expect, it } from 'vitest'
import { parseNameAddr, parseParams, quote, splitValues, unquote } from '../../../../src/sip/message/index.ts'
import { parsed, request, verdict } from './sample.ts'

describe('parseNameAddr', () => {
  it.each([
    ['<sip:a@b>', '', 'sip:a@b', []],
    ['sip:a@b', '', 'sip:a@b', []],
    ['sip:a@b;tag=1', '', 'sip:a@b', [['tag', '1']]],
    ['sip:a@b ;  TAG =  1 ', '', 'sip:a@b', [['tag', '1']]],
    [
      '"A, \\"B\\" <x>" <sip:a@b;lr>;q=0.5;flag',
      'A, "B" <x>',
      'sip:a@b;lr',
      [
        ['q', '0.5'],
        ['flag', ''],
      ],
    ],
    ['Alice Smith<sip:a@b>', 'Alice Smith', 'sip:a@b', []],
    ['J\xc3\xbcrgen <sip:a@b>', 'J\xc3\xbcrgen', 'sip:a@b', []],
    ['<sip:a@b>;+sip.instance="<urn:uuid:1;2>"', '', 'sip:a@b', [['+sip.instance', '"<urn:uuid:1;2>"']]],
    ['<http://www.example.com>;tag=3', '', 'http://www.example.com', [['tag', '3']]],
    ['"" <sip:a@b>', '', 'sip:a@b', []],
    [
      '<sip:a@b>;x=;y',
      '',
      'sip:a@b',
      [
        ['x', ''],
        ['y', ''],
      ],
    ],
    ['R&D (2nd floor) @ home #1? <sip:a@b>;tag=1', 'R&D (2nd floor) @ home #1?', 'sip:a@b', [['tag', '1']]],
  ])('reads %s', (text, display, uri, params) => {
    const address = parseNameAddr(text)
    expect(address).toMatchObject({ display, uri, raw: text.trim() })
    expect([...(address?.params ?? [])]).toEqual(params)
  })

  const bad = [
    '',
    '"open <sip:a@b>',
    '"a" sip:a@b',
    'Bell, Alexander <sip:a@b>',
    '"x" < sip:a@b >',
    '<sip:a@b',
    '<>',
    'sip:a@b>',
    'sip:a@b, sip:c@d',
    'sip:a@b?Route=%3Csip:x%3E',
    'sip:a b@c',
    'alice',
    '<sip:a@b>;',
    '<sip:a@b>;;x',
    '<sip:a@b>;=x',
    'Bob; home <sip:a@b>',
    'sip:x@y <sip:a@b>',
    'Bob\\ <sip:a@b>',
    '<sip:a@b>;tag=1;tag=2',
    '<sip:a@b>;x="open',
    '<sip:a@b> x',
    '<sip:a@b><sip:c@d>',
  ]

  it.each(bad)('E16 refuses %j', (text) => {
    expect(parseNameAddr(text)).toBeUndefined()
    if (text === '') return
    expect(verdict(request({ To: text }))).toBe('400 Bad To')
    expect(verdict(request({ From: text }))).toBe('400 Bad From')
    expect(
      verdict(request({ Contact: text, CSeq: '1 REGISTER' }, 'REGISTER sip:dht.example.com SIP/2.0')),
    ).toMatch(text === 'sip:a@b, sip:c@d' ? /^ok$/ : /^400 Bad Contact$/)
    expect(verdict(request({ Contact: text }))).toBe('ok')
  })

  it('RFC4475-3.1.2.15 a name that should have stood in quotes is known, and how it is written right', () => {
    const quoted = (text: string) => parseNameAddr(text)?.quoted
    expect(quoted(' R&D  (lab)\t<sip:a@b>;tag=1 ')).toBe('"R&D  (lab)" <sip:a@b>;tag=1')
    for (const text of [
      'Bob <sip:a@b>',
      '"R&D" <sip:a@b>',
      '<sip:a@b>',
      'sip:a@b',
      'J\xc3\xbcrgen <sip:a@b>',
    ])
      expect(quoted(text), text).toBeUndefined()
  })

  it('E27 a REGISTER for something that is no SIP user is refused by a registrar', () => {
    const register = request({ To: '<isbn:123>', CSeq: '1 REGISTER' }, 'REGISTER sip:dht.example.com SIP/2.0')
    expect(verdict(register)).toBe('400 Bad AOR')
  })
})

describe('contacts', () => {
  const contacts = (value: string | readonly string[]): unknown =>
    parsed(request({ Contact: value })).contacts()

  it('reads lists, repeated headers and the wildcard', () => {
    expect(contacts(['<sip:a@b>, "x, y" <sip:c@d>', 'sip:e@f'])).toMatchObject({
      ok: true,
      value: [{ uri: 'sip:a@b' }, { uri: 'sip:c@d' }, { uri: 'sip:e@f' }],
    })
    expect(contacts('*')).toEqual({ ok: true, value: '*' })
    expect(parsed(request()).contacts()).toEqual({ ok: true, value: [] })
  })

  it('E29 a wildcard among others is refused', () => {
    expect(contacts('*, <sip:a@b>')).toEqual({ ok: false, error: 'Bad Wildcard Contact' })
    expect(contacts(['*', '*'])).toEqual({ ok: false, error: 'Bad Wildcard Contact' })
  })

  it('S-07 three thousand contacts in one header are all read', () => {
    const result = parsed(
      request({ Contact: Array.from({ length: 3000 }, (_, i) => `<sip:${i}@b>`).join(',') }),
    ).contacts()
    expect(result.ok && result.value.length).toBe(3000)
  })
})

describe('lists, parameters and quoting', () => {
  it('S3261-7.3-02 commas in quotes, brackets and comments do not divide', () => {
    expect(splitValues('a, "b,c" ,<d,e>;f,(g,h) i,,')).toEqual(['a', '"b,c"', '<d,e>;f', '(g,h) i'])
    expect(splitValues('"open, x')).toEqual(['"open, x'])
    expect(splitValues('<open, x')).toEqual(['<open, x'])
  })

  it('quote and unquote are each other’s inverse', () => {
    for (const plain of ['', 'a', '"', '\\', 'a "b" \\ c']) expect(unquote(quote(plain))).toBe(plain)
    expect(quote('a\r\nb')).toBe('"a  b"')
    expect(unquote('plain')).toBe('plain')
    expect(unquote('"')).toBe('"')
  })

  it('parameters: none, some, malformed', () => {
    expect(parseParams('', 0, 0)?.size).toBe(0)
    expect([...(parseParams(';A;b="x;y"', 0, 10) ?? [])]).toEqual([
      ['a', ''],
      ['b', '"x;y"'],
    ])
    expect(parseParams('a', 0, 1)).toBeUndefined()
  })
})
