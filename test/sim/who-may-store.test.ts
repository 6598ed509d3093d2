/** Registrations that somebody has no right to: what the storing peer refuses, and what the reader finds out. */
import { beforeEach, describe, expect, it } from 'vitest'
import { toHex, utf8 } from '../../src/common/bytes.ts'
import {
  encodeChordUpdate,
  encodeStoreReq,
  ERROR_CODE,
  KIND,
  MESSAGE_CODE,
  NodeCrypto,
  resourceIdOf,
  signStoredData,
  StandInCrypto,
  type Credential,
  type NodeId,
  type ResourceId,
} from '../../src/reload/index.ts'
import { Overlay, type SimPeer } from '../../src/sim/overlay.ts'
import { Stranger } from './stranger.ts'
import { registeredKeys, registration } from '../../src/sim/values.ts'

const ALICE = 'alice@dht.example.com'
const MALLORY = 'mallory@dht.example.com'

/** Who signs the StoreReq, who the value in it, and under which key it is to stand. */
interface Attempt {
  readonly message: Credential
  readonly value: Credential
  readonly key: NodeId
  readonly replicaNumber?: number
  readonly storageTime?: bigint
}

describe('who may store a registration', () => {
  let overlay: Overlay
  let peer: SimPeer
  let stranger: Stranger
  let alice: Credential
  let mallory: Credential
  let resource: ResourceId

  beforeEach(() => {
    overlay = new Overlay('who may store')
    peer = overlay.start()
    alice = overlay.user(ALICE)
    mallory = overlay.user(MALLORY)
    stranger = new Stranger(overlay, peer, mallory)
    resource = overlay.resource(ALICE)
  })

  const storeReq = (at: ResourceId, { value, key, ...attempt }: Attempt): Uint8Array => {
    const entry = registration(value, mallory.nodeId)
    const data = signStoredData(overlay.issuer.crypto, value, {
      resource: at,
      kind: KIND.sipRegistration,
      storageTime: attempt.storageTime ?? BigInt(overlay.world.now.wall),
      lifetime: 3_600,
      value: { model: 'dictionary', key, value: { exists: true, value: entry.value } },
    })
    const kindData = [
      { kind: KIND.sipRegistration, generationCounter: BigInt(attempt.replicaNumber ?? 0), values: [data] },
    ]
    return encodeStoreReq({ resource: at, replicaNumber: attempt.replicaNumber ?? 0, kindData })
  }

  const verdict = (attempt: Attempt, at: ResourceId = resource): number | undefined =>
    stranger.verdict({
      code: MESSAGE_CODE.storeReq,
      body: storeReq(at, attempt),
      destinations: [{ kind: 'resource', resourceId: at }],
      credential: attempt.message,
      certificates: [attempt.value.certificate],
    })

  const held = (): string[] => {
    const fetched = overlay.fetch(peer, resource, KIND.sipRegistration)
    return fetched.ok ? registeredKeys(fetched.value) : ['no answer']
  }

  it('the user may', () => {
    expect(verdict({ message: alice, value: alice, key: alice.nodeId })).toBe(0)
    expect(held()).toEqual([toHex(alice.nodeId)])
  })

  it('R7904-3.3-05 R7904-3.3-07 A7904-3.3-01 another user may not, whatever key is used (S-63)', () => {
    for (const key of [mallory.nodeId, alice.nodeId]) {
      expect(verdict({ message: mallory, value: mallory, key })).toBe(ERROR_CODE.forbidden)
    }
    expect(peer.core.holds(resource)).toBe(false)
  })

  it('R7904-3.3-06 R7904-3.3-07 the user may not under the key of another node', () => {
    expect(verdict({ message: alice, value: alice, key: mallory.nodeId })).toBe(ERROR_CODE.forbidden)
    expect(verdict({ message: alice, value: alice, key: peer.nodeId })).toBe(ERROR_CODE.forbidden)
    expect(peer.core.holds(resource)).toBe(false)
  })

  it('R6940-7.3-01 both the value and the message have to be signed by the user', () => {
    expect(verdict({ message: mallory, value: alice, key: alice.nodeId })).toBe(ERROR_CODE.forbidden)
    expect(verdict({ message: alice, value: mallory, key: alice.nodeId })).toBe(ERROR_CODE.forbidden)
    expect(peer.core.holds(resource)).toBe(false)
  })

  it('R6940-7.3-01 the node that serves the user may not sign in its place', () => {
    const gateway = overlay.user('gateway@dht.example.com')
    const key = alice.nodeId
    expect(verdict({ message: gateway, value: gateway, key })).toBe(ERROR_CODE.forbidden)
    expect(verdict({ message: gateway, value: gateway, key: gateway.nodeId })).toBe(ERROR_CODE.forbidden)
    expect(verdict({ message: gateway, value: alice, key })).toBe(ERROR_CODE.forbidden)
    expect(verdict({ message: alice, value: alice, key })).toBe(0)
  })

  it('R6940-7.3-02 a replica is taken from peers of the ring only, and only with the signature of the user', () => {
    const update = {
      code: MESSAGE_CODE.updateReq,
      destinations: [{ kind: 'node', nodeId: peer.nodeId }],
    } as const
    const replica = { message: mallory, key: alice.nodeId, replicaNumber: 1 }
    const toPeer = (attempt: Attempt): number | undefined =>
      stranger.verdict({
        code: MESSAGE_CODE.storeReq,
        body: storeReq(resource, attempt),
        destinations: [{ kind: 'node', nodeId: peer.nodeId }],
        credential: attempt.message,
        certificates: [attempt.value.certificate],
      })
    expect(toPeer({ ...replica, value: alice }), 'outside the ring').toBe(ERROR_CODE.forbidden)
    expect(stranger.verdict({ ...update, body: encodeChordUpdate({ kind: 'peerReady', uptime: 9 }) })).toBe(0)
    expect(toPeer({ ...replica, value: mallory }), 'signed by the replicating peer').toBe(
      ERROR_CODE.forbidden,
    )
    expect(peer.core.holds(resource)).toBe(false)
    expect(toPeer({ ...replica, value: alice }), 'a true copy').toBe(0)
    expect(peer.core.holds(resource)).toBe(true)
  })

  it('R7904-3.3-04 R7904-3.3-07 A7904-3.3-01 an AOR outside the name spaces of the overlay is forbidden', () => {
    for (const name of ['eve@elsewhere.example.org', 'nobody', 'two@at@dht.example.com']) {
      const restriction = { enable: true, patterns: [] }
      const strict = new Overlay('strict', { configuration: { domainRestriction: restriction } })
      const storer = strict.start()
      const user = strict.user(name)
      const outcome = strict.store(storer, strict.resource(name), [registration(user, storer.nodeId)], user)
      expect(outcome, name).toMatchObject({
        ok: false,
        error: { kind: 'reload', code: ERROR_CODE.forbidden },
      })
    }
  })

  it('A6940-7-01 a StoreReq replayed long after its answer was forgotten changes nothing (S-61)', () => {
    const old = {
      message: alice,
      value: alice,
      key: alice.nodeId,
      storageTime: BigInt(overlay.world.now.wall),
    }
    const destinations = [{ kind: 'resource', resourceId: resource }] as const
    const replayed = { code: MESSAGE_CODE.storeReq, destinations, credential: alice, transactionId: 4_711n }
    const body = storeReq(resource, old)
    expect(stranger.verdict({ ...replayed, body })).toBe(0)
    overlay.world.run(60_000)
    const newer = { ...old, storageTime: old.storageTime + 1_000n }
    expect(verdict(newer)).toBe(0)
    overlay.world.run(60_000)
    stranger.received.length = 0
    expect(stranger.verdict({ ...replayed, body })).toBe(ERROR_CODE.dataTooOld)
    const fetched = overlay.fetch(peer, resource, KIND.sipRegistration)
    const [value] = fetched.ok ? fetched.value.kinds.get(KIND.sipRegistration)!.values : []
    expect(value?.data.storageTime).toBe(newer.storageTime)
  })
})

