import { describe, expect, it } from 'vitest'
import { firstConfiguration } from '../../../../src/app/trust/overlay-document.ts'
import { encodeSecurityBlock, type TransactionId } from '../../../../src/reload/codec/index.ts'
import { signMessage } from '../../../../src/reload/security/index.ts'
import { aTestOverlay } from '../../../support/credentials.ts'

describe('the document of a new overlay', () => {
  it('R6940-11.1-37 leaves room for an answer with ten RSA certificates', async () => {
    const overlay = await aTestOverlay()
    const credential = await overlay.credential('node@example.org', 'rsa')
    const users = await Promise.all(
      Array.from({ length: 10 }, () => overlay.freshCredential('alice@example.org', 'rsa')),
    )
    const block = signMessage(overlay.crypto, credential, {
      overlay: 1,
      transactionId: 1n as TransactionId,
      contentsBytes: new Uint8Array(100),
      extraCertificates: users.map(({ certificate }) => certificate),
    })
    expect(block.certificates).toHaveLength(11)
    const { rootCertificate } = overlay.authority
    const first = firstConfiguration({ overlayName: 'example.org', rootCertificate }, credential)
    const bytes = encodeSecurityBlock(block).length
    expect(bytes).toBeGreaterThan(5000)
    expect(first.maxMessageSize).toBeGreaterThan(2 * bytes)
  })

  it('R6940-13.6.5-02 lets a message live for log2 of the nodes and five hops more', async () => {
    const overlay = await aTestOverlay()
    const credential = await overlay.credential('node@example.org')
    const { rootCertificate } = overlay.authority
    const { initialTtl } = firstConfiguration({ overlayName: 'example.org', rootCertificate }, credential)
    const nodes = 2 ** (initialTtl - 5)
    expect(nodes).toBeGreaterThan(10_000)
    expect(nodes).toBeLessThan(100_000)
  })
})
