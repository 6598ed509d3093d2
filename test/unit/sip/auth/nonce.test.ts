import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { checkNonce, makeNonce } from '../../../../src/sip/auth/nonce.ts'

const WALL = 1_800_000_000_000
const ENDS = { issuer: 'node 1', client: '192.0.2.7' }
/** Time, serial number and the tags of both ends. */
const SIGNED_BYTES = 16

describe('nonces', () => {
  it('carry HMAC-SHA256 as everybody else computes it, whatever the length of the secret', () => {
    for (const length of [1, 32, 63, 64, 65, 200]) {
      const secret = new Uint8Array(length).fill(length)
      for (const realm of ['x.org', 'büro.example']) {
        const bytes = Buffer.from(makeNonce(WALL, realm, secret, ENDS, 3), 'base64url')
        const signed = bytes.subarray(0, SIGNED_BYTES)
        const mac = createHmac('sha256', secret)
          .update('nonce\0')
          .update(signed)
          .update(realm, 'utf8')
          .digest()
        expect(bytes.subarray(SIGNED_BYTES)).toEqual(mac.subarray(0, 16))
      }
    }
  })

  it('know their client among very many, and another secret knows none of them', () => {
    const secret = new Uint8Array(32).fill(1)
    const other = new Uint8Array(32).fill(2)
    const clients = Array.from({ length: 5_000 }, (_, index) => `10.0.${index >> 8}.${index & 255}`)
    const nonces = clients.map((client) => makeNonce(WALL, 'x.org', secret, { ...ENDS, client }, 0))
    for (const [index, client] of clients.entries()) {
      const nonce = nonces[index] ?? ''
      const ends = { ...ENDS, client }
      expect(checkNonce(nonce, WALL, 'x.org', secret, ends)).toMatchObject({ own: true, sameClient: true })
      const elsewhere = { issuer: 'node 2', client: clients[(index + 1) % clients.length] ?? '' }
      expect(checkNonce(nonce, WALL, 'x.org', secret, elsewhere)).toMatchObject({
        own: false,
        sameClient: false,
      })
      expect(checkNonce(nonce, WALL, 'x.org', other, ends)).toEqual({ kind: 'foreign' })
    }
  })
})
