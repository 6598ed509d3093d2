/** Requests for this node: what has to be right before anything is done, and who serves which method. */
import { Writer } from '../../common/bytes.ts'
import {
  decodeChordUpdate,
  decodeJoinReq,
  decodeLeaveReq,
  decodePingReq,
  decodeProbeReq,
  decodeRouteQueryReq,
  EMPTY_BODY,
  encodeChordRouteQueryAns,
  encodeJoinAns,
  encodePingAns,
  encodeProbeAns,
  ERROR_CODE,
  MESSAGE_CODE,
  PROBE_INFORMATION,
  sameId,
  type ProbeInformation,
} from '../codec/index.ts'
import { compareSequence } from '../config/sequence.ts'
import { returnList } from '../forwarding/via-list.ts'
import type { Storage } from '../storage/storage.ts'
import type { TopologyPlugin } from '../topology/plugin.ts'
import { checkConfigurationSequence } from '../transactions/configuration-sequence.ts'
import { unknownCriticalExtension } from '../transactions/server.ts'
import type { Answers } from './answers.ts'
import type { AppAttaches } from './app-attach.ts'
import type { Attaches } from './attach.ts'
import type { ConfigurationUpdates } from './configuration-updates.ts'
import type { PeerParts } from './parts.ts'
import { ServedRequests } from './served-requests.ts'
import type { StorageService } from './storage-service.ts'
import type { IncomingRequest } from './signal.ts'

export interface ServiceParts {
  readonly parts: PeerParts
  readonly updates: ConfigurationUpdates
  readonly answers: Answers
  readonly topology: TopologyPlugin
  readonly attaches: Attaches
  readonly appAttaches: AppAttaches
  readonly storage: Storage
  readonly storageService: StorageService
}

export class Services {
  readonly served = new ServedRequests()
  private readonly use: ServiceParts
  private readonly startedAt: number

  constructor(use: ServiceParts) {
    this.use = use
    this.startedAt = use.parts.now.ms
  }

  serve(request: IncomingRequest): void {
    const { parts, answers } = this.use
    const { contents, header } = request.message
    if (!answers.admit(request)) return
    const verdict = checkConfigurationSequence(
      { messageCode: contents.messageCode, configurationSequence: header.configurationSequence },
      parts.configuration.sequence,
      compareSequence,
    )
    if (verdict.kind === 'mismatch') {
      parts.instruments.dropped.add('config')
      answers.error(request, verdict.errorCode, `this node has sequence ${parts.configuration.sequence}`)
      if (verdict.pushDocument) {
        this.use.updates.push(request.signer.nodeId, returnList(request.previousHop, header.viaList))
      }
      return
    }
    if (unknownCriticalExtension(contents.extensions) !== undefined) {
      return answers.error(request, ERROR_CODE.unknownExtension, 'a critical extension is not understood')
    }
    this.dispatch(request)
  }

  private dispatch(request: IncomingRequest): void {
    if (!request.own) this.served.note(request, this.use.parts.now.wall)
    const { answers, attaches, appAttaches, storageService, updates } = this.use
    switch (request.message.contents.messageCode) {
      case MESSAGE_CODE.storeReq:
        return storageService.store(request)
      case MESSAGE_CODE.fetchReq:
        return storageService.fetch(request)
      case MESSAGE_CODE.statReq:
        return storageService.stat(request)
      case MESSAGE_CODE.findReq:
        return storageService.find(request)
      case MESSAGE_CODE.attachReq:
        return attaches.request(request)
      case MESSAGE_CODE.appAttachReq:
        return appAttaches.request(request)
      case MESSAGE_CODE.pingReq:
        return this.ping(request)
      case MESSAGE_CODE.updateReq:
        return this.update(request)
      case MESSAGE_CODE.joinReq:
        return this.join(request)
      case MESSAGE_CODE.leaveReq:
        return this.leave(request)
      case MESSAGE_CODE.routeQueryReq:
        return this.routeQuery(request)
      case MESSAGE_CODE.probeReq:
        return this.probe(request)
      case MESSAGE_CODE.configUpdateReq:
        return updates.serve(request)
      default:
        answers.error(request, ERROR_CODE.invalidMessage, 'unknown method')
    }
  }

  private ping(request: IncomingRequest): void {
    const { parts, answers } = this.use
    const decoded = decodePingReq(request.message.contents.body)
    if (!decoded.ok) return answers.error(request, ERROR_CODE.invalidMessage, decoded.error.reason)
    const time = BigInt(Math.trunc(parts.now.wall))
    answers.answer(request, encodePingAns({ responseId: parts.random.u64(), time }))
  }

