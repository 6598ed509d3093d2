/** What the overlay side may know of bindings: never an address, only what callers need to decide. */
import type { Millis } from '../../common/time.ts'
import type { Binding } from './binding.ts'

export interface PublishableBinding {
  readonly kind: 'device' | 'forward' | 'node' | 'tel'
  readonly contact: string
  readonly parameters: ReadonlyMap<string, string>
  readonly secure: boolean
  readonly expiresAtMs: Millis
}

/** A telephone number only where `tel` allows it and nothing else is bound (adapter-mapping s.3.2). */
export function publishedBindings(bindings: readonly Binding[], tel = false): PublishableBinding[] {
  const published: PublishableBinding[] = []
  const only = tel && bindings.length === 1 ? bindings[0] : undefined
  if (only?.kind === 'other' && /^tel:/i.test(only.contact)) {
    const { contact, parameters, secure, expiresAt } = only
    return [{ kind: 'tel', contact, parameters, secure, expiresAtMs: expiresAt }]
  }
  for (const { kind, contact, parameters, secure, expiresAt } of bindings) {
    if (kind !== 'other') published.push({ kind, contact, parameters, secure, expiresAtMs: expiresAt })
  }
  return published
}
