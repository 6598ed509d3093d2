/**
 * What Store and Fetch cost in CPU time, all peers together, beside what the signatures alone cost that they need: a small
 * overlay of production peers in virtual time with real keys, so that nothing but protocol and crypto is measured. Every user
 * stores once, through a peer that holds nothing of it, with two replicas; then another such peer fetches it.
 */
import { hrtime } from 'node:process'
import { createAuthority, generateKey, issueCertificate } from '../../src/enrollment/io/index.ts'
import {
  key,
  KIND,
  NodeCrypto,
  type Certificate,
  type Credential,
  type CryptoPort,
  type KeyAlgorithm,
  type RawSignature,
} from '../../src/reload/index.ts'
import { OVERLAY_NAME } from '../../src/sim/configuration.ts'
import { NoDigest } from '../../src/sim/digest.ts'
import { Overlay, type SimPeer } from '../../src/sim/overlay.ts'
import { registeredKeys, registration } from '../../src/sim/values.ts'
import { WALL_START } from '../../src/sim/world.ts'

const PEERS = 6
const USERS = 150
/** Of every second round the clock is read at every signature, which itself takes time: the others say what all costs. */
const ROUNDS = 16
/** So many until nothing is compiled any more: with four the first rounds that count still cost half as much again. */
const WARM_ROUNDS = 10
/** Key pairs that the certificates of all users share in turn: making RSA keys would take most of the time. */
const KEY_PAIRS = 8
/** As many bytes as a Store has. */
const SIGNED = new Uint8Array(400).fill(7)
/** How often all users sign and check for the bare figure: that takes about as long as what it is held against. */
const BARE_REPEATS = 3

/** How often something was done. */
interface Counts {
  signs: number
  verifies: number
  /** Certificates seen for the first time by a peer. */
  certificates: number
}

interface Cost extends Counts {
  readonly cpuUs: number
  /**
   * What signatures, checks and certificates took where they are done, with caches that the rest of the work has used; undefined when
   * the clock was not read.
   */
  readonly cryptoUs: number | undefined
}

/** CPU microseconds of one. */
interface Bare {
  readonly sign: number
  readonly verify: number
  /** The check of the issuer's signature, which is ECDSA, and OpenSSL's reading of the key. */
  readonly certificate: number
}

/** A user and the peers that ask for it: none of them holds what it stores. */
interface Subject {
  readonly user: Credential
  readonly storer: SimPeer
  readonly fetcher: SimPeer
}

/** What was done in one round, and what signatures alone cost just before and just after it. */
interface Measured extends Cost {
  readonly bare: Bare
}

/** Lines for people, for one kind of key. */
export async function signedStorageFigures(algorithm: KeyAlgorithm): Promise<string[]> {
  const issuing = await Issuing.start(algorithm)
  const overlay = await issuing.overlay()
  const stores: Measured[] = []
  const again: Measured[] = []
  const fetches: Measured[] = []
  // The first rounds are there to have everything compiled.
  for (let round = -WARM_ROUNDS; round < ROUNDS; round++) {
    const subjects: Subject[] = []
    for (let index = 0; index < USERS; index++)
      subjects.push(subjectOf(overlay, await issuing.credential(`user${round}-${index}@${OVERLAY_NAME}`)))
    const certificate = certificateCost(issuing, subjects)
    let before = signatureCost(issuing.crypto, subjects)
    issuing.crypto.timing = round % 2 !== 0
    const measure = (body: () => void, into: Measured[]): void => {
      const cost = issuing.crypto.measure(body)
      const after = signatureCost(issuing.crypto, subjects)
      const bare = {
        sign: (before.sign + after.sign) / 2,
        verify: (before.verify + after.verify) / 2,
        certificate,
      }
      if (round >= 0) into.push({ ...cost, bare })
      before = after
    }
    measure(() => storeAll(overlay, subjects), stores)
    measure(() => storeAll(overlay, subjects), again)
    measure(() => fetchAll(overlay, subjects), fetches)
  }
  const name = algorithm === 'rsa' ? 'RSA-2048' : 'ECDSA P-256'
  const bares = [...stores, ...again, ...fetches].map(({ bare }) => bare)
  const middle = (of: (bare: Bare) => number): string => median(bares.map(of)).toFixed(0)
  return [
    `${name}: a signature ${middle((bare) => bare.sign)}, a check ${middle((bare) => bare.verify)}, a new certificate ${middle((bare) => bare.certificate)} CPU-us`,
    described('first Store of a user', stores),
    described('later Store', again),
    described('Fetch', fetches),
  ]
}

