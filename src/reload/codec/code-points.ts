/** Code points of RFC 6940 s.14 and RFC 7904; values are those on the wire. */

export const RELO_TOKEN = 0xd2454c4f
export const RELOAD_VERSION = 0x0a
export const FIXED_HEADER_BYTES = 38
export const FRAGMENT_NONE = 0xc0000000
/** RFC 6940 s.6.3.2.1: only legal in ConfigUpdate. */
export const CONFIGURATION_SEQUENCE_ANY = 65535

export const MESSAGE_CODE = {
  probeReq: 0x01,
  probeAns: 0x02,
  attachReq: 0x03,
  attachAns: 0x04,
  storeReq: 0x07,
  storeAns: 0x08,
  fetchReq: 0x09,
  fetchAns: 0x0a,
  findReq: 0x0d,
  findAns: 0x0e,
  joinReq: 0x0f,
  joinAns: 0x10,
  leaveReq: 0x11,
  leaveAns: 0x12,
  updateReq: 0x13,
  updateAns: 0x14,
  routeQueryReq: 0x15,
  routeQueryAns: 0x16,
  pingReq: 0x17,
  pingAns: 0x18,
  statReq: 0x19,
  statAns: 0x1a,
  appAttachReq: 0x1d,
  appAttachAns: 0x1e,
  configUpdateReq: 0x21,
  configUpdateAns: 0x22,
  error: 0xffff,
} as const

export const ERROR_CODE = {
  forbidden: 0x02,
  notFound: 0x03,
  requestTimeout: 0x04,
  generationCounterTooLow: 0x05,
  incompatibleWithOverlay: 0x06,
  unsupportedForwardingOption: 0x07,
  dataTooLarge: 0x08,
  dataTooOld: 0x09,
  ttlExceeded: 0x0a,
  messageTooLarge: 0x0b,
  unknownKind: 0x0c,
  unknownExtension: 0x0d,
  responseTooLarge: 0x0e,
  configTooOld: 0x0f,
  configTooNew: 0x10,
  inProgress: 0x11,
  expA: 0x12,
  expB: 0x13,
  invalidMessage: 0x14,
} as const

export const KIND = {
  sipRegistration: 0x1,
  turnService: 0x2,
  certificateByNode: 0x3,
  certificateByUser: 0x10,
} as const

export const APPLICATION = { sip: 5060, sips: 5061 } as const

export const OVERLAY_LINK = { dtlsUdpSr: 1, dtlsUdpSrNoIce: 3, tlsTcpFhNoIce: 4 } as const

export const CANDIDATE_TYPE = { host: 1, srflx: 2, relay: 4 } as const

export const FORWARDING_FLAG = {
  forwardCritical: 0x01,
  destinationCritical: 0x02,
  responseCopy: 0x04,
} as const

/** TLS 1.2 registries (RFC 5246 s.7.4.1.4.1). */
export const HASH = { none: 0, sha1: 2, sha256: 4, sha384: 5, sha512: 6 } as const
export const SIGNATURE = { anonymous: 0, rsa: 1, ecdsa: 3 } as const

/** RFC 6940 s.11.1: node-id-length when the configuration does not say otherwise. */
export const NODE_ID_BYTES_DEFAULT = 16

/** RFC 6940 s.6.3.2: the bits of the fragment field. */
export const FRAGMENT = { always: 0x80000000, last: 0x40000000, offsetMask: 0x00ffffff } as const
/** RFC 6940 s.6.7: bytes of the body that every fragment holds at least. */
export const FRAGMENT_BODY_BYTES_MIN = 256
/** RFC 6940 s.6.7: bytes of a fragment kept free so that the Via List can grow. */
export const FRAGMENT_VIA_ROOM_BYTES = 32

/** RFC 6940 s.6.3.2.2. */
export const DESTINATION_TYPE = { node: 1, resource: 2, opaque: 3 } as const

/** RFC 6940 s.14.12; 1 is experimental. */
export const FORWARDING_OPTION = { invalid: 0, reserved: 255 } as const

/** RFC 6940 s.14.13. */
export const PROBE_INFORMATION = { responsibleSet: 1, numResources: 2, uptime: 3 } as const

/** RFC 6940 s.6.3.4. */
export const SIGNER_IDENTITY = { certHash: 1, certHashNodeId: 2, none: 3 } as const

/** RFC 6940 s.6.3.4: X.509 in DER. */
export const CERTIFICATE_X509 = 0

/** RFC 6940 s.10.9. */
export const CHORD_LEAVE = { fromSuccessor: 1, fromPredecessor: 2 } as const

/** RFC 6940 s.7.4.2.1: the last element as a range's end; s.7.2.2: "append" as the index of a Store. */
export const ARRAY_INDEX_LAST = 0xffffffff

/** RFC 6940 s.6.3.3: requests are odd. */
export function isRequestCode(code: number): boolean {
  return code !== 0 && code < 0x8000 && code % 2 === 1
}

/** RFC 6940 s.6.3.3: the answer's code is the request's plus one. */
export function answerCodeOf(requestCode: number): number {
  return requestCode + 1
}
