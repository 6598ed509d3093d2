/**
 * Configuration Documents on the move (RFC 6940 s.6.5.4): ours to nodes that have an older one, theirs into force here when
 * a configuration-signer of the document in force signed it. A peer that cannot follow its overlay leaves it.
 */
import { bytesEqual } from '../../common/bytes.ts'
import {
  decodeConfigUpdateReq,
  EMPTY_BODY,
  encodeConfigUpdateReq,
  ERROR_CODE,
  MESSAGE_CODE,
  sameId,
  type Destination,
  type KindId,
  type NodeId,
} from '../codec/index.ts'
import { compareSequence } from '../config/sequence.ts'
import type { KindDefinition } from '../config/types.ts'
import {
  kindBlockBytes,
  parseConfiguration,
  parseKindBlock,
  signedConfiguration,
  type SignedConfiguration,
} from '../config/parse.ts'
import { verifyDocument } from '../security/document-signature.ts'
import type { Storage } from '../storage/storage.ts'
import { ConfigurationPushes } from '../transactions/configuration-sequence.ts'
import type { Answers } from './answers.ts'
import type { Links } from './links.ts'
import type { PeerParts } from './parts.ts'
import type { Requests } from './requests.ts'
import { admissionRules } from './admission-rules.ts'
import type { IncomingRequest } from './signal.ts'

export interface ConfigurationUpdateParts {
  readonly parts: PeerParts
  readonly requests: Requests
  readonly answers: Answers
  readonly links: Links
  readonly storage: Storage
}

/** impossible: it is good, and this peer cannot take part in such an overlay. */
type Verdict =
  | { readonly kind: 'adopted' | 'impossible' }
  | { readonly kind: 'refused'; readonly code: number; readonly reason: string }

export class ConfigurationUpdates {
  private readonly use: ConfigurationUpdateParts
  private readonly pushes = new ConfigurationPushes()

  constructor(use: ConfigurationUpdateParts) {
    this.use = use
  }

  /** A ConfigUpdate request. */
  serve(request: IncomingRequest): void {
    const { answers } = this.use
    const decoded = decodeConfigUpdateReq(request.message.contents.body)
    if (!decoded.ok) return answers.error(request, ERROR_CODE.invalidMessage, decoded.error.reason)
    if (decoded.value.kind === 'kinds') {
      for (const block of decoded.value.kinds) {
        const refusal = this.learn(block)
        if (refusal !== undefined) return answers.error(request, refusal.code, refusal.reason)
      }
      return answers.answer(request, EMPTY_BODY)
    }
    if (decoded.value.kind !== 'config') {
      return answers.error(request, ERROR_CODE.invalidMessage, 'an unknown type of ConfigUpdate')
    }
    const verdict = this.offer(decoded.value.configData, 'peer')
    if (verdict.kind === 'refused') answers.error(request, verdict.code, verdict.reason)
    else answers.answer(request, EMPTY_BODY)
  }

  /** Says so for the operator when a document that begins with this node shuts it out. */
  begin(): void {
    this.tellIfShutOut()
  }

  /** A document from another peer, or from the shell, which read or fetched it. */
  offer(document: Uint8Array, from: 'peer' | 'shell'): Verdict {
    const { parts } = this.use
    // While a new sequence spreads, several neighbors bring what is in force here already.
    const known = from === 'peer' && bytesEqual(document, parts.document)
    const verdict = this.judge(document)
    if (verdict.kind === 'refused' && !known) {
      const { reason } = verdict
      parts.trace({ level: 'warn', area: 'reload', event: 'configuration_refused', reason })
    }
    return verdict
  }

  /** That node lacks our document, or asked with an older one. Once a node and sequence (Trap 40). */
  push(nodeId: NodeId, destinations: readonly Destination[] = [{ kind: 'node', nodeId }]): void {
    const { parts, requests } = this.use
    if (sameId(nodeId, parts.self)) return
    if (!this.pushes.admit(parts.now.ms, nodeId, parts.configuration.sequence)) return
    requests.send({
      code: MESSAGE_CODE.configUpdateReq,
      body: encodeConfigUpdateReq({ kind: 'config', configData: parts.document }),
      destinations,
      purpose: { kind: 'notice' },
    })
  }

  /** RFC 6940 s.7.4.1.2: that node does not know these Kinds; it gets them as the document has them, signed. */
  teach(nodeId: NodeId, kinds: readonly KindId[]): void {
    const { parts, requests } = this.use
    if (sameId(nodeId, parts.self)) return
    const asked = ({ definition }: { readonly definition: KindDefinition }): boolean =>
      kinds.includes(definition.id)
    const parsed = parseConfiguration(parts.document, parts.configuration.instanceName)
    const inDocument = parsed.ok ? parsed.value.kindBlocks.filter(asked).map(kindBlockBytes) : []
    const blocks = [
      ...inDocument.filter((bytes) => bytes !== undefined),
      ...parts.kinds.learned.filter(asked).map(({ block }) => block),
    ]
    if (blocks.length === 0) return
    requests.send({
      code: MESSAGE_CODE.configUpdateReq,
      body: encodeConfigUpdateReq({ kind: 'kinds', kinds: blocks }),
      destinations: [{ kind: 'node', nodeId }],
      purpose: { kind: 'notice' },
    })
  }

