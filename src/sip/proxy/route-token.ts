/**
 * The user part of our Record-Route URIs: which hop a request that comes back by this route goes to. Sealed with the
 * node's secret, so that nobody can aim us anywhere, and bound to one Call-ID, so that a token of one call does not
 * open another. Needs no dialog state (adapter-mapping s.4.3, RFC 5626 s.5.2).
 */
import { detached } from '../../common/detached.ts'
import { BoundedCache } from '../../common/bounded-cache.ts'
import { HmacSha1 } from '../../common/hmac-sha1.ts'
import { FlowTokens } from '../transport/flow-token.ts'
import type { Hop, HopTransport } from '../transaction/hop.ts'

const TRANSPORTS: readonly HopTransport[] = ['udp', 'tcp', 'tls', 'ws', 'wss', 'peer']
const FIXED_BYTES = 16
/** Four bytes of the keyed hash of the Call-ID. */
const CALL_AT = 2
const CALL_PURPOSE = Buffer.from('call-id\0', 'latin1')
const RUN_AT = 6
/** Between an address and the name that was asked for there, which is left out where it is the address. */
const DIALLED = '\0'
/** Before the name of the trunk whose other side is there. */
const LINE = '\x01'

/** Judgement: those of calls that are being set up or ended now; the others are opened when they come. */
const KNOWN_MAX = 4_096

interface TokenHop {
  readonly kind: 'hop'
  readonly hop: Hop
  /** Whom this node has asked for when it connected to the hop; undefined where the far end has connected. */
  readonly dialled: string | undefined
  /** Name of the trunk that the call goes by: several may have their other side at one hop. */
  readonly line: string | undefined
  /** False when the flow number is of an earlier life of this node or of another one. */
  readonly fromThisRun: boolean
  /** Of a Record-Route: it leads on in a call that is up, and begins none. */
  readonly ofCall: boolean
}

export type OpenedToken = TokenHop | { readonly kind: 'forged' }

/** A token that was made here or found right, with the call that it is for; undefined for any. */
interface Known {
  readonly callId: string | undefined
  readonly opened: TokenHop
}

export class RouteTokens {
  private readonly tokens: FlowTokens
  /** Four random bytes of this run: flow numbers mean nothing to another. */
  private readonly run: Uint8Array
  /** The name that a connection was opened for by this node; undefined for others. */
  private readonly dialledFor: (flow: number) => string | undefined
  /** The ACK and the BYE of a call bring the same tokens: what is known of one need not be proven again. */
  private readonly known = new BoundedCache<Known>(KNOWN_MAX)
  private latestCall: string | undefined = undefined
  private latestHash = 0
  private readonly hmac: HmacSha1
  private readonly mac = Buffer.alloc(4)

  constructor(init: {
    readonly secret: Uint8Array
    readonly run: Uint8Array
    readonly dialledFor?: (flow: number) => string | undefined
  }) {
    this.dialledFor = init.dialledFor ?? nobody
    this.tokens = new FlowTokens(init.secret)
    this.hmac = new HmacSha1(init.secret)
    this.run = init.run
  }

  seal(hop: Hop, callId: string, line?: string): string {
    const dialled = this.dialledFor(hop.flow)
    const token = this.sealed(hop, this.callHash(callId), dialled, line)
    const latestCall = this.latestCall ?? callId
    // As a token has it: flows to peers have numbers below 0.
    const written = hop.flow < 0 ? { ...hop, flow: hop.flow >>> 0 } : hop
    this.known.set(token, {
      callId: latestCall,
      opened: { kind: 'hop', hop: written, dialled, line, fromThisRun: true, ofCall: true },
    })
    return token
  }

  /** For Path (RFC 5626 s.5.1): good for every call to the phone at the far end, as long as its flow is there. */
  sealFlow(hop: Hop): string {
    return this.sealed(hop, ANY_CALL, undefined)
  }

  private sealed(hop: Hop, call: number, dialled: string | undefined, line?: string): string {
    const { flow, port } = hop
    let host =
      dialled === undefined ? hop.host : `${hop.host}${DIALLED}${dialled === hop.host ? '' : dialled}`
    if (line !== undefined) host += LINE + latin1(line)
    const bytes = Buffer.allocUnsafe(FIXED_BYTES + host.length)
    bytes[0] = TRANSPORTS.indexOf(hop.transport)
    bytes[1] = hop.listener
    bytes.writeUInt32BE(call, CALL_AT)
    bytes.set(this.run, RUN_AT)
    bytes.writeUInt32BE(flow >>> 0, 10)
    bytes.writeUInt16BE(port & 0xffff, 14)
    bytes.write(host, FIXED_BYTES, 'latin1')
    return this.tokens.seal(bytes)
  }

  open(token: string, callId: string): OpenedToken {
    const known = this.known.get(token)
    if (known !== undefined)
      return known.callId === undefined || known.callId === callId ? known.opened : FORGED
    const opened = this.proven(token, callId)
    if (opened.kind === 'hop')
      this.known.set(detached(token), { callId: opened.ofCall ? this.latestCall : undefined, opened })
    return opened
  }

  private proven(token: string, callId: string): OpenedToken {
    const bytes = this.tokens.open(token)
    const transport = TRANSPORTS[bytes?.[0] ?? TRANSPORTS.length]
    if (bytes === undefined || bytes.length < FIXED_BYTES || transport === undefined) return FORGED
    const call = bytes.readUInt32BE(CALL_AT)
    if (call !== ANY_CALL && call !== this.callHash(callId)) return FORGED
    let fromThisRun = true
    for (let i = 0; i < this.run.length; i++) if (bytes[RUN_AT + i] !== this.run[i]) fromThisRun = false
    const [place = '', line] = bytes.toString('latin1', FIXED_BYTES).split(LINE)
    const [host = '', name] = place.split(DIALLED)
    const hop: Hop = {
      transport,
      flow: bytes.readUInt32BE(10),
      listener: bytes[1] ?? 0,
      host,
      port: bytes.readUInt16BE(14),
    }
    const dialled = name === '' ? host : name
    return {
      kind: 'hop',
      hop,
      dialled,
      line: line === undefined ? undefined : unicode(line),
      fromThisRun,
      ofCall: call !== ANY_CALL,
    }
  }

  /** Asked several times in a row for one call. */
  private callHash(callId: string): number {
    if (callId !== this.latestCall) {
      this.hmac.sign(CALL_PURPOSE, Buffer.from(callId, 'latin1'), this.mac, 0, this.mac.length)
      // What stands for any call is the hash of none.
      this.latestHash = Math.max(ANY_CALL + 1, this.mac.readUInt32BE(0))
      // What is kept must not keep the message.
      this.latestCall = detached(callId)
    }
    return this.latestHash
  }
}

/** No hash of a Call-ID. */
const ANY_CALL = 0
const FORGED: OpenedToken = { kind: 'forged' }
const nobody = (): undefined => undefined

function latin1(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

function unicode(text: string): string {
  return Buffer.from(text, 'latin1').toString('utf8')
}
