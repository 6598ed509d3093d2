import { describe, expect, it } from 'vitest'
import { capture } from '../../../src/trace/capture.ts'
import { addressCovered, userPartCovered } from '../../../src/trace/cover.ts'

/** How often bytes are looked at or written one by one. */
function looks(text: string, cover: (bytes: Uint8Array, from: number, to: number) => void): number {
  let count = 0
  const bytes = new TextEncoder().encode(text)
  const counted = new Proxy(bytes, {
    get(target, name) {
      count++
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
  cover(counted, 0, bytes.length)
  return count
}

function covered(text: string, cover: (bytes: Uint8Array, from: number, to: number) => void): string {
  const bytes = new TextEncoder().encode(text)
  cover(bytes, 0, bytes.length)
  return new TextDecoder().decode(bytes)
}

describe('covering', () => {
  const length = 8_000
  it.each([
    '@',
    'a@',
    ':@',
    'a:@',
    ';',
    ';p',
    ';token',
    ';token=',
    '?',
    '<',
    '"',
    ';token="',
    ' @',
    'sip:a:b@c,',
  ])('S-10 looks at each byte a few times, however long a stranger goes on with %s', (unit) => {
    const text = unit.repeat(length / unit.length)
    expect(looks(text, addressCovered)).toBeLessThan(12 * length)
    expect(looks(text, userPartCovered)).toBeLessThan(12 * length)
  })

  it('S-81 passwords up to the last @, whatever comes before', () => {
    expect(covered('<sip:a:b@c@d:5060>;tag=1', addressCovered)).toBe('<sip:a:***@d:5060>;tag=1')
    expect(covered('sip:a:b:c@d', addressCovered)).toBe('sip:a:***@d')
    expect(covered('sip:a@d:5060', addressCovered)).toBe('sip:a@d:5060')
    expect(covered('"x:y:z" <sip:a@d>', addressCovered)).toBe('"x:y:z" <sip:a@d>')
    expect(covered('<sip:tok@en@10.0.0.1;lr>, <tok:en@x>', userPartCovered)).toBe(
      '<sip:******@10.0.0.1;lr>, <tok:**@x>',
    )
    expect(covered('token@x', userPartCovered)).toBe('*****@x')
    // RFC 3261 s.25.1: a comma may stand in user and password.
    expect(covered('<sip:a:b,c@d>, <sip:e@f>', addressCovered)).toBe('<sip:a:***@d>, <sip:e@f>')
    expect(covered('MESSAGE sip:a:b,c@d SIP/2.0', addressCovered)).toBe('MESSAGE sip:a:***@d SIP/2.0')
    expect(covered('<sip:tok,en@x;lr>,<sip:y@z;lr>', userPartCovered)).toBe('<sip:******@x;lr>,<sip:*@z;lr>')
  })

  it('S-81 secret parameters in quotes as well, and only their values', () => {
    expect(covered('<sip:a@b>;Token="one two";x=1', addressCovered)).toBe('<sip:a@b>;Token="*******";x=1')
    expect(covered('<sip:a@b>;token="never ends', addressCovered)).toBe('<sip:a@b>;token="**********')
    expect(covered('<sip:a@b>;token=one,<sip:c@d>', addressCovered)).toBe('<sip:a@b>;token=***,<sip:c@d>')
    expect(covered('<sip:a@b;token;x=1;pn-prid=abc?Y=z>', addressCovered)).toBe(
      '<sip:a@b;token;x=1;pn-prid=***?***>',
    )
  })

  it('S-81 a message of lines without a colon is covered whole', () => {
    const head = 'INVITE sip:a@b SIP/2.0\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n'
    const text = new TextDecoder().decode(
      capture(new TextEncoder().encode(`${head}secret\r\nm:\r\n\r\n`))?.bytes,
    )
    expect(text).toBe(`${head}******\r\nm:\r\n\r\n`)
  })
})
