/**
 * Whose phone was at the far end of a connection that is gone or has been replaced, so that a dialog which knows only that
 * connection finds the phone again where it has registered since.
 */
import { BoundedCache } from '../../common/bounded-cache.ts'
import type { Binding } from './binding.ts'

/** Connections remembered; beyond that one that was not looked for lately is forgotten. */
const REMEMBERED_MAX = 10_000

interface Owner {
  readonly aor: string
  readonly contact: string
  readonly instance: string | undefined
  readonly regId: string | undefined
  readonly callId: string
}

export class LostFlows {
  private readonly owners = new BoundedCache<Owner, number>(REMEMBERED_MAX)

  remember(flow: number, aor: string, { contact, instance, regId, callId }: Binding): void {
    this.owners.set(flow, { aor, contact, instance, regId, callId })
  }

  aorOf(flow: number): string | undefined {
    return this.owners.get(flow)?.aor
  }

  /**
   * RFC 5626 s.3.1: the binding that says that this flow has been abandoned, whatever its connection looks like from here. Nothing but a
   * reg-id says so: a Contact may be that of two phones behind two NATs.
   */
  replacement(flow: number, bindings: readonly Binding[]): Binding | undefined {
    const owner = this.owners.get(flow)
    if (owner?.instance === undefined || owner.regId === undefined) return undefined
    const { instance, regId } = owner
    return bindings.find((binding) => binding.instance === instance && binding.regId === regId)
  }

  /** The binding that the same phone has now: same instance, same Contact or, where a new port changed that, same Call-ID. */
  successor(flow: number, bindings: readonly Binding[]): Binding | undefined {
    const owner = this.owners.get(flow)
    if (owner === undefined) return undefined
    const { contact, instance, callId } = owner
    if (instance !== undefined) return bindings.find((binding) => binding.instance === instance)
    return (
      bindings.find((binding) => binding.contact === contact) ??
      bindings.find((binding) => binding.callId === callId)
    )
  }
}
