/**
 * What came in from the wire, on its way to the part that deals with it: datagrams and streams become messages, a request finds its
 * transaction or begins one, a response its branch. Everything from outside is bounded, validated and answered or dropped here; nothing of it
 * reaches an exception.
 */
import type { Now } from '../../common/time.ts'
import type { Trace } from '../../common/trace.ts'
import {
  parseMessage,
  validateRequest,
  canonicalAddress,
  type ParseFault,
  type SipMessage,
} from '../message/index.ts'
import { looksLikeStun, stunAnswer, type FramerOutput } from '../transport/index.ts'
import {
  askedRequest,
  FRONT_LISTENER,
  incomingRequest,
  serverKey,
  type ClientTransaction,
  type Hop,
  type IncomingRequest,
} from '../transaction/index.ts'
import { reasonsOf, type ClientUser } from '../proxy/index.ts'
import type { SipInput, SipTap } from './contract.ts'
import type { Flow } from './flows.ts'
import { OwnFaults } from './own-faults.ts'
import type { SipParts } from './parts.ts'

export class Reception {
  private readonly parts: SipParts
  private readonly faults: OwnFaults
  private readonly tap: SipTap | undefined
  /** A flow has been closed for what came on it. */
  private readonly lost: (now: Now, flow: number) => void

  constructor(
    parts: SipParts,
    init: {
      readonly trace: Trace
      readonly tap: SipTap | undefined
      readonly lost: (now: Now, flow: number) => void
    },
  ) {
    this.parts = parts
    this.faults = new OwnFaults(parts, init.trace)
    this.tap = init.tap
    this.lost = init.lost
  }

  /** One datagram: a message, a keep-alive, or a STUN request. */
  datagram(now: Now, source: Hop, bytes: Uint8Array): void {
    // RFC 5626 s.4.4: keep-alives of phones; anything shorter than a start line is none of ours.
    if (bytes.length < 16 && isBlank(bytes)) return
    if (looksLikeStun(bytes)) {
      const answer = stunAnswer(bytes, source.host, source.port)
      if (answer !== undefined) this.parts.flows.send(source, answer)
      return
    }
    const parsed = parseMessage(bytes, this.parts.tuned.limits)
    if (parsed.ok) this.message(now, parsed.value, source)
    else this.fault(now, parsed.error, source, undefined)
  }

  /** Bytes of a stream. */
  flowData(now: Now, id: number, bytes: Uint8Array): void {
    const { flows } = this.parts
    const record = flows.get(id)
    if (record?.up !== true) return
    for (const output of flows.receive(now.ms, record, bytes)) {
      this.framed(now, output, record)
      if (!flows.isUp(id)) break
    }
    for (const flow of flows.unfinished.excess()) {
      const fault = flow.framer.abandon(503, 'Too Many Unfinished Messages')
      if (fault !== undefined) this.fault(now, fault, flow.hop, flow)
    }
  }

  /** What cannot be read; a stream that cannot be read on is closed. */
  fault(now: Now, fault: ParseFault, source: Hop, record: Flow | undefined): void {
    this.parts.instruments.sipMalformed.add(`syntax|${source.transport}`)
    this.parts.replies.fault(now.ms, fault, source)
    if (record === undefined || !fault.close) return
    this.parts.flows.close(record.hop.flow)
    this.lost(now, record.hop.flow)
  }

  /** A request that the engine in front asks about: it has the transaction, so that nothing here is a repetition, an ACK or a CANCEL. */
  asked(now: Now, input: Extract<SipInput, { kind: 'asked' }>): void {
    const { front, replies, transactions } = this.parts
    if (front === undefined) return
    const { id, transport, host, port, bytes } = input
    const source: Hop = { transport, flow: 0, listener: FRONT_LISTENER, host: canonicalAddress(host), port }
    const parsed = parseMessage(bytes, this.parts.tuned.limits)
    if (!parsed.ok || !parsed.value.isRequest) {
      this.parts.instruments.sipMalformed.add(`syntax|${transport}`)
      replies.askedFault(parsed.ok ? NOT_A_REQUEST : parsed.error, source, id)
      return
    }
    const message = parsed.value
    if (this.tap !== undefined) this.tap.message(now, 'in', source, message.wire)
    if (front.passOn(id, message)) return
    transactions.traffic.requestReceived(message.method, transport)
    const fault = validateRequest(message, this.parts.validation)
    if (fault !== undefined) {
      this.parts.instruments.sipMalformed.add(`invalid|${transport}`)
      replies.askedFault(fault, source, id)
      return
    }
    const incoming = askedRequest(message, source, id, now.ms)
    const refusal = front.refusal(message)
    try {
      if (refusal !== undefined) replies.stateless(incoming, refusal)
      else this.begin(now, `front ${id}`, incoming)
    } catch (error) {
      this.faults.request(now, undefined, incoming, error)
    }
  }

