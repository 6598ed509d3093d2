/** A new Configuration Document in a running overlay. */
import { beforeEach, describe, expect, it } from 'vitest'
import { SeededRandom } from '../../src/common/random.ts'
import { utf8 } from '../../src/common/bytes.ts'
import {
  encodeConfigUpdateReq,
  encodePingReq,
  ERROR_CODE,
  key,
  KIND,
  MESSAGE_CODE,
  resourceIdOf,
  type Credential,
  type OverlayConfiguration,
} from '../../src/reload/index.ts'
import { wrapOverlay, writeConfiguration } from '../../src/reload/config/index.ts'
import { signDocumentBase64 } from '../../src/reload/security/index.ts'
import { ringFaults } from '../../src/sim/checkers/ring.ts'
import { OVERLAY_NAME, simConfiguration } from '../../src/sim/configuration.ts'
import { Overlay, standInIssuer, type SimPeer } from '../../src/sim/overlay.ts'
import { registeredKeys, registration } from '../../src/sim/values.ts'
import { Stranger } from './stranger.ts'

const issuer = standInIssuer()
const SIGNER = issuer.issue(`operator@${OVERLAY_NAME}`, new SeededRandom('operator'))
const NOBODY = issuer.issue(`mallory@${OVERLAY_NAME}`, new SeededRandom('mallory'))

function overlayOf(seed: string, peers: number): Overlay {
  const configuration = { configurationSigners: [SIGNER.nodeId], reliabilityTimerMs: 1_000 }
  const overlay = new Overlay(seed, { issuer, configuration })
  expect(overlay.grow(peers, 100), overlay.replay()).toBe(true)
  overlay.world.run(2_000)
  return overlay
}

function documentOf(
  overlay: Overlay,
  changes: Partial<OverlayConfiguration>,
  signer: Credential = SIGNER,
  edit: (xml: string) => string = (xml) => xml,
): Uint8Array {
  const configuration = { ...overlay.configuration, sequence: 23, ...changes }
  const written = Buffer.from(writeConfiguration(configuration)).toString()
  const element = utf8(edit(written))
  return wrapOverlay(element, signDocumentBase64(issuer.crypto, signer, element))
}

const sequences = (peers: readonly SimPeer[]): number[] =>
  peers.map((peer) => {
    const changes = peer.events.filter((event) => event.kind === 'configurationChanged')
    return changes.at(-1)?.configuration.sequence ?? 22
  })

const all = (overlay: Overlay, sequence: number) => (): boolean =>
  sequences(overlay.running).every((each) => each === sequence)

