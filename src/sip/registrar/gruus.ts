/**
 * GRUUs of the phones that are registered here (RFC 5627 s.5, adapter-mapping s.3.6): written into the answer to a REGISTER, and read
 * back when somebody calls one. All of them name this node by its `gr`, so that any peer of the overlay finds the way here.
 */
import type { Millis } from '../../common/time.ts'
import { escapeUser, type SipUri } from '../message/index.ts'
import { isLive, type Binding } from './binding.ts'
import { GruuTokens } from './gruu-tokens.ts'

/** What a GRUU that names this node stands for. */
export type GruuMeaning =
  /** Made by nobody here, or a temporary one whose time is over: 404. */
  | { readonly kind: 'unknown' }
  /** The phones with one instance-id, the newest registration first; none while it is not registered: 480. */
  | { readonly kind: 'instance'; readonly aor: string; readonly bindings: readonly Binding[] }
  /** The user as far as it is served here: a `gr` without more (RFC 7904 s.6). */
  | { readonly kind: 'aor'; readonly aor: string }

export interface GruuComponents {
  bindings(aor: string): readonly Binding[]
  userHosted(aor: string): boolean
  /** Twelve random bytes. */
  nonce(): Uint8Array
}

/** What GRUUs are made of. */
export type GruuBinding = Pick<Binding, 'contact' | 'instance' | 'gruuEpoch'>

export interface GruuPair {
  readonly publicUri: string
  readonly temporaryUri: string
}

export class Gruus {
  private readonly components: GruuComponents
  private readonly tokens: GruuTokens
  private readonly gr: string

  /** `gr` is the value that names this node. */
  constructor(components: GruuComponents, init: { readonly secret: Uint8Array; readonly gr: string }) {
    this.components = components
    this.tokens = new GruuTokens(init.secret)
    this.gr = init.gr
  }

  /** The user of a temporary GRUU, whichever node of the domain has made it; undefined when it is none. */
  readonly ownerOf = (user: string): string | undefined => this.tokens.openTemporary(user)?.aor

  /** `pub-gruu` and `temp-gruu` of each phone with an instance-id, as they stand in its Contact. */
  parameters(aor: string, bindings: readonly GruuBinding[]): ReadonlyMap<string, string> {
    const written = new Map<string, string>()
    for (const binding of bindings) {
      const { instance } = binding
      if (instance === undefined || written.has(instance)) continue
      const pair = this.pair(aor, binding)
      if (pair !== undefined)
        written.set(instance, `;pub-gruu="${pair.publicUri}";temp-gruu="${pair.temporaryUri}"`)
    }
    return written
  }

  /** The GRUUs of a phone: the public one, and a temporary one made just now. */
  pair(aor: string, binding: GruuBinding): GruuPair | undefined {
    const { instance, gruuEpoch, contact } = binding
    if (instance === undefined || gruuEpoch === undefined) return undefined
    const at = aor.lastIndexOf('@')
    const host = aor.slice(at + 1)
    // RFC 5630 s.5.1.1.4: as secure as the Contact.
    const scheme = contact.slice(0, 5).toLowerCase() === 'sips:' ? 'sips' : 'sip'
    const adi = this.tokens.publicToken(aor, instance)
    const user = this.tokens.temporaryUser(aor, instance, gruuEpoch, this.components.nonce())
    return {
      publicUri: `${scheme}:${escapeUser(aor.slice(0, at))}@${host};gr=${this.gr};adi=${adi}`,
      temporaryUri: `${scheme}:${user}@${host};gr=${this.gr}`,
    }
  }

  /** What a URI with an own `gr`, or with a `gr` without value, means now. `aor` is its canonical AOR, if it has one. */
  meaning(now: Millis, uri: SipUri, aor: string | undefined): GruuMeaning {
    const adi = uri.params.get('adi')
    const temporary = this.tokens.openTemporary(uri.user ?? '')
    if (temporary !== undefined) {
      if (!temporary.aor.endsWith(`@${uri.host}`)) return UNKNOWN
      return this.instance(now, temporary.aor, temporary.instance, temporary.epoch)
    }
    if (aor === undefined || uri.params.get('gr') === '') return UNKNOWN
    if (adi === undefined) return this.components.userHosted(aor) ? { kind: 'aor', aor } : UNKNOWN
    const digest = this.tokens.openPublic(aor, adi)
    return digest === undefined ? UNKNOWN : this.instance(now, aor, digest, undefined)
  }

  /** Temporary GRUUs die with the last binding of their epoch, public ones with the AOR (RFC 5627 s.5.3). */
  private instance(now: Millis, aor: string, digest: Uint8Array, epoch: string | undefined): GruuMeaning {
    if (!this.components.userHosted(aor)) return UNKNOWN
    const known = this.components
      .bindings(aor)
      .filter((binding) => binding.endsAt > now && this.tokens.isInstance(aor, binding.instance, digest))
    if (epoch !== undefined && !known.some((binding) => binding.gruuEpoch === epoch)) return UNKNOWN
    const bindings = known
      .filter((binding) => isLive(binding, now))
      .sort((a, b) => b.registeredAt - a.registeredAt)
    return { kind: 'instance', aor, bindings }
  }
}

const UNKNOWN: GruuMeaning = { kind: 'unknown' }