  private framed(now: Now, output: FramerOutput, record: Flow): void {
    switch (output.kind) {
      case 'message':
        this.message(now, output.message, record.hop)
        return
      case 'fault':
        this.fault(now, output.fault, record.hop, record)
        return
      case 'ping':
        return // answered by Flows
    }
  }

  private message(now: Now, message: SipMessage, source: Hop): void {
    if (this.tap !== undefined) this.tap.message(now, 'in', source, message.wire)
    if (!message.isRequest) {
      this.response(now, message, source)
      return
    }
    const { transactions, replies } = this.parts
    transactions.traffic.requestReceived(message.method, source.transport)
    const fault = validateRequest(message, this.parts.validation)
    if (fault !== undefined) {
      this.parts.instruments.sipMalformed.add(`invalid|${source.transport}`)
      replies.fault(now.ms, fault, source)
      return
    }
    const incoming = incomingRequest(message, source, now.ms)
    try {
      this.request(now, incoming)
    } catch (error) {
      this.faults.request(now, undefined, incoming, error)
    }
  }

  private request(now: Now, incoming: IncomingRequest): void {
    const { transactions, router } = this.parts
    const { message } = incoming
    const key = serverKey(message)
    const known = transactions.server(key)
    if (message.method === 'ACK') {
      // RFC 6026 s.7.1: the ACK of a 2xx is not the transaction's, even if its branch says so.
      if (known !== undefined && known.state !== 'accepted') transactions.repeat(now.ms, known, 'ack')
      else router.ack(incoming)
      return
    }
    if (known !== undefined) {
      // It comes by another flow when the peer knows the one of before to be broken, which this node may not know yet (docs/adr/0035).
      if (isOfSamePeer(known.hop, incoming.source)) known.hop = incoming.replyTo
      transactions.repeat(now.ms, known, 'request')
    } else if (message.method === 'CANCEL') {
      this.cancel(now, key, incoming)
    } else {
      this.begin(now, key, incoming)
    }
  }

  /** A request that is part of nothing known. */
  private begin(now: Now, key: string, incoming: IncomingRequest): void {
    try {
      this.serve(now, key, incoming)
    } catch (error) {
      this.faults.request(now, key, incoming, error)
    }
  }

  private serve(now: Now, key: string, incoming: IncomingRequest): void {
    const { transactions, router, registerHandler, registrar } = this.parts
    const { message } = incoming
    if (!this.affords(now, incoming)) {
      return
    } else if (transactions.taken >= YIELDS_FROM && yields(incoming.message, transactions.taken)) {
      this.turnAway(incoming, 'Overloaded')
    } else if (this.takesTooMuch(incoming)) {
      this.turnAway(incoming, 'Overloaded')
    } else if (this.parts.draining && (message.method === 'REGISTER' || router.beginsDialog(incoming))) {
      this.turnAway(incoming, 'Leaving')
    } else if (message.method === 'REGISTER') {
      if (this.parts.registerRelay?.takes(incoming) === true)
        this.parts.registerRelay.request(now, key, incoming)
      else registerHandler.request(now, key, incoming, registrar)
    } else {
      router.request(now, key, incoming)
    }
  }

  /**
   * E54: what nobody answers must not take all memory, whoever sends it, and no rate is kept for another peer, since all calls of a site may come from it.
   * One that sends without measure gets no more room than leaves the others theirs.
   */
  private takesTooMuch({ message, source }: IncomingRequest): boolean {
    const { transactions } = this.parts
    const ofPeer = source.transport === 'peer'
    const crowded = ofPeer ? transactions.crowded : transactions.overcrowded
    if (crowded && message.byteLength > BYTES_WHEN_CROWDED) return true
    if (!ofPeer || transactions.taken < PEER_SHARE || message.to.params.has('tag')) return false
    return transactions.isMostlyOf(source.host)
  }

  /** S-TR-02: false when the source has asked for too much, which has been dealt with then. */
  private affords(now: Now, incoming: IncomingRequest): boolean {
    const judgement = this.parts.sources.request(now.ms, incoming)
    if (judgement === 'refused' || (judgement === 'ignored' && incoming.question !== undefined))
      this.turnAway(incoming, 'Too Many Requests')
    return judgement === 'taken'
  }

