/**
 * What another SIP stack in front of this node (`sip.engine: drachtio`) is told to do with a request that it asks about. It
 * keeps transactions and transports; who may do what and where a request goes is decided here.
 *
 * A request that this node originates itself (a call of another peer for a phone behind the engine) needs no decision of its
 * own kind: it goes to the engine as plain SIP, and when the engine asks about it the answer is `forward`.
 */

export type Headers = readonly (readonly [string, string])[]

export type Decision =
  | {
      readonly kind: 'respond'
      readonly status: number
      readonly reason: string
      readonly headers: Headers
    }
  /** A 3xx; `contacts` are whole Contact values, the most wanted first. */
  | {
      readonly kind: 'redirect'
      readonly status: number
      readonly reason: string
      readonly contacts: readonly string[]
    }
  | {
      readonly kind: 'forward'
      /** URIs, each both the Request-URI to write and where to send; the most wanted first. */
      readonly targets: readonly string[]
      /** All of them ring together; otherwise one after the other. */
      readonly atOnce: boolean
      /** Stay in the dialog (Record-Route). */
      readonly stay: boolean
      /** To be added; what the sender has put there stays. */
      readonly headers: Headers
    }

/** An answer of our own as a decision. */
export function decisionOf(status: number, reason: string, headers: Headers): Decision {
  if (status < 300 || status >= 400) return { kind: 'respond', status, reason, headers }
  const contacts = headers.flatMap(([name, value]) => (name === 'Contact' ? [value] : []))
  return { kind: 'redirect', status, reason, contacts }
}
