/**
 * The user part of our Record-Route URIs: which hop a request that comes back by this route goes to. Sealed with the
 * node's secret, so that nobody can aim us anywhere, and bound to one Call-ID, so that a token of one call does not
 * open another. Needs no dialog state (adapter-mapping s.4.3, RFC 5626 s.5.2).
 */
import { createHash } from 'node:crypto'
import { fromUtf8, utf8 } from '../../common/bytes.ts'
import { open, seal } from '../transport/flow-token.ts'
import type { Hop, HopTransport } from '../transaction/hop.ts'

const TRANSPORTS: readonly HopTransport[] = ['udp', 'tcp', 'tls', 'ws', 'wss', 'peer']
const FIXED_BYTES = 16
const CALL_BYTES = 4

export type OpenedToken =
  /** `fromThisRun` is false when the flow number is of an earlier life of this node or of another one. */
  { readonly kind: 'hop'; readonly hop: Hop; readonly fromThisRun: boolean } | { readonly kind: 'forged' }

export class RouteTokens {
  private readonly secret: Uint8Array
  /** Four random bytes of this run: flow numbers mean nothing to another. */
  private readonly run: Uint8Array

  constructor(init: { readonly secret: Uint8Array; readonly run: Uint8Array }) {
    this.secret = init.secret
    this.run = init.run
  }

  seal(hop: Hop, callId: string): string {
    const host = utf8(hop.host)
    const bytes = new Uint8Array(FIXED_BYTES + host.length)
    bytes[0] = TRANSPORTS.indexOf(hop.transport)
    bytes[1] = hop.listener
    bytes.set(callHash(callId), 2)
    bytes.set(this.run, 6)
    const view = new DataView(bytes.buffer)
    view.setUint32(10, hop.flow)
    view.setUint16(14, hop.port)
    bytes.set(host, FIXED_BYTES)
    return seal(this.secret, bytes)
  }

  open(token: string, callId: string): OpenedToken {
    const bytes = open(this.secret, token)
    const transport = TRANSPORTS[bytes?.[0] ?? TRANSPORTS.length]
    if (bytes === undefined || bytes.length < FIXED_BYTES || transport === undefined) return FORGED
    const call = callHash(callId)
    for (let i = 0; i < CALL_BYTES; i++) if (bytes[2 + i] !== call[i]) return FORGED
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    let fromThisRun = true
    for (let i = 0; i < this.run.length; i++) if (bytes[6 + i] !== this.run[i]) fromThisRun = false
    const hop: Hop = {
      transport,
      flow: view.getUint32(10),
      listener: bytes[1] ?? 0,
      host: fromUtf8(bytes.subarray(FIXED_BYTES)),
      port: view.getUint16(14),
    }
    return { kind: 'hop', hop, fromThisRun }
  }
}

const FORGED: OpenedToken = { kind: 'forged' }

function callHash(callId: string): Uint8Array {
  return createHash('sha1').update(callId, 'latin1').digest().subarray(0, CALL_BYTES)
}
