import { describe, expect, it } from 'vitest'

import { concatBytes, fromHex, utf8 } from '../../../../src/common/bytes.ts'
import { asNodeId, KIND, type ResourceId, type StoredDataValue } from '../../../../src/reload/codec/index.ts'
import { KNOWN_KINDS, type AccessControl, type KindDefinition } from '../../../../src/reload/config/index.ts'
import {
  makeStandInCredential,
  NamedResources,
  nodeMultipleName,
  permitted,
  resourceIdOf,
  StandInCrypto,
  type Signer,
} from '../../../../src/reload/security/index.ts'

const crypto = new StandInCrypto()
const names = new NamedResources(crypto)
const nodeId = asNodeId(new Uint8Array(16).fill(0x11))
const otherNodeId = asNodeId(new Uint8Array(16).fill(0x22))
const { certificate } = makeStandInCredential(nodeId, 'alice@example.org', 'example.org')
const signer: Signer = { certificate, nodeId }

const value = { exists: true, value: utf8('x') }
const single: StoredDataValue = { model: 'single', value }
const entry = (key: Uint8Array): StoredDataValue => ({ model: 'dictionary', key, value })
const resource = (name: string | Uint8Array): ResourceId =>
  resourceIdOf(crypto, typeof name === 'string' ? utf8(name) : name)

function kind(
  accessControl: AccessControl,
  dataModel: KindDefinition['dataModel'] = 'single',
  max = 0,
): KindDefinition {
  return {
    id: 0xf0000001,
    name: 'test',
    dataModel,
    accessControl,
    maxCount: 1,
    maxSize: 1,
    maxNodeMultiple: max,
  }
}

describe('access policies', () => {
  it('hashes names to the first 16 bytes of their SHA-1', () => {
    expect(resource('overlay.example.org')).toEqual(fromHex('74b9a543a333b17cf69729622ee7b321'))
    expect(resource('alice@example.org')).toHaveLength(16)
    expect(resource('Alice@example.org')).not.toEqual(resource('alice@example.org'))
  })

  it('R6940-7.3.1-01 USER-MATCH: the user name hashes to the Resource-ID', () => {
    const policy = kind('USER-MATCH')
    expect(permitted(names, policy, { resource: resource('alice@example.org'), signer, value: single })).toBe(
      true,
    )
    expect(permitted(names, policy, { resource: resource('bob@example.org'), signer, value: single })).toBe(
      false,
    )
    expect(permitted(names, policy, { resource: resource(nodeId), signer, value: single })).toBe(false)
    const nameless = { ...signer, certificate: { ...certificate, userName: '' } }
    expect(permitted(names, policy, { resource: resource(''), signer: nameless, value: single })).toBe(false)
  })

  it('R6940-7.3.2-01 NODE-MATCH: the Node-ID that the signer named hashes to the Resource-ID', () => {
    const policy = kind('NODE-MATCH')
    expect(permitted(names, policy, { resource: resource(nodeId), signer, value: single })).toBe(true)
    expect(permitted(names, policy, { resource: resource(otherNodeId), signer, value: single })).toBe(false)
    const both = { certificate: { ...certificate, nodeIds: [nodeId, otherNodeId] }, nodeId }
    expect(permitted(names, policy, { resource: resource(otherNodeId), signer: both, value: single })).toBe(
      false,
    )
  })

  it('R6940-7.3.3-01 USER-NODE-MATCH: user name for the Resource-ID, named Node-ID for the key, dictionaries only', () => {
    const policy = kind('USER-NODE-MATCH', 'dictionary')
    const alice = resource('alice@example.org')
    expect(permitted(names, policy, { resource: alice, signer, value: entry(nodeId) })).toBe(true)
    expect(permitted(names, policy, { resource: alice, signer, value: entry(otherNodeId) })).toBe(false)
    expect(permitted(names, policy, { resource: alice, signer, value: entry(nodeId.subarray(0, 15)) })).toBe(
      false,
    )
    expect(
      permitted(names, policy, { resource: resource('bob@example.org'), signer, value: entry(nodeId) }),
    ).toBe(false)
    expect(permitted(names, kind('USER-NODE-MATCH'), { resource: alice, signer, value: single })).toBe(false)
  })

  it('R6940-7.3.4-01 R6940-7.3.4-02 NODE-MULTIPLE: some i from 1 to the maximum', () => {
    const policy = kind('NODE-MULTIPLE', 'single', 20)
    const at = (i: number): boolean =>
      permitted(names, policy, {
        resource: resource(concatBytes([nodeId, Uint8Array.of(i)])),
        signer,
        value: single,
      })
    expect([0, 1, 2, 20, 21].map(at)).toEqual([false, true, true, true, false])
    expect(nodeMultipleName(nodeId, 3)).toEqual(concatBytes([nodeId, Uint8Array.of(3)]))
    const foreign = resource(nodeMultipleName(otherNodeId, 1))
    expect(permitted(names, policy, { resource: foreign, signer, value: single })).toBe(false)
    const endless = kind('NODE-MULTIPLE', 'single', 2 ** 31 - 1)
    expect(permitted(names, endless, { resource: foreign, signer, value: single })).toBe(false)
  })

  it('R6940-7.3-03 every known Kind has a policy, and a value of another data model is refused', () => {
    expect(KNOWN_KINDS.map((known) => [known.id, known.accessControl])).toEqual([
      [KIND.sipRegistration, 'USER-NODE-MATCH'],
      [KIND.turnService, 'NODE-MULTIPLE'],
      [KIND.certificateByNode, 'NODE-MATCH'],
      [KIND.certificateByUser, 'USER-MATCH'],
    ])
    const array: StoredDataValue = { model: 'array', index: 0, value }
    const alice = resource('alice@example.org')
    expect(permitted(names, kind('USER-MATCH'), { resource: alice, signer, value: array })).toBe(false)
  })
})
