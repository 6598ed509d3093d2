import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { parseUri } from '../../../../src/sip/message/index.ts'
import { FlowTokens } from '../../../../src/sip/transport/index.ts'

const secret = new Uint8Array(32).fill(7)
const tokens = new FlowTokens(secret)

describe('flow tokens', () => {
  it('S5626-5.2-01 give back what was sealed, and fit a URI', () => {
    for (const content of [new Uint8Array(0), Uint8Array.of(1, 2, 3), new Uint8Array(100).fill(255)]) {
      const token = tokens.seal(content)
      expect(tokens.open(token)).toEqual(Buffer.from(content))
      expect(parseUri(`sip:${token}@proxy.example.com;lr`)?.user).toBe(token)
    }
  })

  it('S5626-5.2-01 are base64url of an 80-bit HMAC-SHA1 and the content', () => {
    const content = Uint8Array.of(9, 8, 7)
    const mac = createHmac('sha1', secret).update('flow-token\0').update(content).digest().subarray(0, 10)
    expect(tokens.seal(content)).toBe(Buffer.concat([mac, content]).toString('base64url'))
  })

  it('S3261-19.1-02 open in whatever way a UA has escaped them', () => {
    const content = Uint8Array.from({ length: 64 }, (_, i) => 4 * i)
    const token = tokens.seal(content)
    const escaped = [...token].map((char) => `%${char.charCodeAt(0).toString(16)}`).join('')
    expect(tokens.open(escaped)).toEqual(Buffer.from(content))
    expect(tokens.open(token.replaceAll(/[Zz]/g, (z) => (z === 'z' ? '%7a' : '%5A')))).toEqual(
      Buffer.from(content),
    )
    expect(tokens.open(escaped.replaceAll('%', '%25'))).toBeUndefined()
  })

  it('S5626-5.3-01 E49 do not open when anything was changed', () => {
    const token = tokens.seal(Uint8Array.of(1, 2, 3, 4))
    for (let i = 0; i < token.length; i++) {
      const other = token[i] === 'A' ? 'B' : 'A'
      expect(tokens.open(token.slice(0, i) + other + token.slice(i + 1))).toBeUndefined()
    }
    expect(new FlowTokens(new Uint8Array(32)).open(token)).toBeUndefined()
    for (const bad of [
      '',
      'A',
      token + '=',
      ` ${token}`,
      token.slice(4),
      `${token}AAAA`,
      '%%%',
      'A'.repeat(5000),
    ]) {
      expect(tokens.open(bad)).toBeUndefined()
    }
  })
})
