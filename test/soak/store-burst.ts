/**
 * `npm run soak:stores`: thousands of signed Stores reach one node at once over several links, while a phone asks it something fifty times a
 * second. Exit code 1 when the phone waits too long or a Store is not carried out (S-47).
 */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { generateKey, issueCertificate, openAuthority } from '../../src/enrollment/io/index.ts'
import {
  decodeErrorResponse,
  decodeMessage,
  encodeContents,
  encodeMessage,
  encodeStoreReq,
  FRAGMENT_NONE,
  KIND,
  MESSAGE_CODE,
  NodeCrypto,
  overlayHash,
  resourceIdOf,
  signMessage,
  type Credential,
  type KeyAlgorithm,
  type Message,
} from '../../src/reload/index.ts'
import { signStoredData } from '../../src/reload/security/data-signature.ts'
import { registration } from '../../src/sim/values.ts'
import { LinkEnd } from '../bench/link-end.ts'
import { DOMAIN } from '../interop/support/testbed.ts'
import { WatchedNode } from './watched-node.ts'

const HELP = `npm run soak:stores -- [options]

  --stores N        in all (default 10000)
  --links N         that they come over, each from a user of its own (default 8)
  --keys KIND       of those users: ecdsa (default) or rsa
  --wait MS         what 99 of 100 answers to the phone may take meanwhile (default 200)
  --base-port PORT  (default 29000)`

const OPTIONS = {
  stores: { type: 'string', default: '10000' },
  links: { type: 'string', default: '8' },
  keys: { type: 'string', default: 'ecdsa' },
  wait: { type: 'string', default: '200' },
  'base-port': { type: 'string', default: '29000' },
  help: { type: 'boolean', default: false },
} as const

const HOST = '127.0.0.1'
const ASK_EVERY_MS = 20
const CALM_MS = 5_000
const STORES_WITHIN_MS = 60_000
const LIFETIME_S = 3_600
const STORED = 'stored'
/** Hops that a message may take; these take one. */
const TTL = 10

const started = performance.now()
function say(line: string): void {
  process.stdout.write(`${((performance.now() - started) / 1000).toFixed(1).padStart(7)}  ${line}\n`)
}

/** Asks with OPTIONS all the time and notes how long each answer takes. */
class Phone {
  private readonly socket = createSocket('udp4')
  private readonly asked = new Map<string, number>()
  private waits: number[] = []
  private timer: NodeJS.Timeout | undefined
  private serial = 0

  async start(port: number): Promise<void> {
    this.socket.bind(0, HOST)
    await once(this.socket, 'listening')
    const own = `${HOST}:${this.socket.address().port}`
    this.socket.on('message', (bytes) => {
      const branch = /branch=(z9hG4bK\d+)/.exec(bytes.toString('latin1'))?.[1] ?? ''
      const at = this.asked.get(branch)
      if (at === undefined) return
      this.asked.delete(branch)
      this.waits.push(performance.now() - at)
    })
    this.timer = setInterval(() => {
      const branch = `z9hG4bK${++this.serial}`
      this.asked.set(branch, performance.now())
      const lines = [
        `OPTIONS sip:${HOST}:${port} SIP/2.0`,
        `Via: SIP/2.0/UDP ${own};branch=${branch};rport`,
        'Max-Forwards: 70',
        `From: <sip:probe@${own}>;tag=${this.serial}`,
        `To: <sip:${HOST}:${port}>`,
        `Call-ID: ${this.serial}@${own}`,
        'CSeq: 1 OPTIONS',
        'Content-Length: 0',
      ]
      this.socket.send(`${lines.join('\r\n')}\r\n\r\n`, port, HOST)
    }, ASK_EVERY_MS)
  }

  /** Milliseconds of the answers since the last call, sorted; what has had none yet counts with the time that it waits already. */
  take(): number[] {
    const now = performance.now()
    const taken = [...this.waits, ...[...this.asked.values()].map((at) => now - at)].sort((a, b) => a - b)
    this.waits = []
    return taken
  }

  stop(): void {
    clearInterval(this.timer)
    this.socket.close()
  }
}

/** Certificates of users, from the authority of the node. */
async function credentials(folder: string, count: number, algorithm: KeyAlgorithm): Promise<Credential[]> {
  const authority = await openAuthority(folder, DOMAIN, Date.now())
  const crypto = new NodeCrypto()
  const made: Credential[] = []
  for (let index = 0; index < count; index++) {
    const { publicKeyInfo, pkcs8 } = await generateKey(algorithm)
    const userName = `burst${index}@${DOMAIN}`
    const issued = await issueCertificate(authority, { userName, publicKeyInfo }, Date.now())
    if (!issued.ok) throw new Error(issued.error.reason)
    made.push(crypto.importCredential(issued.value.certificate, pkcs8, DOMAIN))
  }
  await authority.close()
  return made
}

