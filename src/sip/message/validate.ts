/** Checks of a request that need no state: rows E06 and E13..E17 of sip-requirements s.11. */
import type { ParseFault } from './fault.ts'
import { isUnanswerable } from './ip.ts'
import { ALLOW, isKnownMethod } from './methods.ts'
import { NO_NAME_ADDR } from './name-addr.ts'
import { requestFault } from './parse.ts'
import type { SipMessage } from './sip-message.ts'

export interface ValidationRole {
  /** True when this node answers REGISTER itself, so that its Contact and To must be well-formed. */
  readonly registrar: boolean
  /** True when tel: Request-URIs can be routed. */
  readonly telRouting: boolean
}

const DEFAULT_ROLE: ValidationRole = { registrar: true, telRouting: false }
const BRANCH_COOKIE = 'z9hG4bK'

/**
 * The first fault of a request that `parseMessage` has let pass, or undefined. Headers that our role does not need are
 * not looked at (S3261-16.3-01, E18).
 */
export function validateRequest(
  message: SipMessage,
  role: ValidationRole = DEFAULT_ROLE,
): ParseFault | undefined {
  // E17: the cookie promises a unique rest. Replies to it cannot be matched, so nothing is kept.
  const { branch } = message.topVia
  if (branch !== undefined && branch.length === BRANCH_COOKIE.length && branch.toLowerCase() === 'z9hg4bk') {
    return requestFault(message, 400, 'Bad Branch', false)
  }
  if (isUnanswerable(message.topVia.maddr ?? '')) return requestFault(message, 400, 'Bad Via', false)
  if (message.cseq.method !== message.method) return methodFault(message)
  return uriFault(message, role) ?? addressFault(message, role) ?? maxForwardsFault(message)
}

/** E06. */
function methodFault(message: SipMessage): ParseFault {
  if (isKnownMethod(message.method)) return requestFault(message, 400, 'CSeq Method Mismatch', false)
  return requestFault(message, 501, 'Not Implemented', false, [['Allow', ALLOW]])
}

/** E13..E15. A Request-URI never carries headers (RFC 3261 s.19.1.1), so none can become real ones. */
function uriFault(message: SipMessage, role: ValidationRole): ParseFault | undefined {
  const { uri } = message
  if (uri === undefined) return requestFault(message, 400, 'Bad Request-URI', false)
  if (uri.headers !== undefined) return requestFault(message, 400, 'Bad Request-URI', false)
  if (uri.scheme === 'sip' || uri.scheme === 'sips' || (uri.scheme === 'tel' && role.telRouting))
    return undefined
  return requestFault(message, 416, 'Unsupported URI Scheme', false)
}

/** E16, E27. */
function addressFault(message: SipMessage, role: ValidationRole): ParseFault | undefined {
  if (message.to === NO_NAME_ADDR) return requestFault(message, 400, 'Bad To', false)
  if (message.from === NO_NAME_ADDR) return requestFault(message, 400, 'Bad From', false)
  if (message.method !== 'REGISTER' || !role.registrar) return undefined
  const aor = message.to.parsedUri
  if (aor === undefined || (aor.scheme !== 'sip' && aor.scheme !== 'sips')) {
    return requestFault(message, 400, 'Bad AOR', false)
  }
  const contacts = message.contacts()
  if (!contacts.ok) return requestFault(message, 400, contacts.error, false)
  if (contacts.value === '*') return undefined
  for (const contact of contacts.value) {
    if (contact.parsedUri === undefined) return requestFault(message, 400, 'Bad Contact', false)
  }
  return undefined
}

function maxForwardsFault(message: SipMessage): ParseFault | undefined {
  if (message.maxForwards !== undefined || !message.has('max-forwards')) return undefined
  return requestFault(message, 400, 'Bad Max-Forwards', false)
}
