import { beforeAll, describe, expect, it } from 'vitest'
import { NodeCrypto, type Credential } from '../../../../src/reload/security/index.ts'
import { aTestOverlay } from '../../../support/credentials.ts'

const DATA = Uint8Array.of(1, 2, 3)

describe('public keys that have to make room for one another', () => {
  let alice: Credential
  let bob: Credential
  beforeAll(async () => {
    const overlay = await aTestOverlay()
    alice = await overlay.credential('alice@example.org')
    bob = await overlay.credential('bob@example.org')
  })

  it('are imported anew, and a signature is right for its own key only', () => {
    const crypto = new NodeCrypto(1)
    const [ofAlice, ofBob] = [crypto.sign(alice, DATA), crypto.sign(bob, DATA)]
    for (let round = 0; round < 3; round++) {
      expect(crypto.verify(alice.certificate, ofAlice, DATA)).toBe(true)
      expect(crypto.verify(alice.certificate, ofBob, DATA)).toBe(false)
      expect(crypto.verify(bob.certificate, ofBob, DATA)).toBe(true)
      expect(crypto.verify(bob.certificate, ofAlice, DATA)).toBe(false)
    }
  })
})
