import { createVerify, X509Certificate } from 'node:crypto'

import { describe, expect, it } from 'vitest'

import { concatBytes, fromHex, utf8 } from '../../../../src/common/bytes.ts'
import {
  asResourceId,
  decodeMessage,
  encodeContents,
  encodeMessage,
  encodeSignerIdentity,
  HASH,
  MESSAGE_CODE,
  overlayHash,
  SIGNATURE,
  type Message,
  type NewHeader,
  type SecurityBlock,
  type StoredData,
  type StoredDataValue,
} from '../../../../src/reload/codec/index.ts'
import { makeNodeCertificate } from '../../../../src/enrollment/io/index.ts'
import {
  NodeCrypto,
  signMessage,
  signStoredData,
  type Trust,
  trustOf,
  verifyMessage,
  verifyStoredData,
  type Credential,
} from '../../../../src/reload/security/index.ts'
import { aStandInOverlay, aTestOverlay, TEST_WALL, type TestOverlay } from '../../../support/credentials.ts'
import { aNodeId } from './odd-certificate.ts'

const crypto = new NodeCrypto()
const OVERLAY = overlayHash('example.org', (bytes) => crypto.hash('sha1', [bytes]))
const TRANSACTION = 0x0123456789abcdefn
const contentsBytes = encodeContents({
  messageCode: MESSAGE_CODE.pingReq,
  body: Uint8Array.of(0, 0),
  extensions: [],
})

const header: NewHeader = {
  overlay: OVERLAY,
  configurationSequence: 1,
  ttl: 100,
  fragment: 0xc0000000,
  transactionId: TRANSACTION,
  maxResponseLength: 0,
  viaList: [],
  destinationList: [{ kind: 'node', nodeId: aNodeId() }],
  options: [],
}

function sent(security: SecurityBlock, changes: Partial<NewHeader> = {}, contents = contentsBytes): Message {
  const message = decodeMessage(encodeMessage({ ...header, ...changes }, contents, security))
  if (!message.ok) throw new Error(message.error.reason)
  return message.value
}

function sign(credential: Credential, extra: TestOverlay | undefined = undefined): SecurityBlock {
  const extraCertificates = extra === undefined ? [] : [credential.certificate]
  return signMessage(crypto, credential, {
    overlay: OVERLAY,
    transactionId: TRANSACTION,
    contentsBytes,
    extraCertificates,
  })
}

/** Alice with two Node-IDs, of which she uses the second. */
async function twoNodeIds(overlay: TestOverlay): Promise<Credential> {
  const key = crypto.generateKey('ecdsa')
  const nodeIds = [aNodeId(), aNodeId()]
  const der = await makeNodeCertificate(
    { pkcs8: overlay.authority.rootKey, algorithm: 'ecdsa', certificate: overlay.authority.rootCertificate },
    {
      overlayName: 'example.org',
      userName: 'alice@example.org',
      nodeIds,
      publicKeyInfo: key.publicKeyInfo,
      notBefore: TEST_WALL,
      notAfter: TEST_WALL + 1000,
    },
  )
  return {
    ...crypto.importCredential(der, key.pkcs8, 'example.org'),
    nodeId: nodeIds[1] as Credential['nodeId'],
  }
}

const ALGORITHMS = [
  ['rsa', SIGNATURE.rsa],
  ['ecdsa', SIGNATURE.ecdsa],
] as const

