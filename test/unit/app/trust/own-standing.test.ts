import { expect, it } from 'vitest'
import { firstConfiguration } from '../../../../src/app/trust/overlay-document.ts'
import { OwnStanding } from '../../../../src/app/trust/own-standing.ts'
import { createAuthority, issueCredential } from '../../../../src/enrollment/io/index.ts'
import { NodeCrypto } from '../../../../src/reload/security/index.ts'

const OVERLAY = 'example.org'
const NOW = Date.UTC(2030, 0, 1)
const crypto = new NodeCrypto()

async function anOverlay() {
  const authority = await createAuthority(OVERLAY, NOW)
  const issued = await issueCredential(authority, { userName: `n@${OVERLAY}` }, NOW)
  if (!issued.ok) throw new Error(issued.error.reason)
  const { credential } = issued.value
  const { rootCertificate } = authority
  return {
    credential,
    configuration: firstConfiguration({ overlayName: OVERLAY, rootCertificate }, credential),
  }
}

it('a node whose certificate is of another root than the document names is told so, until there is a document that does', async () => {
  const [own, other] = [await anOverlay(), await anOverlay()]
  const standing = new OwnStanding(crypto, own.credential)
  expect(standing.refusal(other.configuration, NOW)).toBe(
    'certificate does not chain to a root-cert of the overlay',
  )
  expect(standing.refusal(own.configuration, NOW)).toBeUndefined()
  expect(standing.refusal(other.configuration, NOW)).toBeDefined()
})

it('what a wrong clock made of it does not stay', async () => {
  const { credential, configuration } = await anOverlay()
  const standing = new OwnStanding(crypto, credential)
  expect(standing.refusal(configuration, NOW - 400 * 86_400_000)).toBeDefined()
  expect(standing.refusal(configuration, NOW)).toBeUndefined()
})
