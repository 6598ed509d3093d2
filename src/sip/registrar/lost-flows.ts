/**
 * Whose phone was at the far end of a connection that is gone or has been replaced, so that a dialog which knows only that
 * connection finds the phone again where it has registered since.
 */
import { BoundedCache } from '../../common/bounded-cache.ts'
import type { Binding } from './binding.ts'

/** Users of connections remembered; beyond that one that was not looked for lately is forgotten. */
const REMEMBERED_MAX = 10_000
/** Stands for the one user of a connection that has had several. */
const SEVERAL = ''

/** The phone of one user at the far end. */
interface Owner {
  readonly contact: string
  readonly instance: string | undefined
  readonly regId: string | undefined
  readonly callId: string
}

export class LostFlows {
  /** By connection and AOR. */
  private readonly owners = new BoundedCache<Owner, string>(REMEMBERED_MAX)
  /** The AOR of a connection, or `SEVERAL`. */
  private readonly users = new BoundedCache<string, number>(REMEMBERED_MAX)

  /** `shared`: others have used that connection, too. */
  remember(flow: number, aor: string, { contact, instance, regId, callId }: Binding, shared: boolean): void {
    this.owners.set(ownerKey(flow, aor), { contact, instance, regId, callId })
    const sole = !shared && (this.users.get(flow) ?? aor) === aor
    this.users.set(flow, sole ? aor : SEVERAL)
  }

  /**
   * Whose phone is meant at the far end of that flow, where a message of a call names `user` on that side. Of a connection that many share,
   * as behind a proxy, nobody gets what is for another, however he registers elsewhere; where there was but one user, whatever name he is
   * called by means him.
   */
  aorOf(flow: number, user: string | undefined): string | undefined {
    if (user !== undefined && this.owners.get(ownerKey(flow, user)) !== undefined) return user
    const only = this.users.get(flow)
    return only === SEVERAL ? undefined : only
  }

  /**
   * RFC 5626 s.3.1: the binding of `aor` that says that this flow has been abandoned, whatever its connection looks like from here. Nothing but
   * a reg-id says so: a Contact may be that of two phones behind two NATs.
   */
  replacement(flow: number, aor: string, bindings: readonly Binding[]): Binding | undefined {
    const owner = this.owners.get(ownerKey(flow, aor))
    if (owner?.instance === undefined || owner.regId === undefined) return undefined
    const { instance, regId } = owner
    return bindings.find((binding) => binding.instance === instance && binding.regId === regId)
  }

  /** The binding that the same phone has now: same instance, same Contact or, where a new port changed that, same Call-ID. */
  successor(flow: number, aor: string, bindings: readonly Binding[]): Binding | undefined {
    const owner = this.owners.get(ownerKey(flow, aor))
    if (owner === undefined) return undefined
    const { contact, instance, callId } = owner
    if (instance !== undefined) return bindings.find((binding) => binding.instance === instance)
    return (
      bindings.find((binding) => binding.contact === contact) ??
      bindings.find((binding) => binding.callId === callId)
    )
  }
}

function ownerKey(flow: number, aor: string): string {
  return `${flow} ${aor}`
}
