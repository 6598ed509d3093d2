/**
 * Whether the certificate of this node is one of its overlay. It is not where `data/node` and the authority's folder have come from two
 * backups, or one of them was moved away: then everybody refuses what this node says, itself included.
 */
import type { WallTime } from '../../common/time.ts'
import type { OverlayConfiguration } from '../../reload/config/index.ts'
import { trustOf, type Credential, type NodeCrypto } from '../../reload/security/index.ts'

export class OwnStanding {
  private readonly crypto: NodeCrypto
  private readonly credential: Credential
  /** The document by which it was believed last, and which certificate it was: /readyz is asked often. */
  private believed: { readonly by: OverlayConfiguration; readonly fingerprint: string } | undefined

  constructor(crypto: NodeCrypto, credential: Credential) {
    this.crypto = crypto
    this.credential = credential
  }

  /** Why others do not believe it by this document; undefined when they do. */
  refusal(configuration: OverlayConfiguration, wall: WallTime): string | undefined {
    const { certificate, chain = [] } = this.credential
    const { fingerprint } = certificate
    if (this.believed?.by === configuration && this.believed.fingerprint === fingerprint) return undefined
    const trust = trustOf(this.crypto, configuration)
    if (!trust.ok) return trust.error
    const judged = trust.value.accept(
      [certificate, ...chain].map(({ der }) => der),
      wall,
    )
    if (!judged.ok) return judged.error
    this.believed = { by: configuration, fingerprint }
    return undefined
  }
}
