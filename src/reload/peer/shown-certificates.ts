/**
 * What the far end of each link showed in its handshake, judged again when another Configuration Document is in force and
 * when time passes. Whose certificate is not good any more is told; links.ts cuts it off.
 */
import { NEVER, type Millis } from '../../common/time.ts'
import type { Certificate } from '../security/port.ts'
import type { ChannelId } from './contract.ts'
import type { PeerParts } from './parts.ts'

/** Judgement: links on certificates that have expired are looked for this often. */
const REVIEW_MS = 10_000

/** A link whose certificate is not good any more. */
interface UntrustedLink {
  readonly channel: ChannelId
  readonly reason: string
}

export class ShownCertificates {
  private readonly parts: PeerParts
  /** Leaf first. */
  private readonly shown = new Map<ChannelId, readonly [Certificate, ...Uint8Array[]]>()
  private reviewAt: Millis = NEVER

  constructor(parts: PeerParts) {
    this.parts = parts
  }

  /** `chain`: what came with the certificate, DER. */
  note(channel: ChannelId, certificate: Certificate, chain: readonly Uint8Array[]): void {
    this.shown.set(channel, [certificate, ...chain])
    if (this.reviewAt === NEVER) this.reviewAt = this.parts.now.ms + REVIEW_MS
  }

  /** The far end has signed with a certificate that lasts longer than the one it showed: it was renewed. */
  renewed(channel: ChannelId, certificate: Certificate): void {
    const shown = this.shown.get(channel)
    if (shown === undefined || shown[0].notAfter >= certificate.notAfter) return
    const [, ...chain] = shown
    this.shown.set(channel, [certificate, ...chain])
  }

  forget(channel: ChannelId): void {
    this.shown.delete(channel)
  }

  /** Those that the document in force does not admit (RFC 6940 s.11.1, bad-node). */
  refused(): UntrustedLink[] {
    const { trust, now } = this.parts
    const refused: UntrustedLink[] = []
    for (const [channel, [{ der }, ...chain]] of this.shown) {
      const accepted = trust.accept([der, ...chain], now.wall)
      if (!accepted.ok) refused.push({ channel, reason: accepted.error })
    }
    return refused
  }

  /**
   * Those that have expired, when it is time to look. Nothing that a node signs with an expired certificate is believed, so
   * it cannot answer for its part of the ring: the ring closes over it as if it were gone.
   */
  expired(): UntrustedLink[] {
    const { ms, wall } = this.parts.now
    if (ms < this.reviewAt) return []
    const expired: UntrustedLink[] = []
    for (const [channel, [{ notAfter }]] of this.shown)
      if (notAfter < wall) expired.push({ channel, reason: 'certificate expired' })
    this.reviewAt = this.shown.size === expired.length ? NEVER : ms + REVIEW_MS
    return expired
  }

  nextDeadline(): Millis {
    return this.reviewAt
  }
}