  private update(request: IncomingRequest): void {
    const { parts, answers, topology } = this.use
    const decoded = decodeChordUpdate(request.message.contents.body, parts.configuration.nodeIdLength)
    if (!decoded.ok) return answers.error(request, ERROR_CODE.invalidMessage, decoded.error.reason)
    answers.answer(request, EMPTY_BODY)
    // It speaks for its own link: an Update that came by other ways says nothing about whom we can route through.
    if (adjacent(request)) topology.updateReceived(parts.now.ms, request.signer.nodeId, decoded.value)
  }

  private join(request: IncomingRequest): void {
    const { parts, answers, topology } = this.use
    const decoded = decodeJoinReq(request.message.contents.body, parts.configuration.nodeIdLength)
    if (!decoded.ok) return answers.error(request, ERROR_CODE.invalidMessage, decoded.error.reason)
    const { nodeId } = request.signer
    // RFC 6940 s.6.4.2.1: nobody but the node itself, over its own link.
    if (!sameId(decoded.value.joiningPeerId, nodeId) || !adjacent(request)) {
      return answers.error(
        request,
        ERROR_CODE.forbidden,
        'a Join comes from the joining node over its own link',
      )
    }
    if (!topology.joinRequested(nodeId)) {
      return answers.error(request, ERROR_CODE.notFound, 'this peer cannot admit that node now')
    }
    answers.answer(request, encodeJoinAns({ overlaySpecificData: EMPTY_BODY }))
  }

  private leave(request: IncomingRequest): void {
    const { parts, answers, topology } = this.use
    const decoded = decodeLeaveReq(request.message.contents.body, parts.configuration.nodeIdLength)
    if (!decoded.ok) return answers.error(request, ERROR_CODE.invalidMessage, decoded.error.reason)
    const { nodeId } = request.signer
    if (!sameId(decoded.value.leavingPeerId, nodeId) || !adjacent(request)) {
      return answers.error(
        request,
        ERROR_CODE.forbidden,
        'a Leave comes from the leaving node over its own link',
      )
    }
    answers.answer(request, EMPTY_BODY)
    topology.linkDown(parts.now.ms, nodeId, 'leave')
  }

  private routeQuery(request: IncomingRequest): void {
    const { parts, answers, topology } = this.use
    const decoded = decodeRouteQueryReq(request.message.contents.body, parts.configuration.nodeIdLength)
    if (!decoded.ok) return answers.error(request, ERROR_CODE.invalidMessage, decoded.error.reason)
    const { destination, sendUpdate } = decoded.value
    if (destination.kind !== 'node' && destination.kind !== 'resource') {
      return answers.error(request, ERROR_CODE.notFound, 'that destination is not looked up for others')
    }
    const target = destination.kind === 'node' ? destination.nodeId : destination.resourceId
    const nextPeer = topology.responsible(target) ? parts.self : topology.nextHop(target)
    if (nextPeer === undefined) return answers.error(request, ERROR_CODE.notFound, 'no way is known')
    answers.answer(request, encodeChordRouteQueryAns({ nextPeer }))
    if (sendUpdate) topology.updateWanted(parts.now.ms, request.signer.nodeId)
  }

  private probe(request: IncomingRequest): void {
    const { parts, answers, topology, storage } = this.use
    const decoded = decodeProbeReq(request.message.contents.body)
    if (!decoded.ok) return answers.error(request, ERROR_CODE.invalidMessage, decoded.error.reason)
    const probeInfo: ProbeInformation[] = []
    for (const type of new Set(decoded.value.requestedInfo)) {
      if (type === PROBE_INFORMATION.responsibleSet) {
        // RFC 6940 s.6.4.2.5.2: parts per billion of the ring.
        probeInfo.push({ type, value: u32(Math.round(topology.snapshot().responsibleShare * 1e9)) })
      } else if (type === PROBE_INFORMATION.numResources)
        probeInfo.push({ type, value: u32(storage.resourceCount) })
      else if (type === PROBE_INFORMATION.uptime) {
        probeInfo.push({ type, value: u32(Math.floor((parts.now.ms - this.startedAt) / 1000)) })
      }
    }
    answers.answer(request, encodeProbeAns({ probeInfo }))
  }
}

/** RFC 6940 s.6.4.2.1: the message came over the link whose far end proved the Node-ID that signed it. */
function adjacent(request: IncomingRequest): boolean {
  return sameId(request.previousHop, request.signer.nodeId) && request.message.header.viaList.length === 0
}

function u32(value: number): Uint8Array {
  const writer = new Writer()
  writer.u32(Math.min(0xffff_ffff, Math.max(0, value)))
  return writer.done()
}