/** Stores of one user's registration, each a newer one, signed in advance. */
function stores(crypto: NodeCrypto, user: Credential, count: number, sequence: number): Uint8Array[] {
  const overlay = overlayHash(DOMAIN, (bytes) => crypto.hash('sha1', [bytes]))
  const resource = resourceIdOf(crypto, new TextEncoder().encode(user.certificate.userName))
  const { value } = registration(user, user.nodeId, LIFETIME_S)
  return Array.from({ length: count }, (_, index) => {
    const transactionId = BigInt(index + 1)
    const data = signStoredData(crypto, user, {
      resource,
      kind: KIND.sipRegistration,
      storageTime: BigInt(Date.now()) + BigInt(index),
      lifetime: LIFETIME_S,
      value: { model: 'dictionary', key: user.nodeId, value: { exists: true, value } },
    })
    const kindData = [{ kind: KIND.sipRegistration, generationCounter: 0n, values: [data] }]
    const contentsBytes = encodeContents({
      messageCode: MESSAGE_CODE.storeReq,
      body: encodeStoreReq({ resource, replicaNumber: 0, kindData }),
      extensions: [],
    })
    const header = {
      overlay,
      configurationSequence: sequence,
      ttl: TTL,
      fragment: FRAGMENT_NONE,
      transactionId,
      maxResponseLength: 0,
      viaList: [],
      destinationList: [{ kind: 'resource', resourceId: resource }],
      options: [],
    } as const
    return encodeMessage(
      header,
      contentsBytes,
      signMessage(crypto, user, { overlay, transactionId, contentsBytes }),
    )
  })
}

/** Of an answer; undefined for a request. */
function outcomeOf({ messageCode, body }: Message['contents']): string | undefined {
  if (messageCode === MESSAGE_CODE.storeAns) return STORED
  if (messageCode % 2 === 1 && messageCode !== MESSAGE_CODE.error) return undefined
  const error = decodeErrorResponse(body)
  return error.ok ? `error ${error.value.errorCode}` : `code ${messageCode}`
}

function described(waits: readonly number[]): string {
  const at = (share: number): string =>
    (waits[Math.min(waits.length - 1, Math.floor(share * waits.length))] ?? NaN).toFixed(1)
  return `${waits.length} answers, ms p50 ${at(0.5)}, p99 ${at(0.99)}, max ${at(1)}`
}

const { values } = parseArgs({ options: OPTIONS })
if (values.help) {
  process.stdout.write(`${HELP}\n`)
  process.exit(0)
}
if (values.keys !== 'ecdsa' && values.keys !== 'rsa') throw new Error('--keys: ecdsa or rsa is expected')
const links = Number(values.links)
const each = Math.ceil(Number(values.stores) / links)
const base = Number(values['base-port'])
const node = new WatchedNode(
  { sip: base, tls: base + 1, ws: base + 2, admin: base + 3, reload: base + 4 },
  'digest',
)
const phone = new Phone()
const ends: LinkEnd[] = []
let good = false
try {
  await node.start()
  const users = await credentials(join(node.folder, 'data', 'authority'), links, values.keys)
  const crypto = new NodeCrypto()
  say(`signing ${each * links} Stores, ${values.keys}`)
  const document = readFileSync(join(node.folder, 'data', 'authority', 'configuration.xml'), 'utf8')
  const sequence = Number(/ sequence="(\d+)"/.exec(document)?.[1] ?? 0)
  const bursts = users.map((user) => stores(crypto, user, each, sequence))
  let answered = 0
  const outcomes = new Map<string, number>()
  for (const user of users) {
    const end = new LinkEnd(user)
    end.onMessage = (bytes) => {
      const message = decodeMessage(bytes)
      const outcome = message.ok ? outcomeOf(message.value.contents) : 'cannot be read'
      if (outcome === undefined) return
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
      answered++
    }
    await end.open(HOST, base + 4)
    ends.push(end)
  }
  await phone.start(base)
  await sleep(CALM_MS)
  say(`before: ${described(phone.take())}`)
  node.longestTurnMs = 0
  const from = performance.now()
  for (let index = 0; index < each; index++)
    for (const [which, end] of ends.entries()) end.send(bursts[which]?.[index] as Uint8Array)
  while (answered < each * links && performance.now() - from < STORES_WITHIN_MS) await sleep(10)
  const took = performance.now() - from
  const waits = phone.take()
  say(`meanwhile: ${described(waits)}`)
  await sleep(1_500)
  const carriedOut = outcomes.get(STORED) ?? 0
  const counts = [...outcomes].map(([outcome, count]) => `${count} x ${outcome}`).join(', ')
  say(`${answered} answers in ${took.toFixed(0)} ms: ${counts}`)
  say(`longest turn of the event loop ${node.longestTurnMs.toFixed(0)} ms`)
  const late = waits[Math.floor(0.99 * waits.length)] ?? Infinity
  good = carriedOut === each * links && late <= Number(values.wait) && node.faults().length === 0
  say(good ? 'PASSED' : 'FAILED')
} finally {
  phone.stop()
  await Promise.all(ends.map((end) => end.close()))
  await node.stop()
}
process.exit(good ? 0 : 1)
