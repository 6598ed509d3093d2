import { describe, expect, it } from 'vitest'
import { key, KIND, type Credential } from '../../src/reload/index.ts'
import { aTestOverlay } from '../support/credentials.ts'
import { ringFaults } from '../../src/sim/checkers/ring.ts'
import { OVERLAY_NAME } from '../../src/sim/configuration.ts'
import { Overlay, type Issuer } from '../../src/sim/overlay.ts'
import { registeredKeys, registration } from '../../src/sim/values.ts'

describe('a small overlay with real certificates', () => {
  it('R6940-6.3.4-20 R6940-10.5-05 five peers with ECDSA and RSA keys form a ring, store and fetch', async () => {
    const made = await aTestOverlay(OVERLAY_NAME)
    const names = [0, 1, 2, 3, 4].map((index) => `peer${index}@${OVERLAY_NAME}`)
    const credentials: Credential[] = []
    for (const [index, name] of names.entries()) {
      credentials.push(await made.credential(name, index === 1 ? 'rsa' : 'ecdsa'))
    }
    const alice = await made.credential(`alice@${OVERLAY_NAME}`)
    const root = made.crypto.parseCertificate(made.authority.rootCertificate, OVERLAY_NAME)
    if (!root.ok) throw new Error(root.error)
    const issuer: Issuer = {
      crypto: made.crypto,
      root: root.value,
      issue: (userName) => credentials[names.indexOf(userName)] as Credential,
    }
    const overlay = new Overlay('real', { issuer })
    expect(overlay.grow(5, 200), overlay.replay()).toBe(true)
    overlay.world.run(2_000)
    expect(ringFaults(overlay)).toEqual([])
    const resource = overlay.resource(`alice@${OVERLAY_NAME}`)
    const gateway = overlay.peers[1]!
    const stored = overlay.store(gateway, resource, [registration(alice, gateway.nodeId)], alice)
    expect(stored).toMatchObject({ ok: true })
    for (const peer of overlay.peers) {
      const found = overlay.fetch(peer, resource, KIND.sipRegistration)
      expect(found.ok && registeredKeys(found.value)).toEqual([key(alice.nodeId)])
    }
  })
})
