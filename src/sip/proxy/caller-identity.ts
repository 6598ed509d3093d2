/**
 * The headers that tell a phone who is calling, beside From. Phones show them as the truth, so they leave this node only as far
 * as this node can answer for them (adapter-mapping s.4.8; S3325-01).
 */
import type { Edit, HeaderName } from '../message/index.ts'

/** What a forwarded request says about its caller. */
export type CallerIdentity =
  /** The headers go out as they came: whoever sent them is believed. */
  | { readonly kind: 'asCame' }
  | { readonly kind: 'none' }
  /** `value` is the one P-Asserted-Identity. */
  | { readonly kind: 'asserted'; readonly value: string }

export const NO_IDENTITY: CallerIdentity = { kind: 'none' }

const IDENTITY_HEADERS: readonly HeaderName[] = [
  'p-asserted-identity',
  'p-preferred-identity',
  'remote-party-id',
]

export function writeIdentity(edit: Edit, identity: CallerIdentity): void {
  if (identity.kind === 'asCame') return
  for (const name of IDENTITY_HEADERS) edit.remove(name)
  if (identity.kind === 'asserted') edit.append('p-asserted-identity', identity.value)
}
