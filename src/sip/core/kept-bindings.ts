/** Bindings on their way to the journal and back (`persistBindings`): records become operations, and those of an earlier life bindings. */
import type { Outbox } from '../../common/outbox.ts'
import type { Millis, Now } from '../../common/time.ts'
import type { OwnIdentity } from '../proxy/index.ts'
import { BINDING_KEY, bindingRecord, readBindings, type Binding, type Registrar } from '../registrar/index.ts'
import type { Accounts, RecordOperation, SipAction } from './contract.ts'
import type { RegisterTicket } from './register-handler.ts'

export interface KeptComponents {
  readonly accounts: Accounts
  readonly identity: OwnIdentity
  readonly outbox: Outbox<SipAction>
  readonly registrar: Registrar<RegisterTicket>
}

export class KeptBindings {
  private readonly components: KeptComponents
  private readonly init: { readonly persist: boolean; readonly longestMs: Millis }
  private lastToken = 0

  constructor(components: KeptComponents, init: { readonly persist: boolean; readonly longestMs: Millis }) {
    this.components = components
    this.init = init
  }

  /** Number of the write. */
  write(now: Now, users: readonly (readonly [aor: string, bindings: readonly Binding[]])[]): number {
    const operations = users.map(([aor, bindings]): RecordOperation => {
      const key = BINDING_KEY + aor
      const value = bindingRecord(now, bindings)
      return value === undefined ? { kind: 'delete', key } : { kind: 'put', key, value }
    })
    return this.push(operations)
  }

  /**
   * Records of an earlier life: users who are still served here have their bindings back, and the overlay hears of them. What cannot be used
   * is deleted, and everything is when bindings are not to be kept any more.
   */
  restore(now: Now, records: readonly (readonly [string, Uint8Array])[]): void {
    const { accounts, registrar } = this.components
    const useless: RecordOperation[] = []
    for (const [key, record] of records) {
      if (!key.startsWith(BINDING_KEY)) continue
      const aor = key.slice(BINDING_KEY.length)
      const wanted = this.init.persist && accounts.byAor(aor) !== undefined
      const bindings = wanted ? (readBindings(now, record, this.init.longestMs) ?? []) : []
      if (bindings.length === 0) useless.push({ kind: 'delete', key })
      else
        registrar.restore(
          aor,
          bindings.map((binding) => this.placed(binding)),
        )
    }
    if (useless.length > 0) this.push(useless)
  }

  /** Listeners may have changed: by one that reaches there. */
  private placed(binding: Binding): Binding {
    const { reach } = binding
    if (reach.transport === 'peer') return binding
    const listener = this.components.identity.listenerFor(reach.transport, reach.host)?.id ?? 0
    return { ...binding, reach: { ...reach, listener } }
  }

  private push(operations: readonly RecordOperation[]): number {
    const token = ++this.lastToken
    this.components.outbox.push({ kind: 'persist', token, operations })
    return token
  }
}
