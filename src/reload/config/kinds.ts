import { KIND, sameId, type DataModel, type KindId, type NodeId } from '../codec/index.ts'
import type { KindDefinition, OverlayConfiguration } from './types.ts'

/**
 * Registered Kinds (RFC 6940 s.14.6, RFC 7904 s.9). Data model and access control are those of the registration and
 * win over any document; the limits hold unless a document gives others, and are our judgement.
 */
export const KNOWN_KINDS: readonly KindDefinition[] = [
  {
    id: KIND.sipRegistration,
    name: 'SIP-REGISTRATION',
    dataModel: 'dictionary',
    accessControl: 'USER-NODE-MATCH',
    maxCount: 32,
    maxSize: 1024,
    maxNodeMultiple: 0,
  },
  {
    id: KIND.turnService,
    name: 'TURN-SERVICE',
    dataModel: 'single',
    accessControl: 'NODE-MULTIPLE',
    maxCount: 1,
    maxSize: 128,
    // RFC 6940 s.9: "with a maximum iteration of counter 20".
    maxNodeMultiple: 20,
  },
  {
    id: KIND.certificateByNode,
    name: 'CERTIFICATE_BY_NODE',
    dataModel: 'array',
    accessControl: 'NODE-MATCH',
    maxCount: 16,
    maxSize: 4096,
    maxNodeMultiple: 0,
  },
  {
    id: KIND.certificateByUser,
    name: 'CERTIFICATE_BY_USER',
    dataModel: 'array',
    accessControl: 'USER-MATCH',
    maxCount: 16,
    maxSize: 4096,
    maxNodeMultiple: 0,
  },
]

const BY_ID: ReadonlyMap<KindId, KindDefinition> = new Map(KNOWN_KINDS.map((kind) => [kind.id, kind]))
const BY_NAME: ReadonlyMap<string, KindDefinition> = new Map(KNOWN_KINDS.map((kind) => [kind.name, kind]))

export function registeredKind(id: KindId): KindDefinition | undefined {
  return BY_ID.get(id)
}

export function registeredKindNamed(name: string): KindDefinition | undefined {
  return BY_NAME.get(name)
}

/** A Kind that another node told us of, and whose kind-signature was verified (RFC 6940 s.6.5.4). */
export interface LearnedKind {
  readonly definition: KindDefinition
  readonly signer: NodeId
  /** The `<kind-block>` as it came, to be passed on. */
  readonly block: Uint8Array
}

/** Judgement: Kinds learned from others. */
const LEARNED_MAX = 256

/** The Kinds that this overlay can store: the registered ones, those of the Configuration Document, and learned ones. */
export class KindTable {
  private readonly definitions: Map<KindId, KindDefinition>
  private readonly learnt = new Map<KindId, LearnedKind>()

  constructor(configuration: Pick<OverlayConfiguration, 'requiredKinds'>) {
    const definitions = new Map(BY_ID)
    for (const kind of configuration.requiredKinds) {
      const registered = BY_ID.get(kind.id)
      definitions.set(kind.id, registered === undefined ? kind : asRegistered(kind, registered))
    }
    this.definitions = definitions
  }

  /** What was learned and does not stand in the document. */
  get learned(): readonly LearnedKind[] {
    return [...this.learnt.values()]
  }

  /**
   * Takes a Kind whose signature was verified. False when another definition of it is known that this signer may not
   * change (RFC 6940 s.6.5.4.2), or there is no room.
   */
  learn(kind: LearnedKind): boolean {
    const { id } = kind.definition
    const known = this.learnt.get(id)
    if (known === undefined && this.definitions.has(id)) {
      return sameDefinition(this.definitions.get(id) as KindDefinition, kind.definition)
    }
    if (known !== undefined && !sameId(known.signer, kind.signer)) return false
    if (known === undefined && this.learnt.size >= LEARNED_MAX) return false
    this.learnt.set(id, kind)
    this.definitions.set(id, kind.definition)
    return true
  }

  definition(id: KindId): KindDefinition | undefined {
    return this.definitions.get(id)
  }

  model(id: KindId): DataModel | undefined {
    return this.definitions.get(id)?.dataModel
  }

  ids(): KindId[] {
    return [...this.definitions.keys()]
  }
}

function sameDefinition(a: KindDefinition, b: KindDefinition): boolean {
  return (
    a.dataModel === b.dataModel &&
    a.accessControl === b.accessControl &&
    a.maxCount === b.maxCount &&
    a.maxSize === b.maxSize &&
    a.maxNodeMultiple === b.maxNodeMultiple
  )
}

/** RFC 6940 s.11.1: a registered Kind takes its limits from the document and nothing else. */
export function asRegistered(kind: KindDefinition, registered: KindDefinition): KindDefinition {
  return {
    ...registered,
    maxCount: kind.maxCount,
    maxSize: kind.maxSize,
    maxNodeMultiple: Math.min(registered.maxNodeMultiple, kind.maxNodeMultiple || registered.maxNodeMultiple),
  }
}
