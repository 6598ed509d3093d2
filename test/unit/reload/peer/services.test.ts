import { beforeEach, describe, expect, it } from 'vitest'
import { Reader } from '../../../../src/common/bytes.ts'
import {
  asNodeId,
  asResourceId,
  decodeAttachReqAns,
  decodeChordRouteQueryAns,
  decodePingAns,
  decodeProbeAns,
  encodeAppAttachReqAns,
  encodeAttachReqAns,
  encodeChordLeaveData,
  encodeChordUpdate,
  encodeJoinReq,
  encodeLeaveReq,
  encodePingReq,
  encodeProbeReq,
  encodeRouteQueryReq,
  encodeStoreReq,
  ERROR_CODE,
  MESSAGE_CODE,
  sameId,
  type Destination,
} from '../../../../src/reload/index.ts'
import { appAttachBody, attachBody } from '../../../../src/reload/peer/candidates.ts'
import { Overlay, type SimPeer } from '../../../../src/sim/overlay.ts'
import { registration } from '../../../../src/sim/values.ts'
import { Stranger } from '../../../sim/stranger.ts'

const NOTHING = new Uint8Array(0)
const ADDRESS = { address: '10.200.0.1', port: 7_000 }
const PING = { code: MESSAGE_CODE.pingReq, body: encodePingReq({ padding: NOTHING }) }
/** RFC 6940 s.6.4.2.5: ProbeInformationType. */
const UPTIME = 3

