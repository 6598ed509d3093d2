import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { looksLikeStun, stunAnswer } from '../../../../src/sip/transport/index.ts'

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replace(/\s/g, ''), 'hex'))
const text = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : Buffer.from(bytes).toString('hex')

/** Transaction id of the samples in RFC 5769. */
const ID = 'b7e7a701bc34d686fa87dfae'
const request = (attributes = ''): Uint8Array => {
  const length = (attributes.length / 2).toString(16).padStart(4, '0')
  return hex(`0001 ${length} 2112a442 ${ID} ${attributes}`)
}

describe('STUN beside SIP (RFC 5626 s.8)', () => {
  it('S5626-5.4-01 a Binding request is answered with the address that it came from, as in RFC 5769 s.2.2 and s.2.3', () => {
    expect(text(stunAnswer(request(), '192.0.2.1', 32853))).toBe(
      `0101000c2112a442${ID}` + '002000080001a147e112a643',
    )
    expect(text(stunAnswer(request(), '2001:db8:1234:5678:11:2233:4455:6677', 32853))).toBe(
      `010100182112a442${ID}` + '002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9',
    )
    expect(text(stunAnswer(request(), '::1', 1))).toBe(
      `010100182112a442${ID}` + `002000140002${(1 ^ 0x2112).toString(16)}2112a442${ID.slice(0, 23)}f`,
    )
  })

  it('S5626-5.4-01 the zone of a link-local address stays here, and IPv4 on a socket of both families is IPv4', () => {
    expect(stunAnswer(request(), 'fe80::1%eth0', 1)).toEqual(stunAnswer(request(), 'fe80::1', 1))
    expect(stunAnswer(request(), '::ffff:192.0.2.1', 1)).toEqual(stunAnswer(request(), '192.0.2.1', 1))
  })

  it('S5626-5.4-01 attributes that may be ignored are, others are refused by name with 420', () => {
    const software = '80220004 74657374'
    const fingerprint = '80280004 e57a3bcf'
    expect(stunAnswer(request((software + fingerprint).replace(/\s/g, '')), '192.0.2.1', 1)).toHaveLength(32)
    // CHANGE-REQUEST of RFC 3489 asks to be answered from elsewhere.
    expect(text(stunAnswer(request('0003000400000006'), '192.0.2.1', 1))).toBe(
      `011100102112a442${ID}` + '0009000400000414' + '000a000200030000',
    )
  })

  it('S5626-5.4-01 nothing else is answered: no cookie, no request, cut off, or lengths that lie', () => {
    const whole = request()
    const without = Uint8Array.from(whole)
    without[4] = 0
    const indication = Uint8Array.from(whole)
    indication[1] = 0x11
    const response = Uint8Array.from(whole)
    response[0] = 1
    for (const bytes of [without, indication, response, whole.subarray(0, 19)])
      expect(stunAnswer(bytes, '192.0.2.1', 1)).toBeUndefined()
    expect(stunAnswer(hex(`00010004 2112a442 ${ID}`), '192.0.2.1', 1)).toBeUndefined()
    expect(stunAnswer(request('802200ff'), '192.0.2.1', 1)).toBeUndefined()
    expect(stunAnswer(whole, 'no address', 1)).toBeUndefined()
    expect(looksLikeStun(Buffer.from('INVITE sip:bob@example.com SIP/2.0\r\n'))).toBe(false)
  })

  it('S5626-5.4-01 property: no bytes make it fail, and an answer is never much longer than the request', () => {
    const attributes = fc.uint8Array({ maxLength: 64 })
    fc.assert(
      fc.property(attributes, (tail) => {
        const bytes = new Uint8Array([...request(), ...tail])
        new DataView(bytes.buffer).setUint16(2, tail.length)
        const answer = stunAnswer(bytes, '192.0.2.1', 5060)
        expect(answer === undefined || answer.length <= bytes.length + 28).toBe(true)
      }),
    )
  })
})
