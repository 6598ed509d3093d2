/** The candidate of a No-ICE overlay link or application flow (RFC 6940 s.6.5.1): one host address over TLS and TCP. */
import { utf8 } from '../../common/bytes.ts'
import {
  CANDIDATE_TYPE,
  ipAddressPort,
  OVERLAY_LINK,
  type AppAttachReqAns,
  type AttachReqAns,
  type IceCandidate,
} from '../codec/index.ts'
import type { TransportAddress } from './contract.ts'

/** RFC 5245 s.4.1.2.1 with type preference 126 (host), local preference 65535 and component 1. */
const HOST_PRIORITY = 2_130_706_431
const NOTHING = new Uint8Array(0)
const NO_ICE: ReadonlySet<number> = new Set([OVERLAY_LINK.tlsTcpFhNoIce, OVERLAY_LINK.dtlsUdpSrNoIce])

/** RFC 4145, as RFC 6940 s.6.5.1.1 uses it: the requester waits for the connection, the answerer opens it. */
export const ROLE = { passive: utf8('passive'), active: utf8('active') } as const

export function attachBody(
  listener: TransportAddress,
  role: keyof typeof ROLE,
  sendUpdate: boolean,
): AttachReqAns {
  return {
    ufrag: NOTHING,
    password: NOTHING,
    role: ROLE[role],
    candidates: candidatesOf(listener),
    sendUpdate,
  }
}

export function appAttachBody(
  listener: TransportAddress,
  role: keyof typeof ROLE,
  application: number,
): AppAttachReqAns {
  return {
    ufrag: NOTHING,
    password: NOTHING,
    application,
    role: ROLE[role],
    candidates: candidatesOf(listener),
  }
}

/**
 * The address to connect to, or undefined when no candidate suits. RFC 6940 s.6.5.1.1: a list is either all ICE or all
 * No-ICE; a mixed one is not used at all. Of the No-ICE links TLS over TCP is the one that this peer has, and the one that
 * SIP wants: a message above 1300 bytes would have no fragmentation on DTLS (adapter-mapping s.5.1, M-24).
 */
export function usableAddress(candidates: readonly IceCandidate[]): TransportAddress | undefined {
  if (!candidates.every(({ overlayLink }) => NO_ICE.has(overlayLink))) return undefined
  for (const { addressPort, candidateType, overlayLink } of candidates) {
    if (overlayLink !== OVERLAY_LINK.tlsTcpFhNoIce) continue
    if (candidateType !== CANDIDATE_TYPE.host || addressPort.kind === 'unknown' || addressPort.port === 0)
      continue
    return { address: addressPort.address, port: addressPort.port }
  }
  return undefined
}

function candidatesOf(listener: TransportAddress): IceCandidate[] {
  const addressPort = ipAddressPort(listener.address, listener.port)
  if (addressPort === undefined) return []
  return [
    {
      addressPort,
      overlayLink: OVERLAY_LINK.tlsTcpFhNoIce,
      foundation: utf8('1'),
      priority: HOST_PRIORITY,
      candidateType: CANDIDATE_TYPE.host,
      relatedAddress: undefined,
      extensions: [],
    },
  ]
}