  private learn(block: Uint8Array): { readonly code: number; readonly reason: string } | undefined {
    const { parts } = this.use
    const parsed = parseKindBlock(block)
    if (!parsed.ok) return { code: ERROR_CODE.invalidMessage, reason: parsed.error.reason }
    const { definition, signedBytes, signature } = parsed.value
    const signatures = signature === undefined ? [] : [signature]
    const { kindSigners } = parts.configuration
    const signer = verifyDocument(
      parts.crypto,
      parts.trust,
      { signedBytes, signatures },
      kindSigners,
      parts.now.wall,
    )
    if (!signer.ok) return { code: ERROR_CODE.forbidden, reason: signer.error }
    if (!parts.kinds.learn({ definition, signer: signer.value.nodeId, block })) {
      return { code: ERROR_CODE.forbidden, reason: `another Kind ${definition.name} is in force` }
    }
    parts.trace({ level: 'info', area: 'reload', event: 'kind_learned', name: definition.name })
    return undefined
  }

  private judge(document: Uint8Array): Verdict {
    const { parts } = this.use
    const { instanceName, sequence, configurationSigners } = parts.configuration
    const signed = signedConfiguration(document, instanceName)
    if (!signed.ok) return refused(ERROR_CODE.invalidMessage, signed.error.reason)
    const newer = compareSequence(signed.value.sequence, sequence)
    if (newer === 0 && !bytesEqual(document, parts.document)) {
      const reason = `another document with sequence ${sequence} is in force here; overlay sign makes the next one`
      return refused(ERROR_CODE.configTooOld, reason)
    }
    if (newer <= 0) {
      const reason = `its sequence is ${signed.value.sequence}, and ${sequence} is in force here`
      return refused(ERROR_CODE.configTooOld, reason)
    }
    const signer = verifyDocument(
      parts.crypto,
      parts.trust,
      signed.value,
      configurationSigners,
      parts.now.wall,
    )
    if (!signer.ok) return refused(ERROR_CODE.forbidden, signer.error)
    return this.adopt(document, signed.value)
  }

  private adopt(document: Uint8Array, { sequence }: SignedConfiguration): Verdict {
    const { parts } = this.use
    const parsed = parseConfiguration(document, parts.configuration.instanceName)
    if (!parsed.ok && parsed.error.kind !== 'unsupported') {
      return refused(ERROR_CODE.invalidMessage, parsed.error.reason)
    }
    const done = parsed.ok
      ? parts.reconfigure(parsed.value.configuration, document)
      : { ok: false as const, error: parsed.error.reason }
    if (!done.ok) {
      parts.trace({
        ...{ level: 'error', area: 'reload', event: 'configuration_impossible' },
        ...{ sequence, reason: done.error },
      })
      parts.signal({ kind: 'reconfigured', followed: false })
      return { kind: 'impossible' }
    }
    this.takeEffect(document)
    return { kind: 'adopted' }
  }

  /** RFC 6940 s.11.1: the node reconfigures itself. What is read at every use has changed already. */
  private takeEffect(document: Uint8Array): void {
    const { parts, requests, links, storage } = this.use
    const { configuration, trust, kinds } = parts
    const { sequence } = configuration
    parts.trace({ level: 'info', area: 'reload', event: 'configuration_adopted', sequence })
    const operations = storage.reconfigure({ trust, kinds, rules: admissionRules(configuration) })
    if (operations.length > 0) parts.persist(operations)
    parts.outbox.push({ kind: 'configurationChanged', configuration, document })
    // The others would learn it from the next request; at once, none of theirs fails for it. Whoever is cut off by it
    // hears why.
    for (const { nodeId } of links.table.connectedNodes()) this.push(nodeId)
    links.review()
    requests.reconfigured()
    parts.signal({ kind: 'reconfigured', followed: !this.tellIfShutOut() })
  }

  /** Nobody answers a node that is shut out, so nobody else can tell its operator why. */
  private tellIfShutOut(): boolean {
    const { parts } = this.use
    const { badNodes, sequence } = parts.configuration
    if (!badNodes.some((nodeId) => sameId(nodeId, parts.self))) return false
    const reason = 'the Configuration Document lists the Node-ID of this node as bad-node'
    parts.trace({ level: 'error', area: 'reload', event: 'shut_out', sequence, reason })
    return true
  }
}

function refused(code: number, reason: string): Verdict {
  return { kind: 'refused', code, reason }
}
