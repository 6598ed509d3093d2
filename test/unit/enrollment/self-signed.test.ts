import { describe, expect, it } from 'vitest'

import { makeSelfSignedCredential } from '../../../src/enrollment/io/index.ts'
import { NodeCrypto, selfSignedNodeId, Trust } from '../../../src/reload/security/index.ts'
import { TEST_WALL } from '../../support/credentials.ts'

describe('self-signed credentials', () => {
  it.each(['ecdsa', 'rsa'] as const)(
    'R6940-11.3.1-03 a node makes its own with a %s key, and others accept it',
    async (algorithm) => {
      const crypto = new NodeCrypto()
      const { credential, pkcs8 } = await makeSelfSignedCredential({
        overlayName: 'example.org',
        userName: 'alice@example.org',
        digest: 'sha256',
        algorithm,
        notBefore: TEST_WALL - 1000,
        notAfter: TEST_WALL + 1000,
      })
      const { certificate } = credential
      expect(credential.nodeId).toEqual(selfSignedNodeId(crypto, 'sha256', certificate.publicKeyInfo, 16))
      const trust = new Trust(crypto, {
        overlayName: 'example.org',
        roots: [],
        selfSigned: 'sha256',
        badNodes: [],
      })
      expect(trust.accept([certificate.der], TEST_WALL).ok).toBe(true)
      expect(trust.accept([certificate.der], TEST_WALL + 2000).ok).toBe(false)
      expect(crypto.importCredential(certificate.der, pkcs8, 'example.org').nodeId).toEqual(credential.nodeId)
    },
  )
})
