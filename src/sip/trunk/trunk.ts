/** A line into another network (Peer G): where it is, who we are there, and which numbers it brings. */

export interface Trunk {
  readonly name: string
  /** Where calls go and where the line is registered. */
  readonly uri: string
  /** For challenges of the other side; undefined where it knows us by our address or certificate. */
  readonly account: TrunkAccount | undefined
  /** Undefined: nothing is registered there. */
  readonly registration: TrunkRegistrationWish | undefined
  /** Hosted AORs by the number that is called, as the other side writes it, separators taken out. */
  readonly numbers: ReadonlyMap<string, string>
  /** Canonical AOR that calls for all other numbers go to. */
  readonly incoming: string | undefined
}

export interface TrunkAccount {
  readonly username: string
  readonly password: string
  /** Only challenges of this realm are answered. */
  readonly realm: string | undefined
}

export interface TrunkRegistrationWish {
  /** User part of the AOR that is registered. */
  readonly user: string
  readonly expiresS: number
}
