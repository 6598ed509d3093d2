import { describe, expect, it } from 'vitest'
import { decodePingAns, encodePingReq, MESSAGE_CODE } from '../../../../src/reload/index.ts'
import { Overlay } from '../../../../src/sim/overlay.ts'
import { Stranger } from '../../../sim/stranger.ts'

describe('a request in fragments', () => {
  it('R6940-6.7-08 is answered once all of them have crossed the ring', () => {
    const overlay = new Overlay('fragments')
    expect(overlay.grow(5)).toBe(true)
    const stranger = new Stranger(overlay, overlay.peers[0]!, overlay.user('mallory@dht.example.com'))
    for (const peer of overlay.peers) {
      const id = stranger.send({
        code: MESSAGE_CODE.pingReq,
        body: encodePingReq({ padding: new Uint8Array(3_000) }),
        destinations: [{ kind: 'node', nodeId: peer.nodeId }],
        mtu: 1_200,
      })
      const answers = stranger.answers(id)
      expect(answers.map((answer) => decodePingAns(answer.contents.body).ok)).toEqual([true])
    }
  })

  it('R6940-6.7-09 of which one is missing is given up and counted', () => {
    const overlay = new Overlay('fragment lost')
    const peer = overlay.start()
    const stranger = new Stranger(overlay, peer, overlay.user('mallory@dht.example.com'))
    const sent: Uint8Array[] = []
    stranger.raw = (part) => void sent.push(part)
    stranger.send({
      code: MESSAGE_CODE.pingReq,
      body: encodePingReq({ padding: new Uint8Array(3_000) }),
      destinations: [{ kind: 'node', nodeId: peer.nodeId }],
      mtu: 1_200,
    })
    Reflect.deleteProperty(stranger, 'raw')
    for (const part of sent.slice(1)) stranger.raw(part)
    overlay.world.run(14_000)
    expect(peer.core.instruments.dropped.get('malformed')).toBe(0)
    overlay.world.run(2_000)
    expect(peer.core.instruments.dropped.get('malformed')).toBe(1)
  })
})
