import type { Random } from '../common/random.ts'
import {
  asNodeId,
  makeStandInCredential,
  makeStandInRoot,
  StandInCrypto,
  type Certificate,
  type Credential,
  type CryptoPort,
} from '../reload/index.ts'
import { OVERLAY_NAME } from './configuration.ts'

/** Who issues credentials in an overlay: the stand-in by default, real certificates in small runs. */
export interface Issuer {
  readonly crypto: CryptoPort
  readonly root: Certificate
  issue(userName: string, random: Random): Credential
}

export function standInIssuer(): Issuer {
  const root = makeStandInRoot(OVERLAY_NAME)
  return {
    crypto: new StandInCrypto(),
    root,
    issue: (userName, random) =>
      makeStandInCredential(asNodeId(random.bytes(16)), userName, OVERLAY_NAME, { issuer: root }),
  }
}
