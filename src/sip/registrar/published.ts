/** What the overlay side may know of bindings: never an address, only what callers need to decide. */
import type { Binding } from './binding.ts'

export interface PublishableBinding extends Pick<Binding, 'contact' | 'parameters' | 'secure' | 'expiresAt'> {
  readonly kind: 'device' | 'forward' | 'node' | 'tel'
}

/**
 * A telephone number only where `tel` allows it and nothing else is bound (adapter-mapping s.3.2). The bindings themselves, list and all,
 * where nothing is left out: the overlay side keeps them as long as they hold, and a copy would be a fifth of what a binding takes.
 */
export function publishedBindings(bindings: readonly Binding[], tel = false): readonly PublishableBinding[] {
  if (bindings.every(isPublishable)) return bindings
  const only = tel && bindings.length === 1 ? bindings[0] : undefined
  if (only?.kind === 'other' && /^tel:/i.test(only.contact)) {
    const { contact, parameters, secure, expiresAt } = only
    return [{ kind: 'tel', contact, parameters, secure, expiresAt }]
  }
  return bindings.filter(isPublishable)
}

function isPublishable(binding: Binding): binding is Binding & { kind: Exclude<Binding['kind'], 'other'> } {
  return binding.kind !== 'other'
}
