/** What the owner of the core answers to the proxy's questions: part of the core's contract, which passes them on. */
import type { WallTime } from '../../common/time.ts'
import type { Transport } from '../transaction/hop.ts'

export type LocateOutcome =
  | {
      readonly kind: 'found'
      readonly targets: readonly LocatedTarget[]
      /** A user of this name exists, registered or not: 480 instead of 404. */
      readonly userExists: boolean
      /** A loop of forwardings was cut: 482 when nothing else remains. */
      readonly loop: boolean
    }
  /** Status that is right when there are no local targets either (adapter-mapping s.7.2). */
  | {
      readonly kind: 'failed'
      readonly status: number
      readonly reason: string
      readonly retryAfterS?: number
    }

export type LocatedTarget =
  /** Ask the node at `address`; `aor` replaces the Request-URI's when the entry was reached by forwarding. */
  | {
      readonly kind: 'peer'
      readonly address: string
      readonly aor: string | undefined
      readonly secureOnly: boolean
      /** What its phones can do, as parameters of a Contact header field (RFC 3840 s.9); undefined when nothing is said. */
      readonly features?: ReadonlyMap<string, string> | undefined
      /** Of the phones registered there, so that none is rung by several peers (M-31); undefined when they are not known. */
      readonly marks?: readonly string[] | undefined
      /** Wall time at which its entry was stored. */
      readonly storedAt?: WallTime
      /** Name of the node in hex, as its flows have it. */
      readonly node?: string
      /** Of a proxy record (M-30): where phones reach it, such as `198.51.100.7:5060/tcp`, and whether requests leave the overlay there. */
      readonly addresses?: readonly string[]
      readonly exit?: boolean
    }
  /** Forwarded to an AOR whose bindings are held here. */
  | { readonly kind: 'local'; readonly aor: string }
  /** Forwarded to a URI outside the overlay. */
  | { readonly kind: 'uri'; readonly uri: string }

export type PeerFlowOutcome =
  | { readonly ok: true; readonly flow: number }
  | { readonly ok: false; readonly status: number; readonly reason: string }

/** IP literals with port and transport, in the order in which they are to be tried (RFC 3263 s.4). */
export type ResolvedAddresses = readonly {
  readonly host: string
  readonly port: number
  readonly transport: Transport
}[]

export type ResolveOutcome =
  | { readonly ok: true; readonly addresses: ResolvedAddresses }
  /** 404: the name leads nowhere; 504: name servers fail (S3263-LO-01). */
  | { readonly ok: false; readonly status: number; readonly reason: string }
