import { beforeEach, describe, expect, it } from 'vitest'
import {
  decodeErrorResponse,
  encodePingReq,
  ERROR_CODE,
  MESSAGE_CODE,
  type Destination,
} from '../../../../src/reload/index.ts'
import { Overlay, type SimPeer } from '../../../../src/sim/overlay.ts'
import { Stranger } from '../../../sim/stranger.ts'

const LIMIT = 6_000
const BIG = encodePingReq({ padding: new Uint8Array(LIMIT) })

describe('a message larger than max-message-size', () => {
  let overlay: Overlay
  let peer: SimPeer
  let stranger: Stranger
  let toPeer: Destination[]

  beforeEach(() => {
    overlay = new Overlay('oversize', { configuration: { maxMessageSize: LIMIT } })
    peer = overlay.start()
    stranger = new Stranger(overlay, peer, overlay.user('mallory@dht.example.com'))
    toPeer = [{ kind: 'node', nodeId: peer.nodeId }]
  })

  it('R6940-6.6-01 is answered with Error_Message_Too_Large when it is a request, and its link is closed', () => {
    const id = stranger.send({ code: MESSAGE_CODE.pingReq, body: BIG, destinations: toPeer })
    const [answer] = stranger.answers(id)
    const error = decodeErrorResponse(answer!.contents.body)
    expect(error.ok && error.value.errorCode).toBe(ERROR_CODE.messageTooLarge)
    expect(answer!.header.destinationList).toEqual([{ kind: 'node', nodeId: stranger.credential.nodeId }])
    expect(stranger.closed).toBe(true)
    expect(peer.snapshot().connections).toEqual([])
    expect(peer.core.instruments.dropped.get('malformed')).toBe(1)
  })

  it('R6940-6.6-01 an answer gets no error; the link is closed', () => {
    stranger.send({ code: MESSAGE_CODE.pingAns, body: BIG, destinations: toPeer })
    overlay.world.run(200)
    expect(stranger.received).toEqual([])
    expect(stranger.closed).toBe(true)
    expect(peer.running).toBe(true)
  })

  it('a link whose stream is no RELOAD at all is closed', () => {
    stranger.bytes(Uint8Array.of(0x47, 0x45, 0x54, 0x20))
    overlay.world.run(200)
    expect(stranger.closed).toBe(true)
    expect(peer.core.instruments.dropped.get('malformed')).toBe(1)
  })
})
