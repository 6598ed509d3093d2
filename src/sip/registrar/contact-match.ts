/** Which existing binding a Contact of a REGISTER is about (RFC 3261 s.10.3 item 7, RFC 5626 s.6). */
import { parseUri, urisEqual } from '../message/index.ts'
import type { Binding } from './binding.ts'

export interface ContactKey {
  readonly uri: string
  readonly instance: string | undefined
  /** Set when outbound applies. */
  readonly regId: string | undefined
  /** Its binding is to go. */
  readonly removes: boolean
}

/** Index of the binding, or -1. With outbound the pair (instance, reg-id) decides, otherwise URI equality. */
export function findBinding(bindings: readonly Binding[], key: ContactKey): number {
  if (key.regId !== undefined) {
    return bindings.findIndex((b) => b.regId === key.regId && b.instance === key.instance)
  }
  const same = bindings.findIndex((b) => b.regId === undefined && b.contact === key.uri)
  if (same >= 0 || bindings.length === 0) return same
  const uri = parseUri(key.uri)
  if (uri === undefined) return -1
  const equal = (binding: Binding): boolean => {
    const other = parseUri(binding.contact)
    return other !== undefined && urisEqual(uri, other)
  }
  const plain = bindings.findIndex((b) => b.regId === undefined && equal(b))
  // RFC 5626 s.6: whoever names no instance means the URI, also that of a binding which was made with one.
  if (plain >= 0 || !key.removes || key.instance !== undefined) return plain
  return bindings.findIndex(equal)
}
