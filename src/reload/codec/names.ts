import { APPLICATION, ERROR_CODE, KIND, MESSAGE_CODE } from './code-points.ts'
import type { KindId } from './ids.ts'
import { rfcName } from './tree-printer.ts'

/** Name of a message code as RFC 6940 s.14.8 writes it (`store_req`), or a description of its range. */
export function methodName(code: number): string {
  const name = METHODS.get(code)
  if (name !== undefined) return name
  if (code === 0) return 'invalid'
  if (code >= 0x8000 && code <= 0xfffe) return 'reserved'
  return 'unassigned'
}

/** Name of an error code as RFC 6940 s.14.9 writes it (`Error_Not_Found`), or a description of its range. */
export function errorName(code: number): string {
  const name = ERRORS.get(code)
  if (name !== undefined) return name
  if (code === 0) return 'invalidErrorCode'
  if (code >= 0x8000 && code <= 0xfffe) return 'reserved'
  return 'unassigned'
}

/** Registered name of a Kind (RFC 6940 s.14.6, RFC 7904), or its range. */
export function kindName(kind: KindId): string {
  return KINDS.get(kind) ?? kindRange(kind)
}

/** RFC 6940 s.14.6; the range printed there as 0x8000000 begins at 0x80000000. */
export function kindRange(kind: KindId): 'standards' | 'expert-review' | 'private' | 'unusable' {
  if (kind === 0 || kind === 0x7fffffff || kind === 0xfffffffe || kind > 0xfffffffe) return 'unusable'
  if (kind < 0x80000000) return 'standards'
  return kind <= 0xf0000000 ? 'expert-review' : 'private'
}

/** RFC 6940 s.14.10: 2 was never published, 5 is experimental. */
export function overlayLinkName(code: number): string | undefined {
  return OVERLAY_LINKS.get(code)
}

export function candidateTypeName(type: number): string | undefined {
  return CANDIDATES.get(type)
}

export function applicationName(application: number): string | undefined {
  return application === APPLICATION.sip ? 'SIP' : application === APPLICATION.sips ? 'SIPS' : undefined
}

export function probeInformationName(type: number): string | undefined {
  return PROBES.get(type)
}

/** TLS 1.2 HashAlgorithm registry. */
export function hashName(code: number): string | undefined {
  return ['none', 'md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512'][code]
}

/** TLS 1.2 SignatureAlgorithm registry. */
export function signatureName(code: number): string | undefined {
  return ['anonymous', 'rsa', 'dsa', 'ecdsa'][code]
}

const METHODS: ReadonlyMap<number, string> = new Map(
  Object.entries(MESSAGE_CODE).map(([name, code]) => [code, rfcName(name)]),
)

const ERRORS: ReadonlyMap<number, string> = new Map(
  Object.entries(ERROR_CODE).map(([name, code]) => [code, errorText(name)]),
)

const KINDS: ReadonlyMap<number, string> = new Map([
  [KIND.sipRegistration, 'SIP-REGISTRATION'],
  [KIND.turnService, 'TURN-SERVICE'],
  [KIND.certificateByNode, 'CERTIFICATE_BY_NODE'],
  [KIND.certificateByUser, 'CERTIFICATE_BY_USER'],
])

const OVERLAY_LINKS: ReadonlyMap<number, string> = new Map([
  [1, 'DTLS-UDP-SR'],
  [3, 'DTLS-UDP-SR-NO-ICE'],
  [4, 'TLS-TCP-FH-NO-ICE'],
])

const CANDIDATES: ReadonlyMap<number, string> = new Map([
  [1, 'host'],
  [2, 'srflx'],
  [4, 'relay'],
])

const PROBES: ReadonlyMap<number, string> = new Map([
  [1, 'responsible_set'],
  [2, 'num_resources'],
  [3, 'uptime'],
])

/** `notFound` is Error_Not_Found, `ttlExceeded` Error_TTL_Exceeded, `incompatibleWithOverlay` keeps its small with. */
function errorText(name: string): string {
  const words = rfcName(name)
    .split('_')
    .map((word) =>
      word === 'with' ? word : word === 'ttl' ? 'TTL' : word.charAt(0).toUpperCase() + word.slice(1),
    )
  return `Error_${words.join('_')}`
}