describe('a new Configuration Document', () => {
  it('R6940-6.5.4-01 R6940-6.5.4.2-01 R6940-6.5.4.2-03 R6940-11.1-33 R6940-4.1-01 reaches every peer within seconds from one that was given it', () => {
    const overlay = overlayOf('roll', 9)
    const alice = overlay.user(`alice@${OVERLAY_NAME}`)
    const resource = overlay.resource(`alice@${OVERLAY_NAME}`)
    const [first] = overlay.peers
    const entry = [registration(alice, first!.nodeId)]
    expect(overlay.store(first!, resource, entry, alice).ok).toBe(true)
    first!.host.input({ kind: 'configuration', document: documentOf(overlay, { initialTtl: 60 }) })
    expect(overlay.world.runUntil(all(overlay, 23), 10_000), overlay.replay()).toBe(true)
    overlay.world.run(5_000)
    expect(ringFaults(overlay)).toEqual([])
    for (const peer of overlay.peers) {
      const found = overlay.fetch(peer, resource, KIND.sipRegistration)
      expect(found.ok && registeredKeys(found.value)).toEqual([key(alice.nodeId)])
    }
  })

  it('R6940-6.3.2-11 reaches every peer when it raises initial-ttl, which is more than the others take from anybody', () => {
    const overlay = overlayOf('higher', 9)
    overlay.peers[0]!.host.input({
      kind: 'configuration',
      document: documentOf(overlay, { initialTtl: 200 }),
    })
    expect(overlay.world.runUntil(all(overlay, 23), 10_000), overlay.replay()).toBe(true)
    overlay.world.run(5_000)
    expect(ringFaults(overlay)).toEqual([])
  })

  it('R6940-6.3.2.1-01 no request fails while it spreads: those of another sequence are sent again', () => {
    const overlay = overlayOf('requests during a roll', 8)
    const users = Array.from({ length: 12 }, (_, index) => overlay.user(`u${index}@${OVERLAY_NAME}`))
    const half = overlay.peers.slice(0, 4).map(({ name }) => name)
    // Behind a partition the other half does not hear of it, and then all talk at once.
    overlay.network.partition(
      half,
      overlay.peers.slice(4).map(({ name }) => name),
    )
    overlay.peers[0]!.host.input({ kind: 'configuration', document: documentOf(overlay, {}) })
    overlay.world.run(1_000)
    overlay.network.heal()
    for (const [index, user] of users.entries()) {
      const peer = overlay.peers[index % 8]!
      const resource = overlay.resource(user.certificate.userName)
      const stored = overlay.store(peer, resource, [registration(user, peer.nodeId)], user)
      const why = stored.ok ? '' : JSON.stringify(stored.error)
      expect(stored.ok, `${index} ${why} ${overlay.replay()}`).toBe(true)
    }
    expect(all(overlay, 23)()).toBe(true)
  })

  it('a peer that was away meanwhile takes it when it comes back', () => {
    const overlay = overlayOf('away', 5)
    const away = overlay.peers[3]!
    overlay.crash(away)
    overlay.peers[0]!.host.input({ kind: 'configuration', document: documentOf(overlay, {}) })
    expect(overlay.world.runUntil(all(overlay, 23), 20_000)).toBe(true)
    const again = overlay.restart(away)
    const back = (): boolean => again.state === 'joined' && sequences([again])[0] === 23
    expect(overlay.world.runUntil(back, 30_000), overlay.replay()).toBe(true)
  })

  it('R6940-11.1-02 cuts off a node that it lists as bad, wherever it is connected', () => {
    const overlay = overlayOf('expelled', 6)
    const bad = overlay.peers[4]!
    const document = documentOf(overlay, { badNodes: [bad.nodeId] })
    overlay.peers[1]!.host.input({ kind: 'configuration', document })
    const gone = (): boolean =>
      bad.state === 'left' && overlay.running.every((peer) => peer.state === 'joined')
    expect(overlay.world.runUntil(gone, 30_000), overlay.replay()).toBe(true)
    overlay.world.run(10_000)
    expect(ringFaults(overlay)).toEqual([])
    // Its certificate opens no link any more.
    const stranger = new Stranger(overlay, overlay.peers[0]!, bad.credential)
    expect(stranger.closed).toBe(true)
  })

  it('R6940-11.1-33 a peer that cannot follow it leaves the overlay', () => {
    const overlay = overlayOf('impossible', 3)
    const document = documentOf(overlay, { noIce: false })
    overlay.peers[2]!.host.input({ kind: 'configuration', document })
    expect(overlay.world.runUntil(() => overlay.peers[2]!.state === 'left', 20_000)).toBe(true)
    const unknown = documentOf(overlay, {}, SIGNER, (xml) => xml.replace('CHORD-RELOAD', 'PASTRY-RELOAD'))
    overlay.peers[1]!.host.input({ kind: 'configuration', document: unknown })
    expect(overlay.world.runUntil(() => overlay.peers[1]!.state === 'left', 20_000)).toBe(true)
    expect(overlay.peers[0]!.state).toBe('joined')
  })
})

/** What `verdict` says of an answer that is no error. */
const ANSWERED = 0

