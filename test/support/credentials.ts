/**
 * Real certificates for tests: an authority, a configuration that trusts it, and credentials with real keys. Made once a
 * process and name, since keys cost time. `stand-in-overlay.ts` is the cheap, synchronous counterpart.
 */
import type { Authority } from '../../src/enrollment/index.ts'
import { createAuthority, issueCredential } from '../../src/enrollment/io/index.ts'
import { wrapOverlay, writeConfiguration, type OverlayConfiguration } from '../../src/reload/config/index.ts'
import {
  NodeCrypto,
  signDocumentBase64,
  type Trust,
  trustOf,
  type Credential,
  type KeyAlgorithm,
} from '../../src/reload/security/index.ts'
import { anOverlay } from './overlay.ts'

export { anOverlay } from './overlay.ts'
export { aStandInOverlay, type StandInOverlay } from './stand-in-overlay.ts'

/** 2026-01-15 12:00 UTC: the wall clock of tests; certificates are issued then and valid for a year. */
export const TEST_WALL = Date.UTC(2026, 0, 15, 12)

export interface TestOverlay {
  readonly crypto: NodeCrypto
  readonly authority: Authority
  /** Its configuration-signer is the credential `operator@<overlay>`. */
  readonly configuration: OverlayConfiguration
  /** The signed document of `configuration`. */
  readonly document: Uint8Array
  readonly trust: Trust
  /** A node's or user's credential: the same one whenever the same name and algorithm are asked for. */
  credential(userName: string, algorithm?: KeyAlgorithm): Promise<Credential>
  /** Another key of the same user, hence another Node-ID. */
  freshCredential(userName: string, algorithm?: KeyAlgorithm): Promise<Credential>
}

const OVERLAYS = new Map<string, Promise<TestOverlay>>()

/** The overlay of that name; `changes` make an overlay of their own, which is not kept. */
export function aTestOverlay(
  overlayName = 'example.org',
  changes?: Partial<OverlayConfiguration>,
): Promise<TestOverlay> {
  if (changes !== undefined) return makeOverlay(overlayName, changes)
  let overlay = OVERLAYS.get(overlayName)
  if (overlay === undefined) {
    overlay = makeOverlay(overlayName, {})
    OVERLAYS.set(overlayName, overlay)
  }
  return overlay
}

async function makeOverlay(
  overlayName: string,
  changes: Partial<OverlayConfiguration>,
): Promise<TestOverlay> {
  const crypto = new NodeCrypto()
  const authority = await createAuthority(overlayName, TEST_WALL)
  const credentials = new Map<string, Promise<Credential>>()
  const freshCredential = async (
    userName: string,
    algorithm: KeyAlgorithm = 'ecdsa',
  ): Promise<Credential> => {
    const issued = await issueCredential(authority, { userName, algorithm }, TEST_WALL)
    if (!issued.ok) throw new Error(issued.error.reason)
    return issued.value.credential
  }
  const credential = (userName: string, algorithm: KeyAlgorithm = 'ecdsa'): Promise<Credential> => {
    const name = `${algorithm} ${userName}`
    let made = credentials.get(name)
    if (made === undefined) {
      made = freshCredential(userName, algorithm)
      credentials.set(name, made)
    }
    return made
  }
  const operator = await credential(`operator@${overlayName}`)
  const configuration = anOverlay(overlayName, {
    rootCerts: [authority.rootCertificate],
    configurationSigners: [operator.nodeId],
    kindSigners: [operator.nodeId],
    ...changes,
  })
  const element = writeConfiguration(configuration)
  const document = wrapOverlay(element, signDocumentBase64(crypto, operator, element))
  const trust = trustOf(crypto, configuration)
  if (!trust.ok) throw new Error(trust.error)
  return { crypto, authority, configuration, document, trust: trust.value, credential, freshCredential }
}