/** The round in the middle: each is held against signatures of the same moment, so that a slow machine slows both sides. */
function described(what: string, measured: readonly Measured[]): string {
  const untimed = measured.filter(({ cryptoUs }) => cryptoUs === undefined)
  const timed = measured.filter(({ cryptoUs }) => cryptoUs !== undefined)
  const cost = (of: (each: Measured) => number): number => median(untimed.map((each) => of(each) / USERS))
  const counts = { signs: cost((each) => each.signs), verifies: cost((each) => each.verifies) }
  const certificates = cost((each) => each.certificates)
  const needs = [
    `${counts.signs.toFixed(1)} signatures`,
    `${counts.verifies.toFixed(1)} checks`,
    ...(certificates === 0 ? [] : [`${certificates.toFixed(1)} new certificates`]),
  ].join(', ')
  const all = cost(({ cpuUs }) => cpuUs)
  const ratio = median(untimed.map((each) => each.cpuUs / aloneUs(each)))
  const inPlace = median(timed.map(({ cryptoUs }) => (cryptoUs ?? 0) / USERS))
  const ratioInPlace = median(timed.map((each) => each.cpuUs / (each.cryptoUs ?? 0)))
  return `  ${what}: ${all.toFixed(0)} CPU-us; ${needs} alone ${cost(aloneUs).toFixed(0)}; ratio ${ratio.toFixed(2)}; in place ${inPlace.toFixed(0)}; ratio ${ratioInPlace.toFixed(2)}`
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const upper = sorted[sorted.length >> 1] ?? 0
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[(sorted.length >> 1) - 1] ?? 0)) / 2
}

function aloneUs({ signs, verifies, certificates, bare }: Measured): number {
  return signs * bare.sign + verifies * bare.verify + certificates * bare.certificate
}

/** CPU microseconds of one signature and one check through the same port, with the keys of all users in turn. */
function signatureCost(crypto: CountedCrypto, subjects: readonly Subject[]): Omit<Bare, 'certificate'> {
  const signatures = signed(crypto, subjects)
  return {
    sign: ofEach(subjects, BARE_REPEATS, (user) => crypto.real.sign(user, SIGNED).value.length > 0),
    verify: ofEach(subjects, BARE_REPEATS, (user, index) =>
      crypto.real.verify(user.certificate, signatures[index] as RawSignature, SIGNED),
    ),
  }
}

/** The same of a certificate seen for the first time: its issuer's signature is checked, and its key is read at the first check with it. */
function certificateCost({ crypto, root }: Issuing, subjects: readonly Subject[]): number {
  const signatures = signed(crypto, subjects)
  const verify = (user: Credential, index: number): boolean =>
    crypto.real.verify(user.certificate, signatures[index] as RawSignature, SIGNED)
  const first = ofEach(subjects, 1, verify)
  const later = ofEach(subjects, 1, verify)
  return first - later + ofEach(subjects, 1, (user) => crypto.real.issued(root, user.certificate))
}

function signed(crypto: CountedCrypto, subjects: readonly Subject[]): RawSignature[] {
  return subjects.map(({ user }) => crypto.real.sign(user, SIGNED))
}

/** CPU microseconds of one of them. */
function ofEach(
  subjects: readonly Subject[],
  repeats: number,
  work: (user: Credential, index: number) => boolean,
): number {
  let right = 0
  const us = cpuUs(() => {
    for (let repeat = 0; repeat < repeats; repeat++)
      subjects.forEach(({ user }, index) => {
        if (work(user, index)) right++
      })
  })
  if (right !== repeats * subjects.length) throw new Error('a figure for nothing')
  return us / right
}

function cpuUs(body: () => void): number {
  const before = process.cpuUsage()
  body()
  const { user, system } = process.cpuUsage(before)
  return user + system
}

function storeAll(overlay: Overlay, subjects: readonly Subject[]): void {
  for (const { user, storer } of subjects) {
    const resource = overlay.resource(user.certificate.userName)
    const stored = overlay.store(storer, resource, [registration(user, storer.nodeId)], user)
    if (!stored.ok || stored.value.replicas.length !== 2) throw new Error('a Store failed')
    storer.events.length = 0
  }
}

function fetchAll(overlay: Overlay, subjects: readonly Subject[]): void {
  for (const { user, fetcher } of subjects) {
    const resource = overlay.resource(user.certificate.userName)
    const found = overlay.fetch(fetcher, resource, KIND.sipRegistration)
    if (!found.ok || registeredKeys(found.value)[0] !== key(user.nodeId)) throw new Error('a Fetch failed')
    fetcher.events.length = 0
  }
}

