/** Read-only views for gauges and the admin API. */
import type { Millis } from '../../common/time.ts'
import type { Binding } from '../registrar/index.ts'
import type { BindingView, SipSnapshot } from './instruments.ts'
import type { SipParts } from './parts.ts'

export function snapshotOf(parts: SipParts, now: Millis): SipSnapshot {
  const bindings = new Map<string, number>([
    ['udp', 0],
    ['tcp', 0],
  ])
  let aors = 0
  for (const [, held] of parts.registrar.entries()) {
    aors++
    for (const { reach } of held) bindings.set(reach.transport, (bindings.get(reach.transport) ?? 0) + 1)
  }
  return {
    transactions: new Map(Object.entries(parts.transactions.active)),
    connections: parts.flows.counts(),
    bindings,
    aors,
    registersWaiting: { now: parts.registrar.waiting, room: parts.registerGate.room(now) },
    trunks: parts.trunks.states(),
    blocked: parts.authenticator.blocked(now),
    overlayAvailable: parts.overlayAvailable,
    draining: parts.draining,
  }
}

export function bindingViews(parts: SipParts, aor: string | undefined, now: Millis): BindingView[] {
  const views: BindingView[] = []
  const add = (owner: string, bindings: readonly Binding[]): void => {
    for (const binding of bindings) {
      const { reach } = binding
      views.push({
        aor: owner,
        contact: binding.contact,
        kind: binding.kind,
        expiresS: Math.max(0, Math.ceil((binding.endsAt - now) / 1000)),
        userAgent: binding.userAgent,
        transport: reach.transport,
        flow: binding.flowLost ? 'lost' : reach.flow === 0 ? 'address' : 'flow',
      })
    }
  }
  if (aor !== undefined) add(aor, parts.registrar.bindings(aor))
  else for (const [owner, bindings] of parts.registrar.entries()) add(owner, bindings)
  return views
}
