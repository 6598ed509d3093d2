import { createHash, createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto'
import {
  appendFileSync,
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import {
  credentialFolderName,
  generateKey,
  issueCertificate,
  issueCredential,
  loadCredential,
  openAuthority,
  saveCredential,
  type IssuedCredential,
} from '../../../src/enrollment/io/index.ts'
import { keyOf } from '../../../src/enrollment/io/key-pair.ts'
import { NodeCrypto } from '../../../src/reload/security/index.ts'
import { aTestOverlay, TEST_WALL } from '../../support/credentials.ts'

const ALICE = 'alice@example.org'
const crypto = new NodeCrypto()
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ringbridge-store-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const mode = (name: string): number => statSync(join(folder, name)).mode & 0o777

describe('an authority in a folder', () => {
  it('is founded once and found again, its key for its owner alone', async () => {
    const founded = await openAuthority(folder, 'example.org', TEST_WALL)
    await founded.close()
    expect(founded.founded).toBe(true)
    expect([mode('root.pem'), mode('node-ids.jsonl')]).toEqual([0o600, 0o600])
    const again = await openAuthority(folder, 'example.org', TEST_WALL + 1000)
    await again.close()
    expect(again.founded).toBe(false)
    expect(again.rootCertificate).toEqual(founded.rootCertificate)
    expect(again.rootKey).toEqual(founded.rootKey)
  })

  it('is founded once by all who come at the same time, and by who comes after one that was interrupted', async () => {
    const all = await Promise.all([1, 2, 3, 4].map(() => openAuthority(folder, 'example.org', TEST_WALL)))
    for (const each of all) await each.close()
    expect(all.filter(({ founded }) => founded)).toHaveLength(1)
    for (const { rootCertificate, rootKey } of all) {
      expect(rootCertificate).toEqual(all[0]?.rootCertificate)
      expect(rootKey).toEqual(all[0]?.rootKey)
      expect(new X509Certificate(rootCertificate).checkPrivateKey(keyOf(rootKey))).toBe(true)
    }
    // Nobody has seen a root whose certificate was not written.
    rmSync(join(folder, 'root.der'))
    const after = await openAuthority(folder, 'example.org', TEST_WALL)
    await after.close()
    expect(after.founded).toBe(true)
    expect(new X509Certificate(after.rootCertificate).checkPrivateKey(keyOf(after.rootKey))).toBe(true)
  })

  it('R6940-11.3-18 remembers the Node-ID of a user and key over a restart', async () => {
    const { publicKeyInfo } = await generateKey('ecdsa')
    const issue = async (): Promise<Uint8Array> => {
      const authority = await openAuthority(folder, 'example.org', TEST_WALL)
      const result = await issueCertificate(authority, { userName: ALICE, publicKeyInfo }, TEST_WALL)
      await authority.close()
      if (!result.ok) throw new Error(result.error.reason)
      return result.value.nodeId
    }
    const nodeId = await issue()
    expect(await issue()).toEqual(nodeId)
    expect(readFileSync(join(folder, 'node-ids.jsonl'), 'utf8').trimEnd().split('\n')).toHaveLength(1)
  })

  it('drops the half line of a crash and goes on behind the last whole one', async () => {
    const first = await openAuthority(folder, 'example.org', TEST_WALL)
    const one = await issueCredential(first, { userName: ALICE }, TEST_WALL)
    await first.close()
    appendFileSync(join(folder, 'node-ids.jsonl'), '{"userName":"bob@exam')
    const second = await openAuthority(folder, 'example.org', TEST_WALL)
    const two = await issueCredential(second, { userName: 'bob@example.org' }, TEST_WALL)
    await second.close()
    const third = await openAuthority(folder, 'example.org', TEST_WALL)
    await third.close()
    expect(third.ledger.size).toBe(2)
    expect(one.ok && third.ledger.ownerOf(one.value.nodeId)).toBe(ALICE)
    expect(two.ok && third.ledger.ownerOf(two.value.nodeId)).toBe('bob@example.org')
  })

  it('S-82 refuses a key that others may read, another overlay, a missing key and a damaged ledger', async () => {
    await (await openAuthority(folder, 'example.org', TEST_WALL)).close()
    const open = (name = 'example.org'): Promise<unknown> => openAuthority(folder, name, TEST_WALL)
    await expect(open('other.org')).rejects.toMatchObject({ code: 'authority_mismatch' })
    chmodSync(join(folder, 'root.pem'), 0o640)
    await expect(open()).rejects.toMatchObject({
      code: 'key_file_exposed',
      message: expect.stringContaining('0640'),
    })
    chmodSync(join(folder, 'root.pem'), 0o600)
    const record = (nodeId: string): string =>
      `${JSON.stringify({ userName: ALICE, keySha256: 'aa', nodeId })}\n`
    writeFileSync(join(folder, 'node-ids.jsonl'), record('ab'.repeat(16)) + record('cd'.repeat(16)))
    await expect(open()).rejects.toMatchObject({ code: 'authority_damaged' })
    writeFileSync(join(folder, 'node-ids.jsonl'), 'nonsense\n')
    await expect(open()).rejects.toMatchObject({ code: 'authority_damaged' })
    writeFileSync(join(folder, 'node-ids.jsonl'), '')
    writeFileSync(join(folder, 'root.pem'), 'nonsense')
    await expect(open()).rejects.toMatchObject({ code: 'authority_damaged' })
    rmSync(join(folder, 'root.pem'))
    await expect(open()).rejects.toMatchObject({ code: 'authority_damaged' })
  })

  it('writes the records of concurrent requests one after the other', async () => {
    const authority = await openAuthority(folder, 'example.org', TEST_WALL)
    const users = Array.from({ length: 10 }, (_, i) => `user${i}@example.org`)
    await Promise.all(users.map((userName) => issueCredential(authority, { userName }, TEST_WALL)))
    await authority.close()
    const again = await openAuthority(folder, 'example.org', TEST_WALL)
    await again.close()
    expect(users.map((user) => again.ledger.nodeIdCount(user))).toEqual(users.map(() => 1))
  })
})

describe('a credential in a folder', () => {
  async function aPair(userName = ALICE): Promise<IssuedCredential> {
    const overlay = await aTestOverlay()
    const result = await issueCredential(overlay.authority, { userName }, TEST_WALL)
    if (!result.ok) throw new Error(result.error.reason)
    return result.value
  }

  it('is read back and signs, its key for its owner alone', async () => {
    const pair = await aPair()
    await saveCredential(folder, pair)
    const credential = await loadCredential(crypto, folder, 'example.org')
    expect(credential?.certificate.fingerprint).toBe(pair.credential.certificate.fingerprint)
    const data = Uint8Array.of(1, 2, 3)
    expect(
      credential && crypto.verify(pair.credential.certificate, crypto.sign(credential, data), data),
    ).toBe(true)
    expect(readdirSync(folder).map((name) => [name, mode(name)])).toEqual([['credential.pem', 0o600]])
    expect(await loadCredential(crypto, join(folder, 'nothing'), 'example.org')).toBeUndefined()
  })

  it('is encrypted with a passphrase, without which it stays closed', async () => {
    const pair = await aPair()
    await saveCredential(folder, pair, 'correct horse')
    expect(readFileSync(join(folder, 'credential.pem'), 'utf8')).toMatch(
      /^-----BEGIN ENCRYPTED PRIVATE KEY-----/,
    )
    expect((await loadCredential(crypto, folder, 'example.org', 'correct horse'))?.nodeId).toEqual(
      pair.nodeId,
    )
    await expect(loadCredential(crypto, folder, 'example.org', 'wrong')).rejects.toMatchObject({
      code: 'credential_locked',
    })
    await expect(loadCredential(crypto, folder, 'example.org')).rejects.toMatchObject({
      code: 'credential_locked',
    })
  })

  it('S-82 refuses a key that others may read', async () => {
    await saveCredential(folder, await aPair())
    for (const exposed of [0o644, 0o640, 0o660, 0o604]) {
      chmodSync(join(folder, 'credential.pem'), exposed)
      await expect(loadCredential(crypto, folder, 'example.org')).rejects.toMatchObject({
        code: 'key_file_exposed',
      })
    }
  })

  it('is replaced as a whole: old key and chain are gone, a half-done renewal leaves the old pair', async () => {
    const [old, fresh] = [await aPair(), await aPair()]
    const overlay = await aTestOverlay()
    await saveCredential(folder, { ...old, chain: [overlay.authority.rootCertificate] })
    expect((await loadCredential(crypto, folder, 'example.org'))?.chain).toHaveLength(1)
    // A crash before the new file got its name.
    writeFileSync(join(folder, 'credential.pem.0f1e.new'), '-----BEGIN PRIV', { mode: 0o600 })
    expect((await loadCredential(crypto, folder, 'example.org'))?.nodeId).toEqual(old.nodeId)
    await saveCredential(folder, fresh)
    const credential = await loadCredential(crypto, folder, 'example.org')
    expect(credential?.nodeId).toEqual(fresh.nodeId)
    expect(credential?.chain).toEqual([])
  })

  it('is read by OpenSSL as it is', async () => {
    const pair = await aPair()
    await saveCredential(folder, pair)
    const text = readFileSync(join(folder, 'credential.pem'), 'utf8')
    expect(new X509Certificate(text).checkPrivateKey(createPrivateKey(text))).toBe(true)
    expect(text.split('\n').every((line) => line.length <= 64)).toBe(true)
  })

  /** As it was kept before it was one file. */
  function keepFormerly({ certificate, pkcs8 }: IssuedCredential, chain: readonly Uint8Array[] = []): string {
    const key = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' })
    const spki = createPublicKey(key).export({ type: 'spki', format: 'der' })
    const name = `key-${createHash('sha256').update(spki).digest('hex').slice(0, 16)}.pem`
    writeFileSync(join(folder, name), key.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
    chain.forEach((der, i) => writeFileSync(join(folder, `chain-${i}.der`), der))
    writeFileSync(join(folder, 'certificate.der'), certificate)
    return name
  }

  it('of an earlier version is found, and gives way to the one file with its next certificate', async () => {
    const [old, fresh] = [await aPair(), await aPair()]
    const overlay = await aTestOverlay()
    const keyFile = keepFormerly(old, [overlay.authority.rootCertificate])
    const found = await loadCredential(crypto, folder, 'example.org')
    expect(found?.nodeId).toEqual(old.nodeId)
    expect(found?.chain).toHaveLength(1)
    chmodSync(join(folder, keyFile), 0o644)
    await expect(loadCredential(crypto, folder, 'example.org')).rejects.toMatchObject({
      code: 'key_file_exposed',
    })
    chmodSync(join(folder, keyFile), 0o600)
    await saveCredential(folder, fresh)
    expect(readdirSync(folder)).toEqual(['credential.pem'])
    expect((await loadCredential(crypto, folder, 'example.org'))?.nodeId).toEqual(fresh.nodeId)
  })

  it('refuses a certificate of another overlay, a damaged one and one without its key', async () => {
    const refused = async (overlayName = 'example.org'): Promise<void> => {
      await expect(loadCredential(crypto, folder, overlayName)).rejects.toMatchObject({
        code: 'credential_invalid',
      })
    }
    const pair = await aPair()
    const file = join(folder, 'credential.pem')
    await saveCredential(folder, pair)
    await refused('other.org')
    const text = readFileSync(file, 'utf8')
    const at = text.indexOf('-----BEGIN CERTIFICATE')
    writeFileSync(file, text.slice(at))
    await refused()
    writeFileSync(file, text.slice(0, at))
    await refused()
    writeFileSync(file, text.slice(0, at) + text.slice(at).replace(/M/g, 'N'))
    await refused()
    const other = await aPair('bob@example.org')
    await saveCredential(folder, { certificate: other.certificate, pkcs8: pair.pkcs8 })
    await refused()
    rmSync(file)
    rmSync(join(folder, keepFormerly(pair)))
    await refused()
  })

  it('has a folder name that says nothing about its user and is legal whatever the name', () => {
    expect(credentialFolderName('../../etc/passwd@example.org')).toMatch(/^[0-9a-f]{32}$/)
    expect(credentialFolderName(ALICE)).not.toBe(credentialFolderName('bob@example.org'))
  })
})
