/**
 * How one peer tells another which of its phones are rung already (M-31, docs/adr/0019): as a preference of the caller's side (RFC 3841 lets
 * proxies add such), which a stack that does not know the tag passes over.
 */
import { parseParams, type SipMessage } from '../message/index.ts'

const PARAMETER = '+sip-adapter.phone'
const NO_MARKS: ReadonlySet<string> = new Set()

/** A value of Reject-Contact. */
export function leaveOut(mark: string): string {
  return `*;${PARAMETER}="<${mark}>"`
}

/** The marks in the Reject-Contact header fields of a request. */
export function leftOutMarks(message: SipMessage): ReadonlySet<string> {
  if (!message.has('reject-contact')) return NO_MARKS
  const marks = new Set<string>()
  for (const value of message.values('reject-contact')) {
    const at = value.indexOf(';')
    const mark = at < 0 ? undefined : parseParams(value, at, value.length)?.get(PARAMETER)
    if (mark?.startsWith('"<') === true && mark.endsWith('>"')) marks.add(mark.slice(2, -2))
  }
  return marks
}
