import { describe, expect, it } from 'vitest'

import { concatBytes, utf8 } from '../../../../src/common/bytes.ts'
import { decodeSecurityBlock, encodeSecurityBlock, type NodeId } from '../../../../src/reload/codec/index.ts'
import {
  parseConfiguration,
  wrapOverlay,
  writeConfiguration,
  type ParsedConfiguration,
} from '../../../../src/reload/config/index.ts'
import {
  signDocument,
  signDocumentBase64,
  trustOf,
  verifyDocument,
  type Credential,
} from '../../../../src/reload/security/index.ts'
import { aTestOverlay, TEST_WALL, type TestOverlay } from '../../../support/credentials.ts'

function parsed(document: Uint8Array): ParsedConfiguration {
  const result = parseConfiguration(document, 'example.org')
  if (!result.ok) throw new Error(result.error.reason)
  return result.value
}

async function parts(): Promise<{ overlay: TestOverlay; operator: Credential; signers: readonly NodeId[] }> {
  const overlay = await aTestOverlay()
  const operator = await overlay.credential('operator@example.org')
  return { overlay, operator, signers: overlay.configuration.configurationSigners }
}

describe('signature of a Configuration Document', () => {
  it('R6940-11.1-32 R6940-4.1-01 is accepted from a configuration-signer of the document before', async () => {
    const { overlay, operator, signers } = await parts()
    const verified = verifyDocument(
      overlay.crypto,
      overlay.trust,
      parsed(overlay.document),
      signers,
      TEST_WALL,
    )
    expect(verified).toMatchObject({ ok: true, value: { certificate: { userName: 'operator@example.org' } } })
    expect(verified.ok && verified.value.nodeId).toEqual(operator.nodeId)
  })

  it('R6940-11.1-32 another node of the overlay may not sign, even one that the new document names', async () => {
    const { overlay, signers } = await parts()
    const alice = await overlay.credential('alice@example.org')
    const element = writeConfiguration({
      ...overlay.configuration,
      sequence: 2,
      configurationSigners: [alice.nodeId],
    })
    const signed = parsed(wrapOverlay(element, signDocumentBase64(overlay.crypto, alice, element)))
    expect(verifyDocument(overlay.crypto, overlay.trust, signed, signers, TEST_WALL)).toMatchObject({
      ok: false,
    })
  })

  it('R6940-11.1-32 an unsigned document and one without signers in force are refused', async () => {
    const { overlay, signers } = await parts()
    const unsigned = parsed(wrapOverlay(writeConfiguration(overlay.configuration), undefined))
    expect(verifyDocument(overlay.crypto, overlay.trust, unsigned, signers, TEST_WALL)).toEqual({
      ok: false,
      error: 'not signed',
    })
    expect(verifyDocument(overlay.crypto, overlay.trust, parsed(overlay.document), [], TEST_WALL).ok).toBe(
      false,
    )
  })

  it('R6940-11.1-30 any change of the element, white space too, breaks it', async () => {
    const { overlay, signers } = await parts()
    const signed = parsed(overlay.document)
    for (const at of [0, 1, 14, Math.floor(signed.signedBytes.length / 2), signed.signedBytes.length - 1]) {
      const before = signed.signedBytes.subarray(0, at)
      const changed = {
        ...signed,
        signedBytes: concatBytes([before, utf8(' '), signed.signedBytes.subarray(at)]),
      }
      expect(verifyDocument(overlay.crypto, overlay.trust, changed, signers, TEST_WALL).ok).toBe(false)
    }
  })

  it('R6940-11.1-30 what stands around the element does not matter', async () => {
    const { overlay, signers } = await parts()
    const text = Buffer.from(overlay.document).toString()
    const moved = parsed(utf8(text.replace('<overlay ', '<!-- moved -->\n<overlay   xmlns:other="urn:x" ')))
    expect(verifyDocument(overlay.crypto, overlay.trust, moved, signers, TEST_WALL).ok).toBe(true)
  })

  it('R6940-11.1-31 a signature over the element alone is taken as well, and one good signature is enough', async () => {
    const { overlay, operator, signers } = await parts()
    const { signedBytes } = parsed(overlay.document)
    const block = decodeSecurityBlock(signDocument(overlay.crypto, operator, signedBytes))
    if (!block.ok) throw new Error(block.error.reason)
    const alone = encodeSecurityBlock({
      ...block.value,
      signature: { ...block.value.signature, ...overlay.crypto.sign(operator, signedBytes) },
    })
    const verify = (signatures: readonly Uint8Array[]): boolean =>
      verifyDocument(overlay.crypto, overlay.trust, { signedBytes, signatures }, signers, TEST_WALL).ok
    expect(verify([alone])).toBe(true)
    expect(verify([Uint8Array.of(1, 2, 3), alone])).toBe(true)
    expect(verify([Uint8Array.of(1, 2, 3)])).toBe(false)
    expect(verify([...Array<Uint8Array>(8).fill(Uint8Array.of(1)), alone])).toBe(false)
  })

  it('R6940-11.1-02 a signer listed as bad-node or expired is refused', async () => {
    const { overlay, operator, signers } = await parts()
    const without = trustOf(overlay.crypto, { ...overlay.configuration, badNodes: [operator.nodeId] })
    const signed = parsed(overlay.document)
    expect(without.ok && verifyDocument(overlay.crypto, without.value, signed, signers, TEST_WALL).ok).toBe(
      false,
    )
    const late = operator.certificate.notAfter + 1
    expect(verifyDocument(overlay.crypto, overlay.trust, signed, signers, late).ok).toBe(false)
  })

  it('R6940-11.1-28 R6940-11.1-29 a kind-block is verified over its literal bytes against the kind-signers', async () => {
    const { overlay, operator } = await parts()
    const requiredKinds = [
      {
        id: 0xf0000001,
        name: '4026531841',
        dataModel: 'array',
        accessControl: 'NODE-MATCH',
        maxCount: 1,
        maxSize: 9,
        maxNodeMultiple: 0,
      } as const,
    ]
    const element = writeConfiguration({ ...overlay.configuration, requiredKinds }, (kind) =>
      signDocumentBase64(overlay.crypto, operator, kind),
    )
    const block = parsed(wrapOverlay(element, undefined)).kindBlocks[0]
    if (block?.signature === undefined) throw new Error('no kind-signature')
    const verify = (signedBytes: Uint8Array, signers: readonly NodeId[]): boolean =>
      verifyDocument(
        overlay.crypto,
        overlay.trust,
        { signedBytes, signatures: [block.signature as Uint8Array] },
        signers,
        TEST_WALL,
      ).ok
    expect(verify(block.signedBytes, overlay.configuration.kindSigners)).toBe(true)
    expect(verify(block.signedBytes, [])).toBe(false)
    expect(
      verify(
        utf8(Buffer.from(block.signedBytes).toString().replace('>9<', '>8<')),
        overlay.configuration.kindSigners,
      ),
    ).toBe(false)
  })
})
