/** Questions to single nodes: are you there, where would you send this, how are you. Every one ends in one event with its id. */
import {
  decodeChordRouteQueryAns,
  decodePingAns,
  decodeProbeAns,
  encodePingReq,
  encodeProbeReq,
  encodeRouteQueryReq,
  MESSAGE_CODE,
  PROBE_INFORMATION,
  type ProbeInformation,
} from '../codec/index.ts'
import type { CommandError, CommandId, PeerCommand } from './contract.ts'
import type { PeerParts } from './parts.ts'
import type { Requests } from './requests.ts'
import type { RequestOutcome } from './signal.ts'

type Command<K extends PeerCommand['kind']> = Extract<PeerCommand, { kind: K }>

const PER_BILLION = 1e9

export class Inquiries {
  private readonly parts: PeerParts
  private readonly requests: Requests

  constructor(parts: PeerParts, requests: Requests) {
    this.parts = parts
    this.requests = requests
  }

  ping(command: Command<'ping'>): void {
    this.requests.send({
      code: MESSAGE_CODE.pingReq,
      body: encodePingReq({ padding: new Uint8Array(0) }),
      destinations: command.destinations,
      purpose: { kind: 'ping', id: command.id },
      ...timeout(command),
    })
  }

  routeQuery(command: Command<'routeQuery'>): void {
    this.requests.send({
      code: MESSAGE_CODE.routeQueryReq,
      body: encodeRouteQueryReq({
        sendUpdate: false,
        destination: { kind: 'resource', resourceId: command.target },
        overlaySpecificData: new Uint8Array(0),
      }),
      destinations: command.destinations,
      purpose: { kind: 'routeQuery', id: command.id },
      ...timeout(command),
    })
  }

  probe(command: Command<'probe'>): void {
    const { responsibleSet, numResources, uptime } = PROBE_INFORMATION
    this.requests.send({
      code: MESSAGE_CODE.probeReq,
      body: encodeProbeReq({ requestedInfo: [responsibleSet, numResources, uptime] }),
      destinations: command.destinations,
      purpose: { kind: 'probe', id: command.id },
      ...timeout(command),
    })
  }

  pinged(id: CommandId, outcome: RequestOutcome): void {
    if (!outcome.ok) return this.pingFailed(id, outcome.error)
    const answer = decodePingAns(outcome.message.contents.body)
    if (!answer.ok) return this.pingFailed(id, { kind: 'invalidAnswer', reason: answer.error.reason })
    const value = { responder: outcome.signer.nodeId, rttMs: outcome.rttMs }
    this.parts.outbox.push({ kind: 'pingDone', id, outcome: { ok: true, value } })
  }

  routeQueried(id: CommandId, outcome: RequestOutcome): void {
    if (!outcome.ok) return this.routeQueryFailed(id, outcome.error)
    const { nodeIdLength } = this.parts.configuration
    const answer = decodeChordRouteQueryAns(outcome.message.contents.body, nodeIdLength)
    if (!answer.ok) return this.routeQueryFailed(id, { kind: 'invalidAnswer', reason: answer.error.reason })
    const { nextPeer } = answer.value
    const value = { nextPeer, responder: outcome.signer.nodeId, rttMs: outcome.rttMs }
    this.parts.outbox.push({ kind: 'routeQueryDone', id, outcome: { ok: true, value } })
  }

  probed(id: CommandId, outcome: RequestOutcome): void {
    if (!outcome.ok) return this.probeFailed(id, outcome.error)
    const answer = decodeProbeAns(outcome.message.contents.body)
    if (!answer.ok) return this.probeFailed(id, { kind: 'invalidAnswer', reason: answer.error.reason })
    const { probeInfo } = answer.value
    const share = numberIn(probeInfo, PROBE_INFORMATION.responsibleSet)
    const value = {
      responder: outcome.signer.nodeId,
      rttMs: outcome.rttMs,
      responsibleShare: share === undefined ? undefined : Math.min(1, share / PER_BILLION),
      resources: numberIn(probeInfo, PROBE_INFORMATION.numResources),
      uptimeS: numberIn(probeInfo, PROBE_INFORMATION.uptime),
    }
    this.parts.outbox.push({ kind: 'probeDone', id, outcome: { ok: true, value } })
  }

  /** Each ends a question that got no answer, or that cannot be asked. */
  pingFailed(id: CommandId, error: CommandError): void {
    this.parts.outbox.push({ kind: 'pingDone', id, outcome: { ok: false, error } })
  }

  routeQueryFailed(id: CommandId, error: CommandError): void {
    this.parts.outbox.push({ kind: 'routeQueryDone', id, outcome: { ok: false, error } })
  }

  probeFailed(id: CommandId, error: CommandError): void {
    this.parts.outbox.push({ kind: 'probeDone', id, outcome: { ok: false, error } })
  }
}

/** RFC 6940 s.6.4.2.5.2: all values are uint32. */
function numberIn(info: readonly ProbeInformation[], type: number): number | undefined {
  const value = info.find((each) => each.type === type)?.value
  if (value?.length !== 4) return undefined
  return new DataView(value.buffer, value.byteOffset, 4).getUint32(0)
}

function timeout(command: { readonly timeoutMs?: number }): { timeoutMs?: number } {
  return command.timeoutMs === undefined ? {} : { timeoutMs: command.timeoutMs }
}
