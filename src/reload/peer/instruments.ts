import {
  Histogram,
  HOPS_BUCKETS,
  LabelTexts,
  SECONDS_BUCKETS,
  Tally,
  type Counter,
} from '../../common/instruments.ts'
import { MESSAGE_CODE } from '../codec/index.ts'
import type { CryptoPort, Certificate, Credential, RawSignature } from '../security/port.ts'

/** What the peer core counts; names and labels of the metrics are in metrics/names.ts. */
export class PeerInstruments {
  /** direction|method|kind: messages that end or begin here. */
  readonly messages = new Tally()
  /** direction: bytes of overlay links, framing included. */
  readonly bytes = new Tally(['in', 'out'])
  readonly forwarded = new Tally([''])
  /** reason */
  readonly dropped = new Tally(['ttl', 'loop', 'no_route', 'signature', 'config', 'rate', 'malformed'])
  /** method|result */
  readonly requestSeconds = new Histogram(SECONDS_BUCKETS)
  /** method */
  readonly requestHops = new Histogram(HOPS_BUCKETS)
  /** method */
  readonly retries = new Tally()
  /** code: error answers received. */
  readonly errors = new Tally()
  /** Fetched values older than what an earlier Fetch gave. */
  readonly rollbacks = new Tally([''])
  /** event */
  readonly neighborChanges = new Tally(['join', 'leave', 'timeout'])
  readonly replicationLagSeconds = new Histogram(SECONDS_BUCKETS, [''])
  /** op|result */
  readonly signatures = new Tally(['sign|ok', 'verify|ok', 'verify|failed'])
  private ownFetch: readonly Counter[] | undefined = undefined

  /** A Fetch that this peer answered itself: the messages that it stands for count like any others to ourselves. */
  fetchedHere(): void {
    this.ownFetch ??= ['out|fetch|request', 'in|fetch|request', 'out|fetch|answer', 'in|fetch|answer'].map(
      (labels) => this.messages.counter(labels),
    )
    for (const counter of this.ownFetch) counter.count++
    this.requestSeconds.observe(0, 'fetch|ok')
    this.requestHops.observe(0, 'fetch')
  }
}

const METHODS: ReadonlyMap<number, string> = new Map(
  Object.entries(MESSAGE_CODE)
    .filter(([name]) => name.endsWith('Req'))
    .map(([name, code]) => [code, name.slice(0, -3)]),
)

/** Label of a method, given the code of its request or answer. */
export function methodLabel(code: number): string {
  return METHODS.get((code & 1) === 1 ? code : code - 1) ?? 'other'
}

/** Labels of `PeerInstruments.messages`. */
export const MESSAGE_LABELS = {
  in: {
    request: new LabelTexts('in|', '|request'),
    answer: new LabelTexts('in|', '|answer'),
    error: new LabelTexts('in|', '|error'),
  },
  out: {
    request: new LabelTexts('out|', '|request'),
    answer: new LabelTexts('out|', '|answer'),
    error: new LabelTexts('out|', '|error'),
  },
} as const

/** Labels of `PeerInstruments.requestSeconds`. */
export const RESULT_LABELS = {
  ok: new LabelTexts('', '|ok'),
  error: new LabelTexts('', '|error'),
  timeout: new LabelTexts('', '|timeout'),
} as const

/** The crypto port with its signatures counted. */
export class CountingCrypto implements CryptoPort {
  private readonly inner: CryptoPort
  private readonly signed: Counter
  private readonly valid: Counter
  private readonly invalid: Counter

  constructor(inner: CryptoPort, count: Tally) {
    this.inner = inner
    this.signed = count.counter('sign|ok')
    this.valid = count.counter('verify|ok')
    this.invalid = count.counter('verify|failed')
  }

  hash(algorithm: 'sha1' | 'sha256', parts: readonly Uint8Array[]): Uint8Array {
    return this.inner.hash(algorithm, parts)
  }

  fingerprint(bytes: Uint8Array): string {
    return this.inner.fingerprint(bytes)
  }

  parseCertificate(der: Uint8Array, overlayName: string): ReturnType<CryptoPort['parseCertificate']> {
    return this.inner.parseCertificate(der, overlayName)
  }

  issued(issuer: Certificate, certificate: Certificate): boolean {
    return this.inner.issued(issuer, certificate)
  }

  sign(credential: Credential, data: Uint8Array): RawSignature {
    this.signed.count++
    return this.inner.sign(credential, data)
  }

  verify(certificate: Certificate, signature: RawSignature, data: Uint8Array): boolean {
    if (this.inner.verify(certificate, signature, data)) {
      this.valid.count++
      return true
    }
    this.invalid.count++
    return false
  }
}
