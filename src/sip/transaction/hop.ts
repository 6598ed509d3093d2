/** Where a message goes to or came from. */

/** How phones are reached. */
export type Transport = 'udp' | 'tcp' | 'tls' | 'ws' | 'wss'

/** `peer` is a flow to another node of the overlay; its `host` is that node's proven name in hex. */
export type HopTransport = Transport | 'peer'

/** One shape for datagrams and flows, so that the code that sends stays monomorphic. */
export interface Hop {
  readonly transport: HopTransport
  /** Flow to use; 0 for datagrams, and for streams that are yet to be opened. */
  readonly flow: number
  /** Listener by which a datagram leaves. */
  readonly listener: number
  readonly host: string
  readonly port: number
}

/** Listener of hops that lie behind an engine in front of this node: none of our own sockets leads there. */
export const FRONT_LISTENER = 255

/** Streams need no retransmission (RFC 3261 s.17). */
export function isReliable(hop: Hop): boolean {
  return hop.transport !== 'udp'
}

/** Nobody sends it again. A peer does when the flow breaks by which it waits for the answer (adapter-mapping s.7.2). */
export function comesOnce(hop: Hop): boolean {
  return hop.transport !== 'udp' && hop.transport !== 'peer'
}

/** TLS all the way to the phone. Of peers their flow says it: `Flow.secure`. */
export function isSecure({ transport }: Hop): boolean {
  return transport === 'tls' || transport === 'wss'
}

/** The sending side that transactions and the proxy ask for. */
export interface Wire {
  /** False when the hop is known to be dead; a later failure is reported by closing the flow. */
  send(hop: Hop, bytes: Uint8Array): boolean
  /** Responses may go by another flow when the one of the request is gone (RFC 3261 s.18.2.2). */
  respond(hop: Hop, bytes: Uint8Array): void
}