describe('a ConfigUpdate', () => {
  let overlay: Overlay
  let stranger: Stranger
  let verdict: (document: Uint8Array, kind?: 'config') => number | undefined

  beforeEach(() => {
    overlay = new Overlay('config update', {
      issuer,
      configuration: { configurationSigners: [SIGNER.nodeId] },
    })
    const peer = overlay.start()
    stranger = new Stranger(overlay, peer, NOBODY)
    verdict = (configData) =>
      stranger.verdict({
        code: MESSAGE_CODE.configUpdateReq,
        body: encodeConfigUpdateReq({ kind: 'config', configData }),
        destinations: [{ kind: 'node', nodeId: peer.nodeId }],
        sequence: 65_535,
      })
  })

  it('R6940-6.5.4.2-01 R6940-11.1-32 S-69 of anybody but a configuration-signer changes nothing', () => {
    expect(verdict(documentOf(overlay, {}, NOBODY))).toBe(ERROR_CODE.forbidden)
    expect(verdict(documentOf(overlay, { configurationSigners: [NOBODY.nodeId] }, NOBODY))).toBe(
      ERROR_CODE.forbidden,
    )
    const signed = Buffer.from(documentOf(overlay, {}))
    const tampered = utf8(signed.toString().replace('sequence="23"', 'sequence="24"'))
    expect(verdict(tampered)).toBe(ERROR_CODE.forbidden)
    expect(sequences(overlay.peers)).toEqual([22])
  })

  it('R6940-6.5.4.2-01 R6940-6.3.2.1-04 S-69 of the same or an older sequence is refused, modulo 65535', () => {
    for (const sequence of [22, 21, 0, 40_000]) {
      expect(verdict(documentOf(overlay, { sequence })), String(sequence)).toBe(ERROR_CODE.configTooOld)
    }
    expect(verdict(documentOf(overlay, { sequence: 30_000 }))).toBe(ANSWERED)
    expect(verdict(documentOf(overlay, { sequence: 60_000 }))).toBe(ANSWERED)
    expect(verdict(documentOf(overlay, { sequence: 3 }))).toBe(ANSWERED)
  })

  it('R6940-6.5.4.2-01 S-69 that is no document of this overlay is an invalid message', () => {
    expect(verdict(utf8('<overlay'))).toBe(ERROR_CODE.invalidMessage)
    expect(verdict(documentOf(overlay, { instanceName: 'other.example.com' }))).toBe(
      ERROR_CODE.invalidMessage,
    )
    expect(
      stranger.verdict({
        code: MESSAGE_CODE.pingReq,
        body: encodePingReq({ padding: new Uint8Array(0) }),
        destinations: [{ kind: 'node', nodeId: overlay.peers[0]!.nodeId }],
      }),
    ).toBe(ANSWERED)
  })

  it('R6940-6.3.2.1-01 is answered by peers of any sequence, and the next requests carry the new one', () => {
    expect(verdict(documentOf(overlay, {}))).toBe(ANSWERED)
    const ping = {
      code: MESSAGE_CODE.pingReq,
      body: encodePingReq({ padding: new Uint8Array(0) }),
      destinations: [{ kind: 'node', nodeId: overlay.peers[0]!.nodeId } as const],
    }
    expect(stranger.verdict({ ...ping, sequence: 22 })).toBe(ERROR_CODE.configTooOld)
    expect(stranger.verdict({ ...ping, sequence: 23 })).toBe(ANSWERED)
  })
})