describe('message signature', () => {
  it.each(ALGORITHMS)(
    'R6940-6.3.4-01 R6940-6.3.4-02 R6940-6.3.4-03 signed with %s and verified',
    async (algorithm, code) => {
      const overlay = await aTestOverlay()
      const credential = await overlay.credential('alice@example.org', algorithm)
      const block = sign(credential)
      // Hash first, then signature: 04 01 and 04 03 on the wire.
      expect([block.signature.hashAlgorithm, block.signature.signatureAlgorithm]).toEqual([HASH.sha256, code])
      const signer = verifyMessage(crypto, overlay.trust, sent(block), TEST_WALL)
      expect(signer).toMatchObject({ ok: true, value: { certificate: { userName: 'alice@example.org' } } })
      expect(signer.ok && signer.value.nodeId).toEqual(credential.nodeId)
    },
  )

  it('R6940-6.3.4-04 covers overlay, transaction, contents and identity, as OpenSSL confirms', async () => {
    const overlay = await aTestOverlay()
    const credential = await overlay.credential('alice@example.org')
    const { signature } = sign(credential)
    const input = concatBytes([
      fromHex(OVERLAY.toString(16).padStart(8, '0')) as Uint8Array,
      fromHex('0123456789abcdef') as Uint8Array,
      contentsBytes,
      fromHex('0100220420') as Uint8Array,
      credential.certificate.sha256,
    ])
    const key = new X509Certificate(credential.certificate.der).publicKey
    expect(createVerify('SHA256').update(input).verify(key, signature.value)).toBe(true)
  })

  it('R6940-6.3.4-04 survives every change that a forwarding peer makes', async () => {
    const overlay = await aTestOverlay()
    const block = sign(await overlay.credential('alice@example.org'))
    const forwarded = sent(block, {
      ttl: 3,
      configurationSequence: 9,
      maxResponseLength: 5000,
      viaList: [{ kind: 'node', nodeId: aNodeId() }],
      destinationList: [{ kind: 'resource', resourceId: asResourceId(new Uint8Array(16)) }],
      options: [{ type: 7, flags: 0, value: new Uint8Array(3) }],
    })
    expect(verifyMessage(crypto, overlay.trust, forwarded, TEST_WALL).ok).toBe(true)
  })

  it('R6940-6.3.4-16 R6940-6.3.4-15 anything else changed makes it unverified', async () => {
    const overlay = await aTestOverlay()
    const credential = await overlay.credential('alice@example.org')
    const block = sign(credential)
    const otherContents = encodeContents({
      messageCode: MESSAGE_CODE.pingReq,
      body: Uint8Array.of(0, 1, 0),
      extensions: [],
    })
    const bob = (await overlay.credential('bob@example.org')).certificate
    const otherIdentity = { kind: 'certHash', hashAlgorithm: HASH.sha256, hash: bob.sha256 } as const
    const refused: Message[] = [
      sent(block, { overlay: OVERLAY + 1 }),
      sent(block, { transactionId: TRANSACTION + 1n }),
      sent(block, {}, otherContents),
      sent({
        certificates: [{ type: 0, certificate: bob.der }],
        signature: { ...block.signature, identity: otherIdentity },
      }),
      sent({ ...block, signature: { ...block.signature, identity: { kind: 'none' } } }),
      sent({ ...block, signature: { ...block.signature, value: block.signature.value.subarray(1) } }),
      sent({ ...block, signature: { ...block.signature, value: new Uint8Array(0) } }),
      sent({ ...block, signature: { ...block.signature, signatureAlgorithm: SIGNATURE.rsa } }),
    ]
    for (const message of refused)
      expect(verifyMessage(crypto, overlay.trust, message, TEST_WALL).ok).toBe(false)
  })

  it('refuses signatures with hashes other than SHA-256, even good ones', async () => {
    const overlay = await aTestOverlay()
    const credential = await overlay.credential('alice@example.org')
    const block = sign(credential)
    for (const hashAlgorithm of [HASH.none, HASH.sha1, HASH.sha384, HASH.sha512]) {
      const message = sent({ ...block, signature: { ...block.signature, hashAlgorithm } })
      expect(verifyMessage(crypto, overlay.trust, message, TEST_WALL).ok).toBe(false)
    }
  })

  it('R6940-6.3.4-05 R6940-6.3.4-07 one Node-ID: cert_hash, 34 bytes of value', async () => {
    const overlay = await aTestOverlay()
    const credential = await overlay.credential('alice@example.org')
    const { identity } = sign(credential).signature
    expect(identity).toEqual({
      kind: 'certHash',
      hashAlgorithm: HASH.sha256,
      hash: credential.certificate.sha256,
    })
    const bytes = encodeSignerIdentity(identity)
    expect([...bytes.subarray(0, 5)]).toEqual([1, 0, 34, 4, 32])
    expect(bytes).toHaveLength(37)
  })

  it('R6940-6.3.4-06 several Node-IDs: cert_hash_node_id names the one in use', async () => {
    const overlay = await aTestOverlay()
    const credential = await twoNodeIds(overlay)
    const block = sign(credential)
    const { identity } = block.signature
    const hash = crypto.hash('sha256', [credential.nodeId, credential.certificate.der])
    expect(identity).toEqual({ kind: 'certHashNodeId', hashAlgorithm: HASH.sha256, hash })
    const signer = verifyMessage(crypto, overlay.trust, sent(block), TEST_WALL)
    expect(signer.ok && signer.value.nodeId).toEqual(credential.nodeId)
  })

  it('R6940-6.3.4-09 R6940-6.3.4-10 R6940-6.3.4-11 the bucket has the signer, its chain and the extras, each once', async () => {
    const overlay = await aTestOverlay()
    const alice = await overlay.credential('alice@example.org')
    const bob = await overlay.credential('bob@example.org')
    const carol = await overlay.credential('carol@example.org')
    const block = signMessage(
      crypto,
      { ...alice, chain: [carol.certificate] },
      {
        overlay: OVERLAY,
        transactionId: TRANSACTION,
        contentsBytes,
        extraCertificates: [bob.certificate, alice.certificate, bob.certificate],
      },
    )
    expect(block.certificates).toEqual([
      { type: 0, certificate: alice.certificate.der },
      { type: 0, certificate: carol.certificate.der },
      { type: 0, certificate: bob.certificate.der },
    ])
    expect(block.certificates.some((entry) => entry.certificate === overlay.authority.rootCertificate)).toBe(
      false,
    )
  })

  it('R6940-6.3.4-10 a message whose signer nobody has shown fails', async () => {
    const overlay = await aTestOverlay()
    const trust = trustOf(crypto, overlay.configuration)
    const block = sign(await overlay.credential('alice@example.org'))
    const fresh = trust.ok ? trust.value : overlay.trust
    expect(verifyMessage(crypto, fresh, sent({ ...block, certificates: [] }), TEST_WALL).ok).toBe(false)
    expect(verifyMessage(crypto, fresh, sent(block), TEST_WALL).ok).toBe(true)
  })

  it('R6940-11.1-02 a message of a bad-node fails', async () => {
    const overlay = await aTestOverlay()
    const credential = await overlay.credential('alice@example.org')
    const trust = trustOf(crypto, { ...overlay.configuration, badNodes: [credential.nodeId] })
    expect(trust.ok && verifyMessage(crypto, trust.value, sent(sign(credential)), TEST_WALL).ok).toBe(false)
  })
})

