import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { HmacSha1 } from '../../../src/common/hmac-sha1.ts'
import { SeededRandom } from '../../../src/common/random.ts'

function signed(hmac: HmacSha1, prefix: Uint8Array, content: Uint8Array): Buffer {
  const target = Buffer.alloc(20)
  hmac.sign(prefix, content, target, 0)
  return target
}

describe('HMAC-SHA1', () => {
  it('of RFC 2202 s.3', () => {
    const code = signed(
      new HmacSha1(Buffer.from('Jefe')),
      Buffer.from('what do ya want '),
      Buffer.from('for nothing?'),
    )
    expect(code.toString('hex')).toBe('effcdf6ae5eb2fa2d27416d5f184df9c259a7c79')
    const long = signed(
      new HmacSha1(Buffer.alloc(80, 0xaa)),
      Buffer.alloc(0),
      Buffer.from('Test Using Larger Than Block-Size Key - Hash Key First'),
    )
    expect(long.toString('hex')).toBe('aa4ae5e15272d00e95705637ce8a3b55ed402112')
  })

  it('is what OpenSSL makes, at every length around the blocks', () => {
    const random = new SeededRandom('hmac')
    for (const keyLength of [0, 1, 32, 64, 65, 200]) {
      const key = random.bytes(keyLength)
      const hmac = new HmacSha1(key)
      for (let length = 0; length < 200; length++) {
        const prefix = random.bytes(length % 13)
        const content = random.bytes(length)
        const expected = createHmac('sha1', key).update(prefix).update(content).digest()
        expect(signed(hmac, prefix, content).equals(expected)).toBe(true)
      }
    }
  })

  it('is cut off where wanted and touches nothing else', () => {
    const target = Buffer.alloc(14, 0xee)
    new HmacSha1(Buffer.from('k')).sign(Buffer.from('a'), Buffer.from('b'), target, 2, 10)
    expect(target.subarray(0, 2).toString('hex')).toBe('eeee')
    expect(target.subarray(12).toString('hex')).toBe('eeee')
    expect(target.subarray(2, 12).equals(createHmac('sha1', 'k').update('ab').digest().subarray(0, 10))).toBe(
      true,
    )
  })
})
