/** Bindings as the `reg` event package sees them (RFC 3680 s.4.7.1), and what happened between two states of an AOR. */
import { createHash } from 'node:crypto'
import type { Millis } from '../../common/time.ts'

/** A binding of the registrar. */
export interface WatchedBinding {
  readonly contact: string
  readonly parameters: ReadonlyMap<string, string>
  readonly instance: string | undefined
  readonly regId: string | undefined
  /** Temporary GRUUs of this epoch are good. */
  readonly gruuEpoch: string | undefined
  /** CSeq of the first REGISTER whose temporary GRUU is still good (RFC 5628 s.5.2). */
  readonly gruuCseq: number
  /** Thousandths. */
  readonly q: number
  readonly callId: string
  readonly cseq: number
  /** When it was bound first. */
  readonly since: Millis
  readonly registeredAt: Millis
  readonly expiresAt: Millis
}

/** What ends a binding (RFC 3680 s.5.1): the phone, its time, or that its user is not served here any more. */
export type ContactEnd = 'unregistered' | 'expired' | 'rejected'

export type ContactEvent = 'registered' | 'created' | 'refreshed' | ContactEnd

/** One contact as a document tells it. */
export interface ContactState {
  readonly id: string
  readonly event: ContactEvent
  readonly active: boolean
  readonly uri: string
  readonly parameters: ReadonlyMap<string, string>
  /** Undefined for a contact that another node holds. */
  readonly binding: WatchedBinding | undefined
}

/**
 * Two contacts with different URIs have different ids, and one contact keeps its id (RFC 3680 s.5.1). Flows of one phone may share a
 * URI, so the keys of RFC 5626 count too.
 */
export function contactId(contact: string, instance = '', regId = ''): string {
  return createHash('sha1').update(`${contact}\0${instance}\0${regId}`, 'latin1').digest('hex').slice(0, 16)
}

/** A binding that stands. `event` is what brought it into this state. */
export function activeContact(binding: WatchedBinding, event: ContactEvent): ContactState {
  const { contact, parameters, instance, regId } = binding
  return {
    id: contactId(contact, instance, regId),
    event,
    active: true,
    uri: contact,
    parameters,
    binding,
  }
}

/** Everything that stands, as a document with full state has it. */
export function standing(bindings: readonly WatchedBinding[]): ContactState[] {
  return bindings.map((binding) =>
    activeContact(binding, binding.since === binding.registeredAt ? 'registered' : 'refreshed'),
  )
}

/**
 * Contacts that came or went. A mere refresh is no news: it would be a NOTIFY a minute for every phone behind a NAT (RFC 3680 s.4.7.2
 * leaves that to us), and documents name no expiry that it would change.
 */
export function changes(
  before: readonly WatchedBinding[],
  after: readonly WatchedBinding[],
  gone: ContactEnd,
): ContactState[] {
  const changed: ContactState[] = []
  const left = new Set(after.map(({ contact, instance, regId }) => contactId(contact, instance, regId)))
  for (const binding of before) {
    const state = activeContact(binding, gone)
    if (!left.delete(state.id)) changed.push({ ...state, active: false })
  }
  for (const binding of after) {
    const state = activeContact(binding, 'registered')
    if (left.has(state.id)) changed.push(state)
  }
  return changed
}