function subjectOf(overlay: Overlay, user: Credential): Subject {
  const holders = new Set(overlay.ring().dueHolders(overlay.resource(user.certificate.userName)))
  const [storer, fetcher] = overlay.peers.filter((peer) => !holders.has(peer))
  if (storer === undefined || fetcher === undefined) throw new Error('too few peers')
  return { user, storer, fetcher }
}

/** The authority of one overlay, and the port through which all its peers sign. */
class Issuing {
  readonly crypto = new CountedCrypto()
  readonly root: Certificate
  private readonly authority: Awaited<ReturnType<typeof createAuthority>>
  private readonly keys: readonly Awaited<ReturnType<typeof generateKey>>[]
  private issued = 0

  private constructor(authority: Issuing['authority'], keys: Issuing['keys']) {
    this.authority = authority
    this.keys = keys
    const root = this.crypto.parseCertificate(authority.rootCertificate, OVERLAY_NAME)
    if (!root.ok) throw new Error(root.error)
    this.root = root.value
  }

  static async start(algorithm: KeyAlgorithm): Promise<Issuing> {
    const keys = await Promise.all(Array.from({ length: KEY_PAIRS }, () => generateKey(algorithm)))
    return new Issuing(await createAuthority(OVERLAY_NAME, WALL_START), keys)
  }

  async credential(userName: string): Promise<Credential> {
    const pair = this.keys[this.issued++ % KEY_PAIRS]
    if (pair === undefined) throw new Error('no key')
    const { publicKeyInfo, pkcs8 } = pair
    const issued = await issueCertificate(this.authority, { userName, publicKeyInfo }, WALL_START)
    if (!issued.ok) throw new Error(issued.error.reason)
    return this.crypto.real.importCredential(issued.value.certificate, pkcs8, OVERLAY_NAME)
  }

  /** A ring of peers with certificates of this authority. */
  async overlay(): Promise<Overlay> {
    const credentials: Credential[] = []
    for (let index = 0; index < PEERS; index++)
      credentials.push(await this.credential(`peer${index}@${OVERLAY_NAME}`))
    const issue = (): Credential => {
      const next = credentials.shift()
      if (next === undefined) throw new Error('no credential for that peer')
      return next
    }
    const issuer = { crypto: this.crypto, root: this.root, issue }
    const overlay = new Overlay('bench', { issuer, digest: new NoDigest() })
    if (!overlay.grow(PEERS, 200)) throw new Error('the ring did not form')
    overlay.world.run(5_000)
    return overlay
  }
}

/** The production port, counted. */
class CountedCrypto implements CryptoPort {
  readonly real = new NodeCrypto()
  /** Whether the clock is read at every call. */
  timing = false
  private counts: Counts = { signs: 0, verifies: 0, certificates: 0 }
  private ns = 0n

  /** What `body` costs this process, and what of it is crypto. */
  measure(body: () => void): Cost {
    this.counts = { signs: 0, verifies: 0, certificates: 0 }
    this.ns = 0n
    const used = cpuUs(body)
    return { cpuUs: used, cryptoUs: this.timing ? Number(this.ns) / 1000 : undefined, ...this.counts }
  }

  hash(algorithm: 'sha1' | 'sha256', parts: readonly Uint8Array[]): Uint8Array {
    return this.real.hash(algorithm, parts)
  }

  fingerprint(bytes: Uint8Array): string {
    return this.real.fingerprint(bytes)
  }

  parseCertificate(der: Uint8Array, overlayName: string): ReturnType<CryptoPort['parseCertificate']> {
    return this.real.parseCertificate(der, overlayName)
  }

  issued(issuer: Certificate, certificate: Certificate): boolean {
    this.counts.certificates++
    if (!this.timing) return this.real.issued(issuer, certificate)
    return this.timed(() => this.real.issued(issuer, certificate))
  }

  sign(credential: Credential, data: Uint8Array): RawSignature {
    this.counts.signs++
    if (!this.timing) return this.real.sign(credential, data)
    return this.timed(() => this.real.sign(credential, data))
  }

  verify(certificate: Certificate, signature: RawSignature, data: Uint8Array): boolean {
    this.counts.verifies++
    if (!this.timing) return this.real.verify(certificate, signature, data)
    return this.timed(() => this.real.verify(certificate, signature, data))
  }

  /** By the clock: CPU time cannot be read as often. A busy machine makes it too long, the least of several rounds is near. */
  private timed<T>(work: () => T): T {
    const before = hrtime.bigint()
    try {
      return work()
    } finally {
      this.ns += hrtime.bigint() - before
    }
  }
}