describe('stored value signature', () => {
  const resource = asResourceId(crypto.hash('sha1', [utf8('alice@example.org')]).slice(0, 16))
  const dictionary = (text: string, exists = true): StoredDataValue => ({
    model: 'dictionary',
    key: Uint8Array.of(1, 2, 3),
    value: { exists, value: utf8(text) },
  })
  const toSign = {
    resource,
    kind: 1,
    storageTime: 1_768_478_400_123n,
    lifetime: 3600,
    value: dictionary('route'),
  }

  async function verified(
    data: StoredData,
    changes: { kind?: number; resource?: typeof resource } = {},
  ): Promise<boolean> {
    const overlay = await aTestOverlay()
    const pool = [(await overlay.credential('alice@example.org')).certificate]
    return verifyStoredData(overlay.trust, { resource, kind: 1, data, pool, ...changes }, TEST_WALL).ok
  }

  it('R6940-7.1-01 covers resource, kind, storage time and value, but not the lifetime', async () => {
    const overlay = await aTestOverlay()
    const data = signStoredData(crypto, await overlay.credential('alice@example.org'), toSign)
    expect(await verified(data)).toBe(true)
    expect(await verified({ ...data, lifetime: 1 })).toBe(true)
    expect(await verified({ ...data, storageTime: data.storageTime + 1n })).toBe(false)
    expect(await verified({ ...data, value: dictionary('rout3') })).toBe(false)
    expect(await verified({ ...data, value: dictionary('route', false) })).toBe(false)
    expect(await verified(data, { kind: 2 })).toBe(false)
    expect(await verified(data, { resource: asResourceId(new Uint8Array(16)) })).toBe(false)
  })

  it('R6940-7.1-01 the signed bytes are those of section 7.1, the Resource-ID with or without its length', async () => {
    const overlay = await aTestOverlay()
    const credential = await overlay.credential('alice@example.org')
    const data = signStoredData(crypto, credential, toSign)
    const rest = concatBytes([
      fromHex('00000001') as Uint8Array,
      fromHex(1_768_478_400_123n.toString(16).padStart(16, '0')) as Uint8Array,
      // DictionaryEntry: key with two length bytes, exists, value with four.
      fromHex('000301020301') as Uint8Array,
      fromHex('00000005') as Uint8Array,
      utf8('route'),
      encodeSignerIdentity(data.signature.identity),
    ])
    const key = new X509Certificate(credential.certificate.der).publicKey
    const encoded = concatBytes([Uint8Array.of(16), resource, rest])
    expect(createVerify('SHA256').update(encoded).verify(key, data.signature.value)).toBe(true)
    const raw = { ...data.signature, ...crypto.sign(credential, concatBytes([resource, rest])) }
    expect(await verified({ ...data, signature: raw })).toBe(true)
  })

  it('R6940-7.4.2.2-02 the index of an array element is signed as zero', async () => {
    const overlay = await aTestOverlay()
    const credential = await overlay.credential('alice@example.org')
    const array = (index: number): StoredDataValue => ({
      model: 'array',
      index,
      value: { exists: true, value: utf8('x') },
    })
    const appended = signStoredData(crypto, credential, { ...toSign, value: array(0xffffffff) })
    expect(appended.value).toEqual(array(0xffffffff))
    expect(await verified({ ...appended, value: array(7) })).toBe(true)
  })

  it('R6940-7.1-02 R6940-11.1-02 a value is no more valid than its certificate', async () => {
    const overlay = await aTestOverlay()
    const credential = await overlay.credential('alice@example.org')
    const data = signStoredData(crypto, credential, toSign)
    const { certificate } = credential
    const at = (wall: number, trust: Trust): boolean =>
      verifyStoredData(trust, { resource, kind: 1, data, pool: [certificate] }, wall).ok
    expect(at(certificate.notAfter, overlay.trust)).toBe(true)
    expect(at(certificate.notAfter + 1, overlay.trust)).toBe(false)
    const without = trustOf(crypto, { ...overlay.configuration, badNodes: [credential.nodeId] })
    expect(without.ok && at(TEST_WALL, without.value)).toBe(false)
  })

  it('R6940-6.3.4-08 an identity of none or of an unknown certificate is refused', async () => {
    const overlay = await aTestOverlay()
    const data = signStoredData(crypto, await overlay.credential('alice@example.org'), toSign)
    expect(await verified({ ...data, signature: { ...data.signature, identity: { kind: 'none' } } })).toBe(
      false,
    )
    const identity = { kind: 'certHash', hashAlgorithm: HASH.sha256, hash: new Uint8Array(32) } as const
    expect(await verified({ ...data, signature: { ...data.signature, identity } })).toBe(false)
  })
})

