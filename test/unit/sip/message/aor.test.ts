import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { canonicalAor } from '../../../../src/sip/message/index.ts'

const rules = { telDomain: 'dht.example.com' }

describe('canonicalAor (adapter-mapping s.1)', () => {
  it.each([
    ['sip:alice@dht.example.com', 'alice@dht.example.com'],
    ['sips:alice@DHT.Example.COM.;transport=tls?Subject=x', 'alice@dht.example.com'],
    ['sip:%61lice:secret@dht.example.com:5060', 'alice@dht.example.com'],
    ['sip:alice@dht.example.com:5061', 'alice@dht.example.com'],
    ['sip:Alice@dht.example.com', 'Alice@dht.example.com'],
    ['sip:a%2541@dht.example.com', 'a%41@dht.example.com'],
    ['sip:bob@[2001:db8::1]', 'bob@2001:db8::1'],
  ])('S3261-10.3-08 M-03 %s is %s', (uri, aor) => {
    expect(canonicalAor(uri)).toEqual({ ok: true, value: aor })
  })

  it('M-03 its bytes hash to the Resource-IDs of the mapping', () => {
    const hash = (uri: string): string => {
      const aor = canonicalAor(uri)
      return aor.ok ? createHash('sha1').update(aor.value, 'latin1').digest('hex').slice(0, 32) : ''
    }
    expect(hash('sip:alice@DHT.example.com')).toBe('0c51a942f50c828aef82a5af83e8ed59')
    expect(hash('sips:bob@dht.example.com;x')).toBe('6c1cfd6d5d9e35557d66a1b05f9e2247')
    expect(hash('sip:charl%69e@dht.example.com.')).toBe('167ae0b5814a5d6ff9a1969f4fb15fff')
  })

  it.each(['sip:null-%00-null@example.com', 'sip:a%40b@example.com', 'sip:a%0d%0ab@example.com'])(
    'M-01 %s cannot be a name',
    (uri) => {
      expect(canonicalAor(uri)).toEqual({ ok: false, error: 404 })
    },
  )

  it('M-02 a port makes it no AOR, and neither does a server address', () => {
    expect(canonicalAor('sip:alice@dht.example.com:5062')).toEqual({ ok: false, error: 404 })
    expect(canonicalAor('sip:dht.example.com')).toEqual({ ok: false, error: 404 })
  })

  it('M-04 telephone numbers lose their separators', () => {
    expect(canonicalAor('sip:+1(555)1234@dht.example.com;user=phone')).toEqual({
      ok: true,
      value: '+15551234@dht.example.com',
    })
    expect(canonicalAor('sip:+1-555.12@dht.example.com;user=PHONE')).toMatchObject({
      value: '+155512@dht.example.com',
    })
    expect(canonicalAor('sip:al-ice@dht.example.com;user=phone')).toMatchObject({
      value: 'al-ice@dht.example.com',
    })
    expect(canonicalAor('sip:+1-555@dht.example.com')).toMatchObject({ value: '+1-555@dht.example.com' })
    expect(canonicalAor('tel:+1-555-1234', rules)).toEqual({ ok: true, value: '+15551234@dht.example.com' })
  })

  it('M-04 E15 without a domain tel: is refused, and local numbers unless allowed', () => {
    expect(canonicalAor('tel:+1-555-1234')).toEqual({ ok: false, error: 416 })
    expect(canonicalAor('tel:5551234', rules)).toEqual({ ok: false, error: 404 })
    expect(canonicalAor('tel:555-1234', { ...rules, telContext: '+1-555' })).toMatchObject({
      value: '5551234@dht.example.com',
    })
    expect(canonicalAor('tel:+1+2', rules)).toEqual({ ok: false, error: 404 })
  })

  it('other schemes are unsupported, text is a bad request', () => {
    expect(canonicalAor('mailto:a@b')).toEqual({ ok: false, error: 416 })
    expect(canonicalAor('alice')).toEqual({ ok: false, error: 400 })
  })
})
