/** What the overlay side may know of bindings: never an address, only what callers need to decide. */
import type { Millis } from '../../common/time.ts'
import type { Binding } from './binding.ts'

export interface PublishableBinding {
  readonly kind: 'device' | 'forward' | 'node'
  readonly contact: string
  readonly parameters: ReadonlyMap<string, string>
  readonly secure: boolean
  readonly expiresAtMs: Millis
}

export function publishedBindings(bindings: readonly Binding[]): PublishableBinding[] {
  const published: PublishableBinding[] = []
  for (const { kind, contact, parameters, secure, expiresAt } of bindings) {
    if (kind !== 'other') published.push({ kind, contact, parameters, secure, expiresAtMs: expiresAt })
  }
  return published
}