describe('stand-in', () => {
  it('refuses for the same reasons as the real one', () => {
    const overlay = aStandInOverlay()
    const trust = trustOf(overlay.crypto, overlay.configuration)
    if (!trust.ok) throw new Error(trust.error)
    const alice = overlay.credential('alice@example.org')
    const message = { overlay: OVERLAY, transactionId: TRANSACTION, contentsBytes }
    const block = signMessage(overlay.crypto, alice, message)
    const verify = (security: SecurityBlock, changes: Partial<NewHeader> = {}): boolean =>
      verifyMessage(overlay.crypto, trust.value, sent(security, changes), TEST_WALL).ok
    expect(verify(block)).toBe(true)
    expect(verify(block, { transactionId: 1n })).toBe(false)
    const stranger = aStandInOverlay('other.org').credential('alice@other.org')
    expect(verify(signMessage(overlay.crypto, stranger, message))).toBe(false)
    expect(overlay.crypto.parseCertificate(new Uint8Array(448), 'example.org').ok).toBe(false)
    expect(overlay.crypto.parseCertificate(alice.certificate.der.subarray(0, 60), 'example.org').ok).toBe(
      false,
    )
  })

  it('gives the same bytes for the same names, in any process', () => {
    const [one, two] = [
      aStandInOverlay().credential('a@example.org'),
      aStandInOverlay().credential('a@example.org'),
    ]
    expect(one.certificate.der).toEqual(two.certificate.der)
    expect(one.nodeId).toEqual(two.nodeId)
  })
})
