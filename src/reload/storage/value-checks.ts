import { fail, ok, type Result } from '../../common/errors.ts'
import type { WallTime } from '../../common/time.ts'
import type { KindId, ResourceId, StoredData, StoredDataValue } from '../codec/index.ts'
import type { KindDefinition } from '../config/types.ts'
import { permitted } from '../security/access-control.ts'
import { verifyStoredData } from '../security/data-signature.ts'
import type { Certificate, CryptoPort } from '../security/port.ts'
import { NamedResources } from '../security/resource-id.ts'
import type { Signer, Trust } from '../security/trust.ts'
import type { AdmissionRules } from './admission.ts'

/** Who signed a value, with the certificates that others need to verify it. */
export interface Author {
  readonly signer: Signer
  /** The signer's own first, then of those who issued it, as far as they came along. */
  readonly certificates: readonly Certificate[]
}

/** Where Kinds are defined; config/kinds.ts has them. */
export interface KindSource {
  definition(kind: KindId): KindDefinition | undefined
}

export interface ValueCheckParts {
  readonly crypto: CryptoPort
  readonly trust: Trust
  readonly kinds: KindSource
  readonly rules: AdmissionRules
}

/** Longest certificate chain above the signer that is kept. */
const ISSUERS_MAX = 4
/** CA certificates of one message that are tried as links of the chain; each try may cost a signature check. */
const ISSUERS_LOOKED_AT_MAX = 8

/** What a value has to prove, wherever it comes from: its Kind, its signature, the policy, the rules of the Usage. */
export class ValueChecks {
  private readonly parts: ValueCheckParts
  private readonly names: NamedResources

  constructor(parts: ValueCheckParts) {
    this.parts = parts
    this.names = new NamedResources(parts.crypto)
  }

  definition(kind: KindId): KindDefinition | undefined {
    return this.parts.kinds.definition(kind)
  }

  /** RFC 6940 s.7.3: access control policy; RFC 7904 s.3.3: whatever the Usage adds. */
  permits(definition: KindDefinition, resource: ResourceId, signer: Signer, value: StoredDataValue): boolean {
    const { rules } = this.parts
    if (!permitted(this.names, definition, { resource, signer, value })) return false
    const rule = rules.get(definition.id)
    return rule === undefined || rule.admits({ resource, certificate: signer.certificate, value })
  }

  /** Verifies signature and certificate of a value and whether its signer may store it here. */
  signer(
    definition: KindDefinition,
    resource: ResourceId,
    data: StoredData,
    pool: readonly Certificate[],
    wall: WallTime,
  ): Result<Signer, string> {
    const signer = verifyStoredData(this.parts.trust, { resource, kind: definition.id, data, pool }, wall)
    if (!signer.ok || this.permits(definition, resource, signer.value, data.value)) return signer
    return fail('the signer of a value may not store it here')
  }

  /** The same, with the certificates to keep beside the value. */
  author(
    definition: KindDefinition,
    resource: ResourceId,
    data: StoredData,
    pool: readonly Certificate[],
    wall: WallTime,
  ): Result<Author, string> {
    const signer = this.signer(definition, resource, data, pool, wall)
    if (!signer.ok) return signer
    return ok({ signer: signer.value, certificates: this.chain(signer.value.certificate, pool) })
  }

  /** Whether a signer that was found right before is so still: its certificate may have run out or be listed as bad since. */
  believes({ certificate }: Signer, pool: readonly Certificate[], wall: WallTime): boolean {
    return this.parts.trust.judge(certificate, pool, wall).ok
  }

  /** RFC 6940 s.6.3.4: intermediate certificates belong into the bucket as well, root certificates do not. */
  private chain(leaf: Certificate, pool: readonly Certificate[]): Certificate[] {
    const { crypto } = this.parts
    const issuers = pool.filter(({ isCa }) => isCa).slice(0, ISSUERS_LOOKED_AT_MAX)
    const chain = [leaf]
    for (let below = leaf; chain.length <= ISSUERS_MAX;) {
      const above = issuers.find((issuer) => !chain.includes(issuer) && crypto.issued(issuer, below))
      if (above === undefined || crypto.issued(above, above)) break
      chain.push(above)
      below = above
    }
    return chain
  }
}

/** RFC 6940 s.7.4.1.1: only values that a storing peer synthesizes come without signature. */
export function unsigned({ signature }: StoredData): boolean {
  return (
    signature.identity.kind === 'none' || signature.hashAlgorithm === 0 || signature.signatureAlgorithm === 0
  )
}
