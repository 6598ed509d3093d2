/**
 * SIP messages as bytes: parsing without copying, editing by splicing, building. For use inside `src/sip`; it does no
 * I/O, keeps no state between messages and never throws for what a message contains.
 */
export { parseMessage, makeMessage, latin1, declaredLength, LENGTH_ABSENT } from './parse.ts'
export { validateRequest, type ValidationRole } from './validate.ts'
export { SipMessage, MAX_FORWARDS_DEFAULT, parseCSeq, type CSeq } from './sip-message.ts'
export { DEFAULT_PARSE_LIMITS, type ParseFault, type ParseLimits } from './fault.ts'
export { displayName, type HeaderName } from './header-ids.ts'
export { Edit } from './edit.ts'
export { buildRequest, buildResponse, type RequestParts, type ResponseParts } from './build.ts'
export { NO_VIA, parseVia, type Via } from './via.ts'
export { NO_NAME_ADDR, parseNameAddr, type NameAddr } from './name-addr.ts'
export { formatParams, parseParams, NO_PARAMS } from './params.ts'
export { splitValues } from './lists.ts'
export { quote, unquote } from './chars.ts'
export { formatUri, isIpHost, parseUri, type SipUri, type UriParts } from './uri.ts'
export { escapeUser, percentDecode } from './escapes.ts'
export { stripSeparators, urisEqual } from './uri-equal.ts'
export { canonicalAor, type AorRules } from './aor.ts'
export { bracketed, canonicalAddress, isIpv4, isIpv6, isUnanswerable } from './ip.ts'
export { formatDate } from './date.ts'
export { statelessTag } from './stateless-tag.ts'
export { ALLOW, KNOWN_METHODS, isKnownMethod } from './methods.ts'
