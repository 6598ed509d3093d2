import { beforeEach, describe, expect, it } from 'vitest'
import {
  encodeContents,
  encodeMessage,
  encodePingReq,
  FRAGMENT_NONE,
  key,
  KIND,
  MESSAGE_CODE,
  overlayHash,
  type Credential,
  type ResourceId,
  type SignerIdentity,
} from '../../../../src/reload/index.ts'
import { Overlay, type SimPeer } from '../../../../src/sim/overlay.ts'
import { registeredKeys, registration } from '../../../../src/sim/values.ts'
import { Stranger } from '../../../sim/stranger.ts'

const ALICE = 'alice@dht.example.com'

interface Counts {
  readonly signed: number
  readonly checked: number
}

function counts({ core }: SimPeer): Counts {
  const { signatures } = core.instruments
  return { signed: signatures.get('sign|ok'), checked: signatures.get('verify|ok') }
}

/** What is signed and checked while `body` runs. */
function cost(peer: SimPeer, body: () => void): Counts {
  const before = counts(peer)
  body()
  const after = counts(peer)
  return { signed: after.signed - before.signed, checked: after.checked - before.checked }
}

describe('a message of a peer to itself', () => {
  let overlay: Overlay
  let peer: SimPeer
  let alice: Credential
  let resource: ResourceId

  beforeEach(() => {
    overlay = new Overlay('own message', { configuration: { maxMessageSize: 6_000 } })
    peer = overlay.start()
    alice = overlay.user(ALICE)
    resource = overlay.resource(ALICE)
    expect(overlay.world.runUntil(() => peer.state === 'joined', 20_000)).toBe(true)
  })

  const store = (credential: Credential): ReturnType<Overlay['store']> =>
    overlay.store(peer, resource, [registration(credential, peer.nodeId)], credential)

  it('R6940-7.4.2.2-06 a Store and Fetch end here with nothing signed but the value, and are counted as messages', () => {
    const stored = cost(peer, () => expect(store(alice)).toMatchObject({ ok: true, value: { hops: 0 } }))
    expect(stored).toEqual({ signed: 1, checked: 1 })
    const fetch = (): void => {
      const outcome = overlay.fetch(peer, resource, KIND.sipRegistration)
      if (!outcome.ok) throw new Error(outcome.error.kind)
      expect(registeredKeys(outcome.value)).toEqual([key(alice.nodeId)])
      expect(key(outcome.value.responsible)).toBe(key(peer.nodeId))
    }
    // What is seen for the second time is remembered as right from then on.
    expect(cost(peer, fetch)).toEqual({ signed: 0, checked: 1 })
    const { messages } = peer.core.instruments
    for (const step of ['out|fetch|request', 'in|fetch|request', 'out|fetch|answer', 'in|fetch|answer'])
      expect([step, messages.get(step)]).toEqual([step, 1])
    expect(cost(peer, fetch)).toEqual({ signed: 0, checked: 0 })
  })

  it('R6940-7.3-01 who may store what is judged as for anybody else', () => {
    const mallory = overlay.user('mallory@dht.example.com')
    expect(store(mallory)).toMatchObject({ ok: false, error: { kind: 'reload' } })
    const outcome = overlay.fetch(peer, resource, KIND.sipRegistration)
    expect(outcome.ok && registeredKeys(outcome.value)).toEqual([])
  })

  it('one that might exceed max-message-size takes the way of all messages and is measured there', () => {
    const big = { ...registration(alice, peer.nodeId), value: new Uint8Array(7_000) }
    const outcome = overlay.store(peer, resource, [big], alice)
    expect(outcome.ok).toBe(false)
    expect(peer.core.holds(resource)).toBe(false)
  })

  it('R6940-6.3.4-01 R6940-6.3.4-15 R6940-6.3.4-16 what comes over a link is verified, though it says that nobody or this very peer wrote it', () => {
    const stranger = new Stranger(overlay, peer, overlay.user('mallory@dht.example.com'))
    const { crypto } = overlay.issuer
    const hash = overlayHash(overlay.configuration.instanceName, (bytes) => crypto.hash('sha1', [bytes]))
    const { sha256, der } = peer.credential.certificate
    const identities: SignerIdentity[] = [
      { kind: 'none' },
      { kind: 'certHash', hashAlgorithm: 4, hash: sha256 },
    ]
    for (const [index, identity] of identities.entries()) {
      const contents = {
        messageCode: MESSAGE_CODE.pingReq,
        body: encodePingReq({ padding: new Uint8Array(0) }),
        extensions: [],
      }
      const header = {
        overlay: hash,
        configurationSequence: overlay.configuration.sequence,
        ttl: overlay.configuration.initialTtl,
        fragment: FRAGMENT_NONE,
        transactionId: BigInt(100 + index),
        maxResponseLength: 0,
        viaList: [],
        destinationList: [{ kind: 'node', nodeId: peer.nodeId } as const],
        options: [],
      }
      const signature = { hashAlgorithm: 0, signatureAlgorithm: 0, identity, value: new Uint8Array(0) }
      const security = { certificates: [{ type: 0, certificate: der }], signature }
      const before = peer.core.instruments.dropped.get('signature')
      stranger.raw(encodeMessage(header, encodeContents(contents), security))
      expect(stranger.answers(BigInt(100 + index))).toEqual([])
      expect(peer.core.instruments.dropped.get('signature')).toBe(before + 1)
    }
  })
})