describe('a Kind from another node', () => {
  const PRIVATE = {
    id: 0xf0000001,
    name: '4026531841',
    dataModel: 'single',
    accessControl: 'NODE-MATCH',
    maxCount: 1,
    maxSize: 64,
    maxNodeMultiple: 0,
  } as const

  /** A kind-block as it stands in a document, on its own. */
  function blockOf(signer: Credential, maxSize: number = PRIVATE.maxSize): Uint8Array {
    const configuration = { ...simConfiguration(issuer.root), requiredKinds: [{ ...PRIVATE, maxSize }] }
    const text = Buffer.from(
      writeConfiguration(configuration, (kind) => signDocumentBase64(issuer.crypto, signer, kind)),
    ).toString()
    return utf8(
      text.slice(text.indexOf('<kind-block>'), text.indexOf('</kind-block>') + '</kind-block>'.length),
    )
  }

  const SECOND = issuer.issue(`second@${OVERLAY_NAME}`, new SeededRandom('second'))
  const configuration = {
    configurationSigners: [SIGNER.nodeId],
    kindSigners: [SIGNER.nodeId, SECOND.nodeId],
  }

  function stores(overlay: Overlay, peer: SimPeer, by: Credential): boolean {
    const resource = resourceIdOf(issuer.crypto, by.nodeId)
    const value = {
      kind: PRIVATE.id,
      model: 'single',
      exists: true,
      value: utf8('x'),
      lifetimeS: 60,
    } as const
    const id = overlay.commands.newId()
    return overlay.command(
      peer,
      { kind: 'store', id, resource, values: [value], credential: by },
      'storeDone',
    ).outcome.ok
  }

  it('R6940-6.5.4.2-02 R6940-6.5.4.1-02 S-69 is taken when a kind-signer signed it, and not changed by another one', () => {
    const overlay = new Overlay('kinds', { issuer, configuration })
    const peer = overlay.start()
    const stranger = new Stranger(overlay, peer, NOBODY)
    const verdict = (...kinds: Uint8Array[]): number | undefined =>
      stranger.verdict({
        code: MESSAGE_CODE.configUpdateReq,
        body: encodeConfigUpdateReq({ kind: 'kinds', kinds }),
        destinations: [{ kind: 'node', nodeId: peer.nodeId }],
        sequence: 65_535,
      })
    expect(stores(overlay, peer, peer.credential)).toBe(false)
    expect(verdict(blockOf(NOBODY))).toBe(ERROR_CODE.forbidden)
    const unsigned = Buffer.from(blockOf(SIGNER))
      .toString()
      .replace(/<kind-signature>.*<.kind-signature>/, '')
    expect(verdict(utf8(unsigned))).toBe(ERROR_CODE.forbidden)
    const tampered = Buffer.from(blockOf(SIGNER)).toString().replace('<max-size>64<', '<max-size>65<')
    expect(verdict(utf8(tampered))).toBe(ERROR_CODE.forbidden)
    expect(verdict(utf8('<kind-block/>'))).toBe(ERROR_CODE.invalidMessage)
    expect(verdict(utf8('</required-kinds><required-kinds>'))).toBe(ERROR_CODE.invalidMessage)
    expect(stores(overlay, peer, peer.credential)).toBe(false)
    expect(verdict(blockOf(SIGNER))).toBe(ANSWERED)
    expect(verdict(blockOf(SIGNER, 70))).toBe(ANSWERED)
    expect(verdict(blockOf(SECOND, 80))).toBe(ERROR_CODE.forbidden)
    expect(stores(overlay, peer, peer.credential)).toBe(true)
  })

  it('R6940-7.4.1.2-05 is taught to the node that did not know it', () => {
    const overlay = new Overlay('kind taught', { issuer, configuration })
    expect(overlay.grow(2)).toBe(true)
    overlay.world.run(2_000)
    const [first, second] = overlay.peers as [SimPeer, SimPeer]
    const stranger = new Stranger(overlay, first, NOBODY)
    stranger.send({
      code: MESSAGE_CODE.configUpdateReq,
      body: encodeConfigUpdateReq({ kind: 'kinds', kinds: [blockOf(SIGNER)] }),
      destinations: [{ kind: 'node', nodeId: first.nodeId }],
      sequence: 65_535,
    })
    overlay.world.run(500)
    const credentials = Array.from({ length: 20 }, (_, index) => overlay.user(`u${index}@${OVERLAY_NAME}`))
    const far = credentials.find(
      ({ nodeId }) => overlay.owner(resourceIdOf(issuer.crypto, nodeId)) === second,
    ) as Credential
    expect(stores(overlay, first, far)).toBe(false)
    overlay.world.run(500)
    expect(stores(overlay, first, far)).toBe(true)
  })

  it('R6940-11.1-34 goes with its data when its signer may not sign any more', () => {
    const overlay = new Overlay('kind goes', { issuer, configuration })
    const peer = overlay.start()
    const stranger = new Stranger(overlay, peer, NOBODY)
    const kinds = [blockOf(SECOND)]
    stranger.send({
      code: MESSAGE_CODE.configUpdateReq,
      body: encodeConfigUpdateReq({ kind: 'kinds', kinds }),
      destinations: [{ kind: 'node', nodeId: peer.nodeId }],
      sequence: 65_535,
    })
    overlay.world.run(500)
    expect(stores(overlay, peer, peer.credential)).toBe(true)
    expect(peer.snapshot().storage.some(({ kind }) => kind === PRIVATE.id)).toBe(true)
    const changed = { ...configuration, kindSigners: [SECOND.nodeId] }
    peer.host.input({ kind: 'configuration', document: documentOf(overlay, { ...changed, sequence: 23 }) })
    expect(stores(overlay, peer, peer.credential)).toBe(true)
    const gone = { ...configuration, kindSigners: [SIGNER.nodeId], sequence: 24 }
    peer.host.input({ kind: 'configuration', document: documentOf(overlay, gone) })
    expect(peer.snapshot().storage.some(({ kind }) => kind === PRIVATE.id)).toBe(false)
    expect(stores(overlay, peer, peer.credential)).toBe(false)
  })
})
