/** Nothing that is signed with an expired certificate is believed: its node has to leave the ring, a renewed one must not. */
import { describe, expect, it } from 'vitest'
import { makeStandInCredential, type Certificate, type Credential } from '../../src/reload/index.ts'
import { OVERLAY_NAME } from '../../src/sim/configuration.ts'
import { ringFaults } from '../../src/sim/checkers/ring.ts'
import { Overlay, type SimPeer } from '../../src/sim/overlay.ts'
import { registration } from '../../src/sim/values.ts'

const SEED = process.env['SEED'] ?? 'expired certificate'
const MINUTE = 60_000

/** A credential whose certificate can be replaced while its peer runs, as the app does it. */
class Renewable implements Credential {
  readonly nodeId
  readonly algorithm
  readonly key
  certificate: Certificate
  private readonly overlay: Overlay

  constructor(overlay: Overlay, notAfterMs: number) {
    const first = overlay.issuer.issue(`minutes@${OVERLAY_NAME}`, overlay.world.fork('minutes'))
    this.overlay = overlay
    this.nodeId = first.nodeId
    this.algorithm = first.algorithm
    this.key = first.key
    this.certificate = this.until(notAfterMs)
  }

  renew(notAfterMs: number): void {
    this.certificate = this.until(notAfterMs)
  }

  private until(ms: number): Certificate {
    const { issuer, world } = this.overlay
    const notAfter = Math.floor(world.now.wall + ms)
    const options = { issuer: issuer.root, notAfter }
    return makeStandInCredential(this.nodeId, `minutes@${OVERLAY_NAME}`, OVERLAY_NAME, options).certificate
  }
}

function withShortLived(): { overlay: Overlay; credential: Renewable; peer: SimPeer } {
  const overlay = new Overlay(SEED)
  expect(overlay.grow(5, 100), overlay.replay()).toBe(true)
  const credential = new Renewable(overlay, 2 * MINUTE)
  const peer = overlay.start({ credential })
  expect(overlay.settled(), overlay.replay()).toBe(true)
  overlay.world.run(5_000)
  expect(ringFaults(overlay), overlay.replay()).toEqual([])
  return { overlay, credential, peer }
}

describe('a peer whose certificate lives for minutes', () => {
  it('R-06 expired: the ring closes over it, and what it answered for is found and stored elsewhere', () => {
    const { overlay, peer } = withShortLived()
    const others = overlay.running.filter((each) => each !== peer)
    const names = Array.from({ length: 200 }, (_, index) => `u${index}@dht.example.com`)
    const name = names.find((each) => overlay.owner(overlay.resource(each)) === peer) as string
    const user = overlay.user(name)
    const asker = others[0] as SimPeer
    const register = () =>
      overlay.store(asker, overlay.resource(name), [registration(user, asker.nodeId)], user, 30_000)
    expect(register(), overlay.replay()).toMatchObject({ ok: true })
    overlay.world.run(2.5 * MINUTE)
    expect(peer.state, overlay.replay()).not.toBe('joined')
    for (const { snapshot } of others.map((each) => ({ snapshot: each.snapshot() })))
      expect(snapshot.connections.map(({ nodeId }) => nodeId)).not.toContainEqual(peer.nodeId)
    expect(overlay.fetch(asker, overlay.resource(name), 1)).toMatchObject({ ok: true })
    expect(register(), overlay.replay()).toMatchObject({ ok: true })
  })

  it('R-06 renewed in time: no link is cut and the ring never changes; and one that comes late is in the ring again', () => {
    const { overlay, credential, peer } = withShortLived()
    for (let round = 0; round < 6; round++) {
      overlay.world.run(MINUTE)
      credential.renew(2 * MINUTE)
      expect(ringFaults(overlay), overlay.replay()).toEqual([])
    }
    const oldest = Math.min(...peer.snapshot().connections.map(({ since }) => since))
    expect(overlay.world.now.ms - oldest).toBeGreaterThan(5 * MINUTE)
    overlay.world.run(4 * MINUTE)
    expect(peer.state).not.toBe('joined')
    credential.renew(60 * MINUTE)
    const back = (): boolean => peer.state === 'joined' && ringFaults(overlay).length === 0
    expect(overlay.world.runUntil(back, 5 * MINUTE), overlay.replay()).toBe(true)
  })
})