  /** RFC 3261 s.9.2 and s.16.10; S-29: only from where the INVITE came, or by another connection when that one is gone. */
  private cancel(now: Now, key: string, incoming: IncomingRequest): void {
    const { transactions, replies, router } = this.parts
    const invite = transactions.server(serverKey(incoming.message, 'INVITE'))
    if (invite !== undefined && this.isOrigin(invite.hop, incoming.source)) {
      const server = transactions.accept(key, 'CANCEL', incoming.replyTo)
      replies.send(now.ms, server, incoming, { status: 200, reason: 'OK' })
      if (this.parts.held.cancel(invite)) return
      const { user } = invite
      try {
        user?.cancel(now.ms, reasonsOf(incoming.message))
      } catch (error) {
        this.faults.during(incoming.source, 'CANCEL', error, () => user?.giveUp(now.ms))
      }
      return
    }
    if (invite === undefined && router.cancelByRoute(incoming)) return
    replies.stateless(incoming, { status: 481, reason: 'Transaction Does Not Exist' })
  }

  /** One flow, or for datagrams one host: a NAT may have changed the port meanwhile. Peers have proven who they are on any flow. */
  private isOrigin(hop: Hop, source: Hop): boolean {
    if (hop.transport !== source.transport || hop.host !== source.host) return false
    return (
      hop.flow === source.flow || hop.transport === 'peer' || this.parts.flows.get(hop.flow) === undefined
    )
  }

  private response(now: Now, response: SipMessage, source: Hop): void {
    const { transactions, proxy } = this.parts
    let client: ClientTransaction<ClientUser> | undefined
    try {
      client = this.clientOf(now, response, source)
      if (client !== undefined) this.answered(now, client, response)
    } catch (error) {
      this.faults.during(source, `${response.status} to ${response.cseq.method}`, error, () => {
        const { branch = '' } = response.topVia
        const asked = client ?? transactions.client(response, branch)
        if (asked !== undefined) proxy.giveUp(now.ms, asked)
      })
    }
  }

  private answered(now: Now, client: ClientTransaction<ClientUser>, response: SipMessage): void {
    const { proxy, ownRequests } = this.parts
    if (client.user === undefined) ownRequests.responded(now.ms, client, response)
    else proxy.responded(now.ms, client, response)
  }

  /** The client transaction whose user must see a response. */
  private clientOf(now: Now, response: SipMessage, source: Hop): ClientTransaction<ClientUser> | undefined {
    const { transactions, identity } = this.parts
    transactions.traffic.responseReceived(response.cseq.method, response.status, source.transport)
    const via = response.topVia
    // S3261-18.1-05, S6026-7-04: not ours, or of no transaction: dropped.
    if (via.branch === undefined || !identity.isOwnVia(via)) return undefined
    // E57: whoever passed it on has lost the way back. Taken for an answer it would leave those who wait for one waiting for ever.
    if (response.nextVia === undefined && transactions.client(response, via.branch)?.user !== undefined) {
      this.parts.instruments.sipMalformed.add(`invalid|${source.transport}`)
      return undefined
    }
    return transactions.receive(now.ms, response, via.branch)
  }

  private turnAway(incoming: IncomingRequest, reason: string): void {
    const { replies, registerHandler } = this.parts
    if (incoming.message.method === 'REGISTER') registerHandler.turnedAway()
    replies.stateless(incoming, this.parts.overloaded(reason))
  }
}

/** Shares of the room for transactions that are left to more important requests. Judgement. */
const REGISTER_SHARE = 0.8
const YIELDS_FROM = REGISTER_SHARE
const OTHERS_SHARE = 0.9

/** Of the room for transactions, from which on no peer has more than half of what is taken. Judgement. */
const PEER_SHARE = 0.5
/** Longer requests are not taken while those that nobody answers have no room. An INVITE of a browser has some 4 KiB. Judgement. */
const BYTES_WHEN_CROWDED = 8_192

const CALLS_SHARE = 0.95
/** A little beyond it, for what ends calls. */
const DIALOGS_SHARE = 1.05

/** E54: whether a request has to give way with so much of the room taken: REGISTERs first, then others, new calls, and last what belongs to calls. */
function yields({ method, to }: SipMessage, taken: number): boolean {
  if (method === 'REGISTER') return true
  if (to.params.has('tag')) return taken >= DIALOGS_SHARE
  return taken >= (method === 'INVITE' ? CALLS_SHARE : OTHERS_SHARE)
}

/** What an engine shows that is no request. */
const NOT_A_REQUEST: ParseFault = { status: 400, reason: 'Not A Request', close: false, partial: undefined }

function isOfSamePeer(a: Hop, b: Hop): boolean {
  return a.transport === 'peer' && b.transport === 'peer' && a.host === b.host
}

function isBlank(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte !== 13 && byte !== 10 && byte !== 0 && byte !== 32) return false
  return true
}
