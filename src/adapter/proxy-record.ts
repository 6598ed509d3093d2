/**
 * Proxy location records (M-30, adapter-mapping s.8): an entry of SIP-REGISTRATION at the reserved AOR `_proxy@<domain>` for each node that is a
 * proxy of the domain, with the addresses by which phones reach it in a private tag of contact_prefs. Stacks that do not know it pass over it.
 */
import {
  encodeContactPreferences,
  encodeSipRegistration,
  type ContactPreferences,
  type Feature,
  type NodeId,
} from '../reload/index.ts'
import { PROXY_USER, type PublishedBinding } from '../sip/index.ts'
import { CONTACT_PREFS_BYTES_MAX } from './feature-merge.ts'
import { listTo } from './overlay-address.ts'

/** What a node tells of itself as a proxy. */
export interface ProxyRecord {
  readonly domains: readonly string[]
  /** `198.51.100.7:5060/tcp`: where phones reach it. */
  readonly addresses: readonly string[]
  /** Peers may reach other domains through it. */
  readonly exit: boolean
}

const ADDRESS_TAG = 'sip-adapter.addr'
const EXIT_TAG = 'sip-adapter.exit'

/** Judgement: a dead proxy is not named for longer than that, and half a dozen Stores a day for each is nothing. */
export const PROXY_RECORD_LIFETIME_S = 3600

/** Stands for the phones that such a "user" does not have. */
export const PROXY_BINDING: PublishedBinding = {
  kind: 'node',
  contact: '',
  parameters: new Map(),
  secure: false,
  expiresAt: Number.POSITIVE_INFINITY,
}

/** The AOR under which the proxies of a domain are found. */
export function proxyAor(domain: string): string {
  return `${PROXY_USER}@${domain}`
}

/** The value of the entry; addresses beyond what contact_prefs may hold are left out. */
export function proxyEntry(self: NodeId, { addresses, exit }: ProxyRecord): Uint8Array {
  let contactPrefs = new Uint8Array(0)
  for (let count = addresses.length; count >= 0; count--) {
    const tags = new Map<string, readonly Feature[]>()
    if (count > 0) tags.set(ADDRESS_TAG, addresses.slice(0, count).map(stated))
    if (exit) tags.set(EXIT_TAG, [{ filter: { kind: 'boolean', value: true }, negated: false }])
    contactPrefs = new Uint8Array(encodeContactPreferences(tags))
    if (contactPrefs.length <= CONTACT_PREFS_BYTES_MAX) break
  }
  return encodeSipRegistration({ kind: 'route', contactPrefs, destinations: listTo(self) })
}

/** What an entry says about its node as a proxy. */
export function proxyFacts(preferences: ContactPreferences): Pick<ProxyRecord, 'addresses' | 'exit'> {
  const addresses = (preferences.get(ADDRESS_TAG) ?? []).flatMap(({ filter, negated }) =>
    filter.kind === 'string' && !negated ? [filter.value] : [],
  )
  const exit = (preferences.get(EXIT_TAG) ?? []).some(
    ({ filter, negated }) => filter.kind === 'boolean' && filter.value !== negated,
  )
  return { addresses, exit }
}

function stated(value: string): Feature {
  return { filter: { kind: 'string', value }, negated: false }
}
