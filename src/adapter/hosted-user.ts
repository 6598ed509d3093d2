import { byteText } from '../common/byte-text.ts'
import { bytesEqual } from '../common/bytes.ts'
import type { Deadline } from '../common/deadlines.ts'
import type { Millis, WallTime } from '../common/time.ts'
import type { CommandId, Credential, ResourceId } from '../reload/index.ts'
import type { PublishedBinding, RequestId } from '../sip/index.ts'
import type { AdapterTimer } from './parts.ts'

/** What the overlay is known to hold under this user's key N(u). */
export interface StoredEntry {
  /** False for a removal. */
  readonly exists: boolean
  /**
   * What it says, as bytes in text: a node has one for each user, and it is compared only. Undefined for a removal, and where it is
   * the plain entry of `phones`.
   */
  readonly text: string | undefined
  /** Phones that state nothing, for which it was made; undefined when it is another's, or not known. */
  readonly phones: string | undefined
  readonly lifetimeS: number
  readonly expiresAtMs: Millis
  /** What it says without the marks of phones (docs/adr/0019); undefined: not known. */
  readonly bare?: Uint8Array | undefined
}

/** A Store on its way. */
export interface PendingStore {
  readonly id: CommandId
  readonly entry: StoredEntry
  readonly attempt: number
}

/** A REGISTER whose 200 waits for the overlay, and what the bindings become when it succeeds. */
export interface WaitingRegister {
  readonly id: RequestId
  readonly bindings: readonly PublishedBinding[]
  readonly callId: string
  /** Calls come here already and only marks of phones differ: its 200 waits for these and does not depend on them (docs/adr/0019). */
  readonly marksOnly: boolean
}

/**
 * One user whose phones register here: the bindings that SIP has committed, the REGISTER that waits (if any), and the
 * state of the one dictionary entry that stands for them in the overlay.
 */
export interface HostedUser {
  readonly aor: string
  readonly resource: ResourceId
  credential: Credential | undefined
  /** `refused`: the enrollment authority said no; REGISTER gets 403. */
  enrollment: 'none' | 'pending' | 'ready' | 'refused'
  /** Bindings that phones were told are theirs. */
  committed: readonly PublishedBinding[]
  waiting: WaitingRegister | undefined
  stored: StoredEntry | undefined
  /** A Store ended without a word: the overlay may hold something else than `stored`. */
  dirty: boolean
  /** Served here in an earlier life of this node, and nobody has looked yet what the overlay holds since. */
  unseen: boolean
  /** No user but the proxies of a domain (M-30): what its entry says as long as this node serves. */
  readonly fixed: Uint8Array | undefined
  store: PendingStore | undefined
  /** Failures in a row; from three on, refreshes wait for the overlay again (adapter-mapping s.3.4). */
  failures: number
  /** contact_prefs were refused as too large. */
  smaller: boolean
  retried: boolean
  budget: Deadline<AdapterTimer> | undefined
  timer: Deadline<AdapterTimer> | undefined
}

export function hostedUser(
  aor: string,
  resource: ResourceId,
  credential: Credential | undefined,
  fixed?: Uint8Array,
): HostedUser {
  return {
    aor,
    resource,
    credential,
    enrollment: credential === undefined ? 'none' : 'ready',
    committed: [],
    waiting: undefined,
    stored: undefined,
    dirty: false,
    unseen: false,
    fixed,
    store: undefined,
    failures: 0,
    smaller: false,
    retried: false,
    budget: undefined,
    timer: undefined,
  }
}

/**
 * The certificate has ended, or has not begun by a clock that was put back: nothing can be signed with it, and nobody believes any more what
 * has been.
 */
export function isOver(credential: Credential | undefined, wall: WallTime): boolean {
  if (credential === undefined) return false
  const { notBefore, notAfter } = credential.certificate
  return wall < notBefore || wall >= notAfter
}

/** Bindings that the overlay entry has to reflect now. */
export function wantedBindings(user: HostedUser): readonly PublishedBinding[] {
  return user.waiting?.bindings ?? user.committed
}

/** True when the overlay is known to say what `value` says (undefined: nothing). `plain` makes the entry of phones that state nothing. */
export function reflects(
  user: HostedUser,
  value: Uint8Array | undefined,
  now: Millis,
  plain: (aor: string, phones: string) => Uint8Array,
): boolean {
  if (user.dirty) return false
  const { stored } = user
  if (stored === undefined || stored.expiresAtMs <= now) return value === undefined
  if (value === undefined) return !stored.exists
  if (stored.phones !== undefined) return bytesEqual(plain(user.aor, stored.phones), value)
  return stored.exists && stored.text === textOf(value)
}

/** True when the overlay is known to hold the entry that was made for these phones, all of which state nothing. */
export function reflectsPhones({ stored, dirty }: HostedUser, phones: string, now: Millis): boolean {
  return !dirty && stored !== undefined && stored.phones === phones && stored.expiresAtMs > now
}

/** Bytes of an entry as `StoredEntry` keeps them. */
export function textOf(value: Uint8Array): string {
  return byteText(value, 'latin1')
}

/** True when the overlay is known to say all of `bare`: calls come here, and at most marks of phones are missing. */
export function leadsHere(user: HostedUser, bare: Uint8Array | undefined, now: Millis): boolean {
  const { stored, dirty } = user
  if (dirty || bare === undefined || stored?.bare === undefined || stored.expiresAtMs <= now) return false
  return stored.bare === bare || bytesEqual(stored.bare, bare)
}

/** Milliseconds until the last of the bindings ends. */
export function longestRemainingMs(bindings: readonly PublishedBinding[], now: Millis): Millis {
  let longest = 0
  for (const binding of bindings) longest = Math.max(longest, binding.expiresAt - now)
  return longest
}
