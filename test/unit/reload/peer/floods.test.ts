import { beforeEach, describe, expect, it } from 'vitest'
import { encodePingReq, MESSAGE_CODE } from '../../../../src/reload/index.ts'
import { LINK_BYTES_ALLOWED, LINK_MESSAGES_ALLOWED } from '../../../../src/reload/peer/constants.ts'
import { LinkBudget } from '../../../../src/reload/peer/link-budget.ts'
import { Overlay, type SimPeer } from '../../../../src/sim/overlay.ts'
import { Stranger, type HandMade } from '../../../sim/stranger.ts'

describe('a flood of requests', () => {
  let overlay: Overlay
  let peer: SimPeer
  let stranger: Stranger
  let ping: HandMade

  beforeEach(() => {
    overlay = new Overlay('flood')
    peer = overlay.start()
    stranger = new Stranger(overlay, peer, overlay.user('mallory@dht.example.com'))
    ping = {
      code: MESSAGE_CODE.pingReq,
      body: encodePingReq({ padding: new Uint8Array(0) }),
      destinations: [{ kind: 'node', nodeId: peer.nodeId }],
    }
  })

  it('S-65 of requests with good signatures is answered up to a limit for each signer, and goes on when it is over', () => {
    // As fast as the acks of the link allow.
    for (let i = 0; i < 4_000; i++) {
      stranger.send(ping)
      if (i % 100 === 99) overlay.world.run(4)
    }
    overlay.world.run(300)
    const dropped = peer.core.instruments.dropped.get('rate')
    expect(dropped).toBeGreaterThan(500)
    expect(dropped + stranger.received.length).toBe(4_000)
    overlay.world.run(5_000)
    expect(stranger.answers(stranger.send(ping))).toHaveLength(1)
  })
})

describe('what a link may bring', () => {
  it('S-65 is so many messages and bytes a second, with a burst', () => {
    const messages = new LinkBudget(0)
    let admitted = 0
    for (let i = 0; i < 30_000; i++) if (messages.admits(0, 400)) admitted++
    expect(admitted).toBe(LINK_MESSAGES_ALLOWED.burst)
    expect(messages.admits(1_000, 400)).toBe(true)
    const bytes = new LinkBudget(0)
    admitted = 0
    for (let i = 0; i < 3_000; i++) if (bytes.admits(0, 60_000)) admitted++
    expect(admitted).toBe(Math.floor(LINK_BYTES_ALLOWED.burst / 60_000))
    expect(bytes.admits(1_000, 60_000)).toBe(true)
  })
})
