/** An overlay for simulations: synchronous, nothing is truly signed. `credentials.ts` is the real counterpart. */
import { utf8 } from '../../src/common/bytes.ts'
import { asNodeId, type NodeId } from '../../src/reload/codec/index.ts'
import { writeConfiguration, wrapOverlay, type OverlayConfiguration } from '../../src/reload/config/index.ts'
import {
  makeStandInCredential,
  makeStandInRoot,
  StandInCrypto,
  type Credential,
} from '../../src/reload/security/index.ts'
import { anOverlay } from './overlay.ts'

export interface StandInOverlay {
  readonly crypto: StandInCrypto
  readonly configuration: OverlayConfiguration
  /** The document of `configuration`, unsigned. */
  readonly document: Uint8Array
  /** A node's or user's credential; without `nodeId` it follows from the name. */
  credential(userName: string, nodeId?: NodeId): Credential
}

export function aStandInOverlay(
  overlayName = 'example.org',
  changes: Partial<OverlayConfiguration> = {},
): StandInOverlay {
  const crypto = new StandInCrypto()
  const root = makeStandInRoot(overlayName)
  const configuration = anOverlay(overlayName, { rootCerts: [root.der], ...changes })
  return {
    crypto,
    configuration,
    document: wrapOverlay(writeConfiguration(configuration), undefined),
    credential: (userName, nodeId) =>
      makeStandInCredential(
        nodeId ?? asNodeId(crypto.hash('sha256', [utf8(userName)]).slice(0, configuration.nodeIdLength)),
        userName,
        overlayName,
        { issuer: root },
      ),
  }
}
