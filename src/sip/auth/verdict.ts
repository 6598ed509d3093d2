/** What the credentials of a request come to: each of them, and which one decides (RFC 7616, RFC 8760). */

/**
 * Who answers a challenge: the address that it was sent to, another one, or nobody knows, since no challenge of ours is answered. Only the
 * first is sure to be there: who can write any source address into a datagram gets no challenge that was sent to it.
 */
export type NonceHolder = 'client' | 'other' | 'unknown'

/** One Digest value for our realm. */
export type Credential<A> =
  | { readonly kind: 'ok'; readonly account: A; readonly username: string; readonly by: NonceHolder }
  /** Right but for the age of the nonce, or its count was used: challenge again with stale=true. */
  | { readonly kind: 'stale'; readonly username: string; readonly by: NonceHolder }
  /** Wrong, malformed or of nobody: challenge again, and count a failure of whoever it was. */
  | {
      readonly kind: 'bad'
      readonly username: string
      readonly by: NonceHolder
      /** The account has no hash for this algorithm, so that nothing could be right. */
      readonly unhashed?: boolean
    }

/** `all` holds what else was shown beside the one that decides: none of it may pass uncounted. */
export type DigestVerdict<A> =
  | (Credential<A> & { readonly all: readonly Credential<A>[] })
  /** No credentials for our realm. */
  | { readonly kind: 'missing' }

/** One of several, for as many algorithms (RFC 8760 s.2.4): one that is right decides, and a guess is not hidden by anything else. */
export function decided<A>(first: Credential<A>, shown: readonly Credential<A>[]): DigestVerdict<A> {
  // Only who knows the password has a stale one of his own.
  const right = shown.find(({ kind, by }) => kind === 'ok' || (kind === 'stale' && by === 'client'))
  const all = shown.filter(
    (one) => one.kind !== 'bad' || one.unhashed !== true || one.username !== right?.username,
  )
  let decides = right ?? first
  for (const one of all) if (weight(one) > weight(decides)) decides = one
  return { ...decides, all }
}

function weight({ kind, by }: Credential<unknown>): number {
  if (kind === 'ok') return 3
  if (kind === 'stale') return 1
  return by === 'unknown' ? 0 : 2
}
