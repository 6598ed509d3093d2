/** The `gr` parameter of overlay GRUUs (RFC 7904 s.6), which names a node. */
import { percentDecode } from './escapes.ts'

/**
 * True when a `gr` value names the node that `own` names, as we write it. M-16: values are compared for what they encode, since base64 tells
 * cases apart and URI parameters do not; `~` and `=` both fill up, and a slash may come escaped.
 */
export function isGr(value: string, own: string): boolean {
  return value === own || percentDecode(value).replaceAll('=', '~') === own
}