describe('a storing peer that lies', () => {
  /** Finds that the names of Mallory and of Alice hash to the same id. */
  class FriendOfMallory extends StandInCrypto {
    override hash(algorithm: 'sha1' | 'sha256', parts: readonly Uint8Array[]): Uint8Array {
      const [name, ...more] = parts
      const lie = more.length === 0 && name !== undefined && toHex(name) === toHex(utf8(MALLORY))
      return super.hash(algorithm, lie ? [utf8(ALICE)] : parts)
    }
  }

  it('R6940-6.3.4-13 is found out by the reader, and no honest peer takes its copies (S-63)', () => {
    const overlay = new Overlay('liar 3')
    const liar = overlay.start({ crypto: new FriendOfMallory() })
    const reader = overlay.start()
    expect(overlay.settled()).toBe(true)
    overlay.world.run(2_000)
    const resource = overlay.resource(ALICE)
    expect(overlay.owner(resource)).toBe(liar)
    const mallory = overlay.user(MALLORY)
    overlay.store(reader, resource, [registration(mallory, reader.nodeId)], mallory)
    expect(liar.core.holds(resource), 'the liar took it').toBe(true)
    expect(reader.core.holds(resource)).toBe(false)
    const fetched = overlay.fetch(reader, resource, KIND.sipRegistration)
    expect(fetched).toMatchObject({ ok: true, value: { rejected: 1 } })
    expect(fetched.ok && registeredKeys(fetched.value)).toEqual([])
  })
})

describe('the name of a resource', () => {
  it('R6940-10.2-01 A6940-10.2-01 its id is the first 128 bits of the SHA-1 of its name', () => {
    // sha1sum of "alice@dht.example.com"
    expect(toHex(resourceIdOf(new NodeCrypto(), utf8(ALICE)))).toBe('0c51a942f50c828aef82a5af83e8ed59')
  })
})
