import { SeededRandom } from '../../../src/common/random.ts'
import type { Now } from '../../../src/common/time.ts'
import { NO_TRACE, type Trace } from '../../../src/common/trace.ts'
import { DEFAULT_ADAPTER_SETTINGS, type AdapterSettings } from '../../../src/adapter/index.ts'
import { AdapterInstruments } from '../../../src/adapter/instruments.ts'
import { AdapterParts, type AdapterAction } from '../../../src/adapter/parts.ts'
import {
  asNodeId,
  encodeSipRegistration,
  KIND,
  makeStandInCredential,
  resourceIdOf,
  StandInCrypto,
  type Credential,
  type FetchResult,
  type NodeId,
  type CommandError,
  type CommandId,
  type PeerCommand,
  type PeerEvent,
  type VerifiedValue,
} from '../../../src/reload/index.ts'
import type { Account, PublishedBinding, SiblingMarks, SipInput } from '../../../src/sip/index.ts'

export const OVERLAY = 'dht.example.com'
export const ALICE = 'alice@dht.example.com'
export const BOB = 'bob@dht.example.com'
export const crypto = new StandInCrypto()

export function nodeId(byte: number): NodeId {
  return asNodeId(new Uint8Array(16).fill(byte))
}

/** This adapter. */
export const SELF = nodeId(0x0a)

export function userCredential(aor: string, byte: number): Credential {
  return makeStandInCredential(nodeId(byte), aor, OVERLAY)
}

/** The certificate that signs the adapter's own requests; without an end unless one is given (wall clock). */
export function nodeCredential(notAfter?: number): Credential {
  const name = `${'0a'.repeat(16)}@${OVERLAY}`
  return makeStandInCredential(SELF, name, OVERLAY, notAfter === undefined ? {} : { notAfter })
}

export function at(ms: number): Now {
  return { ms, wall: 1_700_000_000_000 + ms }
}

export function binding(
  contact: string,
  expiresAt: number,
  over: Partial<PublishedBinding> = {},
): PublishedBinding {
  return { kind: 'device', contact, parameters: new Map(), secure: false, expiresAt, ...over }
}

/** The adapter's shared parts with hosted accounts and nothing behind the outbox. */
export function adapterParts(
  over: Partial<AdapterSettings> = {},
  hosted: readonly string[] = [ALICE, BOB],
  trace: Trace = NO_TRACE,
  marks?: SiblingMarks,
  isRegisteredBy?: (flow: number) => boolean,
): AdapterParts {
  const accounts = new Map<string, Account>(
    hosted.map((aor) => [
      aor,
      { username: aor.split('@')[0] ?? '', ha1: new Map(), aors: [aor], delegates: [] },
    ]),
  )
  const parts = new AdapterParts({
    random: new SeededRandom('adapter'),
    trace,
    accounts: { byAor: (aor) => accounts.get(aor), byUsername: () => undefined },
    settings: { ...DEFAULT_ADAPTER_SETTINGS, ...over },
    instruments: new AdapterInstruments(),
    self: SELF,
    domains: [OVERLAY],
    resourceOf: (name) => resourceIdOf(crypto, name),
    marks,
    ...(isRegisteredBy === undefined ? {} : { isRegisteredBy }),
  })
  parts.available = true
  return parts
}

/** What a part wants done, sorted by who does it. */
export function drained(parts: AdapterParts): {
  commands: PeerCommand[]
  sip: SipInput[]
  all: AdapterAction[]
} {
  const all = parts.outbox.drain()
  return {
    all,
    commands: all.flatMap((action) => (action.to === 'peer' ? [action.command] : [])),
    sip: all.flatMap((action) => (action.to === 'sip' ? [action.input] : [])),
  }
}

type StoreCommand = Extract<PeerCommand, { kind: 'store' }>
type FetchCommand = Extract<PeerCommand, { kind: 'fetch' }>
type AttachCommand = Extract<PeerCommand, { kind: 'appAttach' }>

export function stores(commands: readonly PeerCommand[]): StoreCommand[] {
  return commands.filter((command): command is StoreCommand => command.kind === 'store')
}

export function fetches(commands: readonly PeerCommand[]): FetchCommand[] {
  return commands.filter((command): command is FetchCommand => command.kind === 'fetch')
}

export function attaches(commands: readonly PeerCommand[]): AttachCommand[] {
  return commands.filter((command): command is AttachCommand => command.kind === 'appAttach')
}

/** The SIP core's questions, with the parts that tests do not care about filled in. */
export function flowQuestion(id: number, address: string, secure: boolean, budgetMs: number) {
  return { kind: 'openPeerFlow', id, address, secure, budgetMs, callId: '' } as const
}

export function locateQuestion(id: number, aor: string, budgetMs: number) {
  return { kind: 'locate', id, aor, budgetMs, callId: '' } as const
}

export function publication(id: number, aor: string, bindings: readonly PublishedBinding[]) {
  return { kind: 'publish', id, aor, bindings, cause: 'register', callId: '' } as const
}

/** How a Store ended; without an error it worked. */
export function stored(id: CommandId, error?: CommandError): Extract<PeerEvent, { kind: 'storeDone' }> {
  const value = { responsible: SELF, storageTime: 0n, replicas: [], hops: 0 }
  return { kind: 'storeDone', id, outcome: error === undefined ? { ok: true, value } : { ok: false, error } }
}

/** A SIP-REGISTRATION that its signer has stored under its own key at wall time 0; lives for `lifetimeS`. */
export function registered(
  registration: Parameters<typeof encodeSipRegistration>[0],
  signer: Credential,
  lifetimeS = 600,
): VerifiedValue {
  return dictionaryEntry(signer, encodeSipRegistration(registration), lifetimeS)
}

/** Any value of a dictionary, as a Fetch brings it when its signature was good. */
export function dictionaryEntry(
  signer: Credential,
  value: Uint8Array,
  lifetimeS = 600,
  { exists = true, key = signer.nodeId }: { exists?: boolean; key?: Uint8Array } = {},
): VerifiedValue {
  return {
    expiresAt: at(0).ms + 1000 * lifetimeS,
    signer: signer.certificate,
    signerNodeId: signer.nodeId,
    data: {
      storageTime: BigInt(at(0).wall),
      lifetime: lifetimeS,
      signature: {
        hashAlgorithm: 4,
        signatureAlgorithm: 3,
        identity: { kind: 'none' },
        value: new Uint8Array(0),
      },
      value: { model: 'dictionary', key, value: { exists, value } },
    },
  }
}

/** What a Fetch of registrations found. */
export function found(values: readonly VerifiedValue[]): FetchResult {
  return {
    responsible: nodeId(0x0c),
    kinds: new Map([[KIND.sipRegistration, { generation: 1n, values }]]),
    rejected: 0,
  }
}
