/** One binding of an AOR (RFC 3261 s.10) as this node keeps it. */
import type { Millis } from '../../common/time.ts'

/** How a phone is reached. Shaped like the transaction area's `Hop`, which this area does not import. */
export interface Reach {
  readonly transport: 'udp' | 'tcp' | 'tls' | 'ws' | 'wss' | 'peer'
  /** Flow the binding is pinned to; 0 when the address alone is enough. */
  readonly flow: number
  readonly listener: number
  readonly host: string
  readonly port: number
}

/**
 * `device`: a phone. `forward`: another AOR of a hosted domain. `node`: an overlay GRUU. `other`: tel, mailto and the
 * like, kept for redirect answers only.
 */
export type BindingKind = 'device' | 'forward' | 'node' | 'other'

/** Immutable but for what happens to its flow, so that sets of bindings can share it. */
export interface Binding {
  readonly kind: BindingKind
  /** Contact URI as registered. */
  readonly contact: string
  /** Parameters of the Contact header field but `expires`: lower-case names, raw values. */
  readonly parameters: ReadonlyMap<string, string>
  readonly instance: string | undefined
  /** RFC 5626: set when outbound applies; then (instance, reg-id) is the key instead of the URI. */
  readonly regId: string | undefined
  /** Of a phone with an instance: the temporary GRUUs of this epoch are good (RFC 5627 s.5.1). Eight hex digits. */
  readonly gruuEpoch: string | undefined
  /** CSeq of the first REGISTER with this Call-ID in the epoch. */
  readonly gruuCseq: number
  /** Thousandths, 0..1000. */
  readonly q: number
  readonly callId: string
  readonly cseq: number
  readonly path: readonly string[]
  /** Changes when a stream flow ends and the phone can be reached by its address all the same. */
  reach: Reach
  /** The Contact's own address is where the phone was seen, so others may be redirected to it. */
  readonly direct: boolean
  /** Whoever has registered it may not send calls elsewhere: it leads to where its REGISTER came from, whatever its Contact says. */
  readonly pinned: boolean
  /** The host of its Contact is a name that is looked up before it is reached by the way that its REGISTER came. */
  readonly lookedUp: boolean
  readonly secure: boolean
  readonly userAgent: string | undefined
  /** When it was bound first, and when it was registered last. */
  readonly since: Millis
  readonly registeredAt: Millis
  readonly expiresAt: Millis
  /** Earlier than `expiresAt` once the flow is gone. */
  endsAt: Millis
  flowLost: boolean
}

/** True while requests may be sent to it. */
export function isLive(binding: Binding, now: Millis): boolean {
  return !binding.flowLost && binding.endsAt > now
}
