/**
 * Whatever a node with a valid certificate sends, the peer it sends it to neither throws nor stops serving. What is sent
 * are real messages of a small ring, turned inside out: below the signature, where they are dropped early, and above
 * it, where they reach whoever serves them.
 */
import { describe, expect, it } from 'vitest'
import { SeededRandom, type Random } from '../../../src/common/random.ts'
import {
  decodeMessage,
  encodeAppAttachReqAns,
  encodeChordLeaveData,
  encodeErrorResponse,
  encodeConfigUpdateReq,
  encodeJoinReq,
  encodeLeaveReq,
  encodePingAns,
  encodePingReq,
  encodeProbeReq,
  encodeRouteQueryReq,
  ERROR_CODE,
  KIND,
  MESSAGE_CODE,
  type Destination,
  type Message,
} from '../../../src/reload/index.ts'
import { appAttachBody } from '../../../src/reload/peer/candidates.ts'
import { FrameReader } from '../../../src/reload/link/framing.ts'
import { Overlay, type SimPeer } from '../../../src/sim/overlay.ts'
import { Stranger } from '../../sim/stranger.ts'
import { registeredKeys, registration } from '../../../src/sim/values.ts'

const SEED = process.env['SEED'] ?? 'hostile'
const ROUNDS = 1_500
const INTERESTING = [0, 1, 0x7f, 0x80, 0xfe, 0xff]

/** Every message that went over the links of a ring in which peers join, store, fetch, attach and leave. */
function ringWithTraffic(): { readonly overlay: Overlay; readonly messages: readonly Uint8Array[] } {
  const overlay = new Overlay(SEED, { configuration: { maxMessageSize: 60_000 } })
  const messages: Uint8Array[] = []
  overlay.network.watch(({ purpose, bytes }) => {
    if (purpose !== 'overlay') return
    for (const frame of new FrameReader({ maxMessageBytes: 60_000 }).push(bytes).frames) {
      if (frame.kind === 'data') messages.push(frame.message.slice())
    }
  })
  overlay.grow(4, 100)
  const [a, b] = overlay.peers as [SimPeer, SimPeer]
  const user = overlay.user('alice@dht.example.com')
  const resource = overlay.resource('alice@dht.example.com')
  overlay.store(a, resource, [registration(user, a.nodeId)], user)
  overlay.fetch(b, resource, KIND.sipRegistration)
  overlay.world.run(5_000)
  return { overlay, messages }
}

/** `kinds` 3: some bytes have other values; 6: parts are missing, inserted or repeated as well. */
function mutated(bytes: Uint8Array, random: Random, kinds = 6): Uint8Array {
  let out = bytes.slice()
  for (let changes = 1 + random.int(3); changes > 0; changes--) {
    const at = random.int(Math.max(1, out.length))
    switch (random.int(kinds)) {
      case 0:
        out[at] = (out[at] ?? 0) ^ (1 << random.int(8))
        break
      case 1:
        out[at] = INTERESTING[random.int(INTERESTING.length)] ?? 0
        break
      case 2:
        out[at] = (out[at] ?? 0) + 1
        break
      case 3:
        out = out.slice(0, at)
        break
      case 4:
        out = Uint8Array.from([
          ...out.subarray(0, at),
          ...random.bytes(1 + random.int(40)),
          ...out.subarray(at),
        ])
        break
      default:
        out = Uint8Array.from([...out, ...out.subarray(at)])
    }
  }
  return out
}

function pick<T>(all: readonly T[], random: Random): T {
  return all[random.int(all.length)] as T
}

