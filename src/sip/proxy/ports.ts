/** What the proxy asks of its owner. Questions are numbered; answers (`outcomes.ts`) come back through `ResponseContexts`. */
import type { Millis } from '../../common/time.ts'
import type { Hop, Transport } from '../transaction/hop.ts'

/** A binding as the proxy sees it. */
export interface LocalBinding {
  readonly kind: 'device' | 'forward' | 'node' | 'other'
  readonly contact: string
  readonly q: number
  readonly path: readonly string[]
  readonly reach: Hop
  /** It leads to where its REGISTER came from, whatever its Contact says. */
  readonly pinned: boolean
  /** The host of its Contact is a name that is looked up before `reach` is tried. */
  readonly lookedUp: boolean
  readonly secure: boolean
  readonly instance: string | undefined
  /** Set where RFC 5626 applies: one of several flows of the instance. */
  readonly regId: string | undefined
  readonly registeredAt: Millis
  /** Of its REGISTER, and of all that the phone sends until it is started anew (RFC 3261 s.10.2). */
  readonly callId: string
  /** Parameters of its Contact header field: features among them (RFC 3840). */
  readonly parameters: ReadonlyMap<string, string>
}

/** Knows phones by what they register with (M-31). */
export interface PhoneMarks {
  of(aor: string, phone: Pick<LocalBinding, 'contact' | 'parameters'>): string
}

export interface ProxyPorts {
  locate(aor: string, budgetMs: Millis, callId: string): number
  openPeerFlow(address: string, secure: boolean, budgetMs: Millis, callId: string): number
  resolve(host: string, port: number | undefined, transport: Transport | undefined, secure: boolean): number
  /** Live bindings of an AOR, and whether this node knows the user at all. */
  bindings(now: Millis, aor: string): readonly LocalBinding[]
  userHosted(aor: string): boolean
  /** Registrations here of the phone of that user which a call has this Contact of. */
  phoneInCall(now: Millis, aor: string, contact: string): readonly LocalBinding[]
  readonly marks: PhoneMarks
  /**
   * For a stream that no flow leads to yet: the same hop with the flow that is now being opened. `domain` is what the far end's certificate
   * has to name; the host itself when nothing else is known.
   */
  dial(hop: Hop, domain?: string): Hop
  /** The flow to a peer is closed unless that gives a sign of life. */
  probePeer(flow: number): void
  /** The hop of a flow that is up. */
  flowHop(flow: number): Hop | undefined
  /** Where the phone of that user is now that was at the far end of a flow which is gone; undefined when nobody knows. */
  successor(now: Millis, flow: number, user: string | undefined): Hop | undefined
  /** The same while the flow still seems to be there: the phone has said by its reg-id that it is not (RFC 5626 s.3.1). */
  replacement(now: Millis, flow: number, user: string | undefined): Hop | undefined
  /** A flow to this node that is up. */
  peerHop(hex: string): Hop | undefined
  /** Whether the operator vouches for what is at this hop (RFC 3325 s.4). */
  readonly trusts: (hop: Hop) => boolean
  /** Eight random bytes in hex, fresh for each call. */
  branchId(): string
  /** A short random text for To tags of responses made here. */
  tag(): string
}
