/** Limits and names the registrar works with; units in the names. */
export interface RegistrarSettings {
  readonly domains: readonly string[]
  readonly minExpiresS: number
  readonly defaultExpiresS: number
  readonly maxExpiresS: number
  readonly flowGraceS: number
  readonly maxBindings: number
  /** Bindings are written down before phones are told of them. */
  readonly persist: boolean
  /** A telephone number that is a user's only Contact is told to the overlay. */
  readonly publishTel?: boolean
  /** E37: a Path is refused when the phone does not say that it knows what that is. */
  readonly refusePath?: boolean
  /** E59: Contacts that name a push service are refused. */
  readonly refusePush?: boolean
  /** Addresses of our own listeners as `host:port`; a Contact there would loop. */
  readonly ownAddresses: ReadonlySet<string>
  /** `gr` value of our own overlay GRUU. */
  readonly ownGr: string | undefined
  /** The AOR behind the user part of a temporary GRUU of this domain. */
  readonly gruuOwner: ((user: string) => string | undefined) | undefined
  /** RFC 5626 needs the proxy role at the same place. */
  readonly outbound: boolean
  /** A redirect server without a proxy can only serve Contacts that others reach themselves: by their address, or a name that DNS knows (adapter-mapping s.6). */
  readonly directOnly: boolean
}