describe('a hostile node with a valid certificate', () => {
  const { overlay, messages } = ringWithTraffic()
  const victim = overlay.peers[2] as SimPeer
  const mallory = overlay.user('mallory@dht.example.com')
  const toVictim: readonly Destination[] = [{ kind: 'node', nodeId: victim.nodeId }]
  let stranger = new Stranger(overlay, victim, mallory)

  const connected = (): Stranger => {
    if (stranger.closed) stranger = new Stranger(overlay, victim, mallory)
    stranger.received.length = 0
    return stranger
  }

  const stillServing = (): void => {
    // It may have talked itself into the ring, where it is as good as a peer that answers nothing.
    stranger.vanish()
    overlay.world.run(60_000)
    expect(victim.state, overlay.replay()).toBe('joined')
    const found = overlay.fetch(victim, overlay.resource('alice@dht.example.com'), KIND.sipRegistration)
    expect(found.ok && registeredKeys(found.value), overlay.replay()).toHaveLength(1)
  }

  it('R6940-6.1-01 mutated messages and mutated streams never throw (S-60, S-61, S-65)', () => {
    const random = new SeededRandom(`${SEED} bytes`)
    expect(messages.length).toBeGreaterThan(100)
    for (let round = 0; round < ROUNDS; round++) {
      const bytes = mutated(pick(messages, random), random, round % 3 === 0 ? 6 : 3)
      if (round % 10 === 0) connected().bytes(bytes)
      else connected().raw(bytes)
      overlay.world.run(20)
    }
    stillServing()
  })

  it('bodies turned inside out under a valid signature never throw (S-60, S-66)', () => {
    const random = new SeededRandom(`${SEED} bodies`)
    const nothing = new Uint8Array(0)
    const destination = toVictim[0] as Destination
    const address = { address: '10.200.0.1', port: 7_000 }
    const own: (readonly [number, Uint8Array])[] = [
      [MESSAGE_CODE.pingReq, encodePingReq({ padding: nothing })],
      [MESSAGE_CODE.appAttachReq, encodeAppAttachReqAns(appAttachBody(address, 'passive', 5_060))],
      [MESSAGE_CODE.probeReq, encodeProbeReq({ requestedInfo: [1, 2, 3] })],
      [
        MESSAGE_CODE.routeQueryReq,
        encodeRouteQueryReq({ sendUpdate: true, destination, overlaySpecificData: nothing }),
      ],
      [MESSAGE_CODE.configUpdateReq, encodeConfigUpdateReq({ kind: 'config', configData: nothing })],
      [MESSAGE_CODE.joinReq, encodeJoinReq({ joiningPeerId: mallory.nodeId, overlaySpecificData: nothing })],
      [
        MESSAGE_CODE.leaveReq,
        encodeLeaveReq({
          leavingPeerId: mallory.nodeId,
          overlaySpecificData: encodeChordLeaveData({ type: 1, nodes: [mallory.nodeId] }),
        }),
      ],
    ]
    const seen = messages
      .map((bytes) => decodeMessage(bytes))
      .flatMap((decoded): Message[] => (decoded.ok ? [decoded.value] : []))
    const captured = seen
      .filter(({ contents }) => contents.messageCode % 2 === 1 && contents.messageCode !== MESSAGE_CODE.error)
      .map(({ contents }) => [contents.messageCode, contents.body] as const)
    for (let round = 0; round < ROUNDS; round++) {
      const [code, body] = pick(round % 2 === 0 ? own : captured, random)
      connected().send({
        code,
        body: mutated(body, random),
        destinations: toVictim,
        ...(random.int(4) === 0 ? { viaList: toVictim } : {}),
      })
      overlay.world.run(20)
    }
    stillServing()
  })

  it('answers turned inside out under a valid signature never throw, and are refused to who asked', () => {
    const random = new SeededRandom(`${SEED} answers`)
    const nothing = new Uint8Array(0)
    const toMallory: readonly Destination[] = [{ kind: 'node', nodeId: mallory.nodeId }]
    const address = { address: '10.200.0.1', port: 7_000 }
    const ping = encodePingAns({ responseId: 0n, time: 0n })
    const appAttach = encodeAppAttachReqAns(appAttachBody(address, 'passive', 5_060))
    const error = encodeErrorResponse({ errorCode: ERROR_CODE.invalidMessage, errorInfo: nothing })
    const outcomes: string[] = []
    for (let round = 0; round < ROUNDS / 3; round++) {
      const asPing = round % 2 === 0
      const from = connected()
      const id = overlay.commands.newId()
      const asked = { id, destinations: toMallory, timeoutMs: 2_000 }
      victim.host.input(
        asPing ? { kind: 'ping', ...asked } : { kind: 'appAttach', application: 5_060, ...asked },
      )
      overlay.world.run(200)
      const wanted = asPing ? MESSAGE_CODE.pingReq : MESSAGE_CODE.appAttachReq
      const request = from.received.find(({ contents }) => contents.messageCode === wanted)
      if (request === undefined) continue
      const [code, body] = pick(
        [
          [wanted + 1, asPing ? ping : appAttach],
          [wanted + 1, nothing],
          [wanted + 1, new Uint8Array(random.int(64))],
          [MESSAGE_CODE.error, error],
        ] as const,
        random,
      )
      from.send({
        code,
        body: random.int(2) === 0 ? body : mutated(body, random),
        destinations: toVictim,
        transactionId: request.header.transactionId,
      })
      overlay.world.run(3_000)
      const done = victim.events.find(
        (event) => (event.kind === 'pingDone' || event.kind === 'appAttachFailed') && event.id === id,
      )
      if (done?.kind === 'pingDone') outcomes.push(done.outcome.ok ? 'ok' : done.outcome.error.kind)
      if (done?.kind === 'appAttachFailed') outcomes.push(done.error.kind)
    }
    for (const outcome of ['ok', 'invalidAnswer', 'reload']) expect(outcomes).toContain(outcome)
    stillServing()
  })
})