describe('requests to a peer', () => {
  let overlay: Overlay
  let peer: SimPeer
  let stranger: Stranger
  let toPeer: Destination[]

  beforeEach(() => {
    overlay = new Overlay('services')
    peer = overlay.start()
    stranger = new Stranger(overlay, peer, overlay.user('mallory@dht.example.com'))
    toPeer = [{ kind: 'node', nodeId: peer.nodeId }]
  })

  it('R6940-6.5.3-01 R6940-6.5.3.2-02 R6940-6.1.2-11 R6940-4.2.1-01 answers Ping to Node-ID, resource and wildcard, also for a node outside the ring', () => {
    const seen = new Set<bigint>()
    const wildcard = asNodeId(new Uint8Array(16).fill(0xff))
    const resource = asResourceId(new Uint8Array(16).fill(7))
    for (const destination of [
      toPeer[0] as Destination,
      { kind: 'resource', resourceId: resource } as const,
      { kind: 'node', nodeId: wildcard } as const,
    ]) {
      const [answer] = stranger.answers(stranger.send({ ...PING, destinations: [destination] }))
      const decoded = decodePingAns(answer!.contents.body)
      expect(decoded.ok && decoded.value.time).toBeGreaterThan(BigInt(Date.UTC(2026, 0, 15)))
      if (decoded.ok) seen.add(decoded.value.responseId)
      expect(answer!.header.destinationList.map((entry) => entry.kind)).toEqual(['node'])
      expect(answer!.header.maxResponseLength).toBe(0)
    }
    expect(seen.size).toBe(3)
  })

  it('R6940-6.4.2.1-05 R6940-6.4.2.1-06 a Join for another Node-ID, or over another link, is forbidden', () => {
    const other = overlay.user('eve@dht.example.com')
    const join = (id: typeof other.nodeId): Uint8Array =>
      encodeJoinReq({ joiningPeerId: id, overlaySpecificData: NOTHING })
    const message = { code: MESSAGE_CODE.joinReq, destinations: toPeer }
    expect(stranger.verdict({ ...message, body: join(other.nodeId) })).toBe(ERROR_CODE.forbidden)
    expect(stranger.verdict({ ...message, body: join(other.nodeId), credential: other })).toBe(
      ERROR_CODE.forbidden,
    )
    expect(peer.snapshot().successors).toEqual([])
    expect(stranger.verdict({ ...message, body: join(stranger.credential.nodeId) })).toBe(0)
    expect(peer.snapshot().successors).toEqual([stranger.credential.nodeId])
  })

  it('R6940-6.4.2.2-03 a Leave is taken from the leaving node over its own link only', () => {
    const victim = overlay.user('victim@dht.example.com')
    const data = encodeChordLeaveData({ type: 1, nodes: [] })
    const leave = (id: typeof victim.nodeId): Uint8Array =>
      encodeLeaveReq({ leavingPeerId: id, overlaySpecificData: data })
    const message = { code: MESSAGE_CODE.leaveReq, destinations: toPeer }
    expect(stranger.verdict({ ...message, body: leave(victim.nodeId) })).toBe(ERROR_CODE.forbidden)
    expect(stranger.verdict({ ...message, body: leave(victim.nodeId), credential: victim })).toBe(
      ERROR_CODE.forbidden,
    )
    expect(stranger.verdict({ ...message, body: leave(stranger.credential.nodeId) })).toBe(0)
  })

  it('R6940-6.3.2.1-01 R6940-6.3.2.1-02 another configuration sequence is refused, and an older node gets the document', () => {
    expect(stranger.verdict({ ...PING, destinations: toPeer, sequence: 21 })).toBe(ERROR_CODE.configTooOld)
    expect(
      stranger.received.filter(({ contents }) => contents.messageCode === MESSAGE_CODE.configUpdateReq),
    ).toHaveLength(1)
    expect(stranger.verdict({ ...PING, destinations: toPeer, sequence: 23 })).toBe(ERROR_CODE.configTooNew)
  })

  it('R6940-6.2.1-07 a repeated request gets the same answer and is not carried out twice', () => {
    const body = encodeProbeReq({ requestedInfo: [UPTIME] })
    const probe = { code: MESSAGE_CODE.probeReq, body, destinations: toPeer, transactionId: 99n }
    const id = stranger.send(probe)
    overlay.world.run(5_000)
    stranger.send(probe)
    const answers = stranger.answers(id)
    expect(answers).toHaveLength(2)
    // The uptime of then, not of now.
    expect(answers[0]!.contentsBytes).toEqual(answers[1]!.contentsBytes)
  })

  it('R6940-6.2.1-07 a repeated Ping is answered anew, which says the same', () => {
    const id = stranger.send({ ...PING, destinations: toPeer, transactionId: 99n })
    stranger.send({ ...PING, destinations: toPeer, transactionId: 99n })
    expect(stranger.answers(id).map(({ contents }) => contents.messageCode)).toEqual([
      MESSAGE_CODE.pingAns,
      MESSAGE_CODE.pingAns,
    ])
  })

  it('R6940-6.1-01 a message with a bad signature, or no message at all, is dropped in silence', () => {
    const forged = { ...overlay.user('forger@dht.example.com'), nodeId: stranger.credential.nodeId }
    const outsider = {
      ...forged,
      certificate: { ...forged.certificate, der: new Uint8Array(448), sha256: new Uint8Array(32) },
    }
    expect(stranger.verdict({ ...PING, destinations: toPeer, credential: outsider })).toBeUndefined()
    stranger.raw(new Uint8Array(60))
    overlay.world.run(100)
    expect(peer.core.instruments.dropped.get('signature')).toBe(1)
    expect(peer.core.instruments.dropped.get('malformed')).toBe(1)
    expect(peer.running).toBe(true)
  })

  it('R6940-10.7-05 an Update signed by another node than that of the link changes no tables', () => {
    const other = overlay.user('eve@dht.example.com')
    const body = encodeChordUpdate({ kind: 'peerReady', uptime: 1 })
    const message = { code: MESSAGE_CODE.updateReq, body, destinations: toPeer }
    stranger.send({ ...message, credential: other })
    overlay.world.run(200)
    expect(peer.snapshot().successors).toEqual([])
    expect(stranger.verdict(message)).toBe(0)
    expect(peer.snapshot().successors).toEqual([stranger.credential.nodeId])
  })

  it('R6940-6.5.1.1-03 R6940-6.5.1.1-04 R6940-6.5.1.1-06 R6940-6.5.1.2-01 R6940-6.5.1.11-02 R6940-6.5.1.5-01 R6940-6.5.1.13-01 answers an Attach as active side and opens the channel itself', () => {
    const body = encodeAttachReqAns(attachBody(ADDRESS, 'passive', true))
    const [answer] = stranger.answers(
      stranger.send({ code: MESSAGE_CODE.attachReq, body, destinations: toPeer }),
    )
    const decoded = decodeAttachReqAns(answer!.contents.body)
    expect(decoded.ok && new TextDecoder().decode(decoded.value.role)).toBe('active')
    expect(decoded.ok && decoded.value.candidates).toMatchObject([{ overlayLink: 4, candidateType: 1 }])
    const mixed = attachBody(ADDRESS, 'passive', true)
    const ice = { ...mixed.candidates[0]!, overlayLink: 1 }
    const both = encodeAttachReqAns({ ...mixed, candidates: [...mixed.candidates, ice] })
    expect(stranger.verdict({ code: MESSAGE_CODE.attachReq, body: both, destinations: toPeer })).toBe(
      ERROR_CODE.incompatibleWithOverlay,
    )
  })

  it('R6940-6.5.2.2-01 R6940-6.5.2.2-02 A6940-6.5.2-01 serves AppAttach for SIP, not for unknown applications', () => {
    const message = (application: number): Uint8Array =>
      encodeAppAttachReqAns(appAttachBody(ADDRESS, 'passive', application))
    const to = { code: MESSAGE_CODE.appAttachReq, destinations: toPeer }
    expect(stranger.verdict({ ...to, body: message(61_441) })).toBe(ERROR_CODE.notFound)
    expect(stranger.verdict({ ...to, body: message(5_060) })).toBe(0)
  })

  it('R6940-10.8-02 R6940-6.4.2.4.1-02 answers RouteQuery and Probe', () => {
    const destination = { kind: 'resource', resourceId: asResourceId(new Uint8Array(16).fill(3)) } as const
    const body = encodeRouteQueryReq({ sendUpdate: true, destination, overlaySpecificData: NOTHING })
    const [answer] = stranger.answers(
      stranger.send({ code: MESSAGE_CODE.routeQueryReq, body, destinations: toPeer }),
    )
    const decoded = decodeChordRouteQueryAns(answer!.contents.body)
    expect(decoded.ok && sameId(decoded.value.nextPeer, peer.nodeId)).toBe(true)
    expect(stranger.received.some(({ contents }) => contents.messageCode === MESSAGE_CODE.updateReq)).toBe(
      true,
    )
    const probe = encodeProbeReq({ requestedInfo: [1, 2, 3] })
    const [probed] = stranger.answers(
      stranger.send({ code: MESSAGE_CODE.probeReq, body: probe, destinations: toPeer }),
    )
    const info = decodeProbeAns(probed!.contents.body)
    expect(info.ok && info.value.probeInfo.map(({ type }) => type)).toEqual([1, 2, 3])
    expect(info.ok && info.value.probeInfo[0]?.value).toEqual(Uint8Array.of(0x3b, 0x9a, 0xca, 0x00))
  })

  it('R6940-6.4.2.5.2-02 R6940-6.4.2.5.2-03 R6940-6.4.2.5.2-04 a Probe is answered with what was asked for and is known, in that order and in those units', () => {
    const probed = (requestedInfo: readonly number[]): (readonly [number, number])[] => {
      const body = encodeProbeReq({ requestedInfo })
      const message = { code: MESSAGE_CODE.probeReq, body, destinations: toPeer }
      const [answer] = stranger.answers(stranger.send(message))
      const decoded = decodeProbeAns(answer!.contents.body)
      if (!decoded.ok) throw new Error(decoded.error.reason)
      return decoded.value.probeInfo.map(({ type, value }) => [type, new Reader(value).u32()])
    }
    expect(probed([])).toEqual([])
    expect(probed([2])).toEqual([[2, 0]])
    for (const name of ['alice', 'bob']) {
      const user = overlay.user(`${name}@dht.example.com`)
      const entry = registration(user, peer.nodeId)
      expect(overlay.store(peer, overlay.resource(user.certificate.userName), [entry], user).ok).toBe(true)
      // A second value at the same Resource-ID is no second resource.
      const again = { ...entry, exists: false, value: NOTHING }
      expect(overlay.store(peer, overlay.resource(user.certificate.userName), [again], user).ok).toBe(true)
    }
    overlay.world.run(60_000 - overlay.world.now.ms)
    expect(probed([3, 200, 1, 2])).toEqual([
      [3, 60],
      [1, 1_000_000_000],
      [2, 2],
    ])
  })

  it('R6940-6.1-02 a request that is wrong gets the error that says so, unless it cannot even be told who sent it', () => {
    const ttl = overlay.configuration.initialTtl
    expect(stranger.verdict({ ...PING, destinations: toPeer, ttl: ttl + 1 })).toBe(ERROR_CODE.ttlExceeded)
    const circle = [...toPeer, { kind: 'node', nodeId: stranger.credential.nodeId } as const]
    expect(stranger.verdict({ ...PING, destinations: [...circle, ...circle, ...circle] })).toBe(
      ERROR_CODE.invalidMessage,
    )
    expect(stranger.verdict({ ...PING, body: Uint8Array.of(9), destinations: toPeer })).toBe(
      ERROR_CODE.invalidMessage,
    )
    expect(stranger.verdict({ ...PING, code: 0x7fff, destinations: toPeer })).toBe(ERROR_CODE.invalidMessage)
    const before = stranger.received.length
    stranger.raw(Uint8Array.of(0xd2, 0x45, 0x4c, 0x4f, ...new Uint8Array(80)))
    overlay.world.run(500)
    expect(stranger.received).toHaveLength(before)
    expect(peer.core.instruments.dropped.get('malformed')).toBeGreaterThan(0)
  })

  it('R6940-7.4.1.1-05 a replica Store of a node outside the ring is forbidden', () => {
    const resource = overlay.resource('alice@dht.example.com')
    const kindData = [{ kind: 1, generationCounter: 1n, values: [] }]
    const body = encodeStoreReq({ resource, replicaNumber: 1, kindData })
    const verdict = stranger.verdict({ code: MESSAGE_CODE.storeReq, body, destinations: toPeer })
    expect([ERROR_CODE.forbidden, ERROR_CODE.invalidMessage]).toContain(verdict)
    expect(peer.core.holds(resource)).toBe(false)
  })

  it('a node whose certificate is not of this overlay gets no link', () => {
    const alien = { ...overlay.user('x@dht.example.com') }
    const certificate = { ...alien.certificate, der: new Uint8Array(448) }
    const outside = new Stranger(overlay, peer, { ...alien, certificate })
    overlay.world.run(500)
    expect(outside.closed).toBe(true)
  })
})
